//! A server that does what it is told to do, which may change at any time.

use std::{
    io,
    net::{Ipv6Addr, TcpListener, UdpSocket},
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
    /// Says what this makes of what it heard.
    Reply(fn(&[u8]) -> Vec<u8>),
    /// Says this before it hears anything, and then yes to everything, as SMTP has it.
    Greet(&'static [u8]),
    /// Begins a good answer, a byte each second.
    Drip,
    /// Answers with 100 MB of nothing.
    Flood,
    /// Hears, and resets the connection.
    Reset,
    /// Hears, and says nothing for as long as the client stays.
    Hang,
}

/// Serves a port of both protocols and both families until dropped; then it refuses.
pub(super) struct Server {
    deed: Arc<Mutex<Deed>>,
    tasks: JoinSet<()>,
}

impl Server {
    pub(super) fn start(node: &Node, port: u16, deed: Deed) -> Self {
        let _runtime = runtime().enter();
        let sockets = node.enter(|| listen(port));
        let (listener, socket) =
            sockets.unwrap_or_else(|error| panic!("port {port} of {}: {error}", node.name()));
        let listener = net::TcpListener::from_std(listener).expect("a listener for the runtime");
        let socket = net::UdpSocket::from_std(socket).expect("a socket for the runtime");
        let deed = Arc::new(Mutex::new(deed));
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, Arc::clone(&deed), node.name().into()));
        tasks.spawn(serve_datagrams(socket, Arc::clone(&deed), node.name().into()));
        Self { deed, tasks }
    }

    /// Does this with new connections and datagrams.
    pub(super) fn does(&self, deed: Deed) {
        *self.deed.lock().expect("no other user panics") = deed;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        runtime().block_on(self.tasks.shutdown());
    }
}

fn listen(port: u16) -> io::Result<(TcpListener, UdpSocket)> {
    let any = (Ipv6Addr::UNSPECIFIED, port);
    let (listener, socket) = (TcpListener::bind(any)?, UdpSocket::bind(any)?);
    listener.set_nonblocking(true)?;
    socket.set_nonblocking(true)?;
    Ok((listener, socket))
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
        Deed::Reply(reply) => {
            let length = stream.read(&mut request).await?;
            stream.write_all(&reply(&request[..length])).await?;
        }
        Deed::Greet(greeting) => {
            stream.write_all(greeting).await?;
            while stream.read(&mut request).await? > 0 {
                stream.write_all(b"250 yes\r\n").await?;
            }
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
        Deed::Hang => while stream.read(&mut request).await? > 0 {},
    }
    Ok(())
}

async fn serve_datagrams(socket: net::UdpSocket, deed: Arc<Mutex<Deed>>, name: Arc<str>) {
    let mut datagram = [0; 2048];
    loop {
        let Ok((length, from)) = socket.recv_from(&mut datagram).await else { continue };
        let answer = match *deed.lock().expect("no other user panics") {
            Deed::Answer => name.as_bytes().to_owned(),
            Deed::Say(answer) => answer.to_owned(),
            Deed::Reply(reply) => reply(&datagram[..length]),
            _ => continue,
        };
        // An answer that cannot be sent ends nothing.
        let _ = socket.send_to(&answer, from).await;
    }
}
