//! A server that does what it is told to do, which may change at any time.

use std::{
    io,
    net::{Ipv4Addr, TcpListener},
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{self, TcpStream},
    task::JoinSet,
    time::sleep,
};
use tokio_rustls::TlsAcceptor;

use crate::{network::Node, responder::serve_connection, runtime};

/// What a server does with its connections.
#[derive(Clone)]
pub(super) enum Deed {
    /// Answers with its node's name.
    Answer,
    /// The same over TLS.
    AnswerOver(TlsAcceptor),
    /// Says this, and closes.
    Say(&'static [u8]),
    /// Begins a good answer, a byte each second.
    Drip,
    /// Answers with 100 MB of nothing.
    Flood,
    /// Hears, and resets the connection.
    Reset,
    /// Says nothing.
    Hang,
}

/// Serves until dropped; then its port refuses.
pub(super) struct Server {
    deed: Arc<Mutex<Deed>>,
    tasks: JoinSet<()>,
}

impl Server {
    pub(super) fn start(node: &Node, port: u16, deed: Deed) -> Self {
        let _runtime = runtime().enter();
        let listener = node.enter(|| {
            let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port))?;
            listener.set_nonblocking(true)?;
            io::Result::Ok(listener)
        });
        let listener = listener.unwrap_or_else(|error| panic!("port {port} of {}: {error}", node.name()));
        let listener = net::TcpListener::from_std(listener).expect("a listener for the runtime");
        let deed = Arc::new(Mutex::new(deed));
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, Arc::clone(&deed), node.name().into()));
        Self { deed, tasks }
    }

    /// Does this with new connections.
    pub(super) fn does(&self, deed: Deed) {
        *self.deed.lock().expect("no other user panics") = deed;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        runtime().block_on(self.tasks.shutdown());
    }
}

async fn serve(listener: net::TcpListener, deed: Arc<Mutex<Deed>>, name: Arc<str>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                let deed = deed.lock().expect("no other user panics").clone();
                let name = Arc::clone(&name);
                connections.spawn(async move {
                    // A client that goes away early is none of our business.
                    let _ = perform(stream, deed, name).await;
                });
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn perform(mut stream: TcpStream, deed: Deed, name: Arc<str>) -> io::Result<()> {
    let mut request = [0; 2048];
    match deed {
        Deed::Answer => serve_connection(stream, name).await,
        Deed::AnswerOver(acceptor) => serve_connection(acceptor.accept(stream).await?, name).await,
        Deed::Say(answer) => {
            let _ = stream.read(&mut request).await?;
            stream.write_all(answer).await?;
        }
        Deed::Drip => {
            let _ = stream.read(&mut request).await?;
            for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" {
                stream.write_all(&[*byte]).await?;
                sleep(Duration::from_secs(1)).await;
            }
        }
        Deed::Flood => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n").await?;
            for _ in 0..10_000 {
                stream.write_all(&[b' '; 10_000]).await?;
            }
        }
        Deed::Reset => {
            let _ = stream.read(&mut request).await?;
            stream.set_zero_linger()?;
        }
        Deed::Hang => std::future::pending().await,
    }
    Ok(())
}
