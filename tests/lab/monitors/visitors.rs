//! Clients of many services, who come at a steady pace, whether those before them were served or not.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use jiff::Timestamp;
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpSocket,
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::tls::NAME;
use crate::{network::Node, patience::until, runtime};

/// Whoever has no answer by then goes away: long, since a guest that is busy answers late, and only nobody never.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where they go, and what they believe in.
#[derive(Clone)]
pub(super) struct Destination {
    pub(super) server: SocketAddr,
    pub(super) tls: Option<TlsConnector>,
}

/// They come until they are stopped.
pub(super) struct Visitors {
    ended: Arc<AtomicBool>,
    came: Arc<AtomicUsize>,
    services: usize,
    clock: Option<JoinHandle<Vec<Visit>>>,
}

/// One request by a connection of its own.
#[derive(Debug)]
pub(super) struct Visit {
    pub(super) port: u16,
    pub(super) began: Timestamp,
    pub(super) ended: Timestamp,
    /// Who answered.
    pub(super) answer: io::Result<String>,
}

impl Visitors {
    /// One comes to each of these services in each such time.
    pub(super) fn start(client: &Node, destinations: Vec<Destination>, every: Duration) -> Self {
        let (ended, came) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let services = destinations.len();
        let clock = {
            let (client, ended, came) = (client.clone(), Arc::clone(&ended), Arc::clone(&came));
            move || client.enter(|| send(&destinations, every, &ended, &came))
        };
        Self { ended, came, services, clock: Some(thread::spawn(clock)) }
    }

    /// Waits until as many have come to each service from now on.
    pub(super) fn await_rounds(&self, count: usize) {
        let enough = self.came.load(Ordering::Relaxed) + (count + 1) * self.services;
        until("visitors come", || self.came.load(Ordering::Relaxed) >= enough);
    }

    /// No more come; what became of all, when the last is gone.
    pub(super) fn stop(mut self) -> Vec<Visit> {
        self.ended.store(true, Ordering::Relaxed);
        self.clock.take().expect("it is stopped once").join().expect("visitors do not panic")
    }
}

impl Drop for Visitors {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}

/// Sockets belong to the network of the thread that opens them, wherever they are used.
fn send(destinations: &[Destination], every: Duration, ended: &AtomicBool, came: &AtomicUsize) -> Vec<Visit> {
    let pause = every / u32::try_from(destinations.len()).expect("few services");
    let mut visits = JoinSet::new();
    for destination in destinations.iter().cycle() {
        if ended.load(Ordering::Relaxed) {
            break;
        }
        let socket = match destination.server {
            SocketAddr::V4(_) => TcpSocket::new_v4(),
            SocketAddr::V6(_) => TcpSocket::new_v6(),
        };
        let socket = socket.expect("a socket for the runtime");
        visits.spawn_on(visit(socket, destination.clone()), runtime().handle());
        came.fetch_add(1, Ordering::Relaxed);
        thread::sleep(pause);
    }
    runtime().block_on(visits.join_all())
}

async fn visit(socket: TcpSocket, destination: Destination) -> Visit {
    let (port, began) = (destination.server.port(), Timestamp::now());
    let answer = timeout(PATIENCE, async {
        let stream = socket.connect(destination.server).await?;
        match destination.tls {
            None => ask(stream).await,
            Some(tls) => {
                let name = ServerName::try_from(NAME).map_err(io::Error::other)?;
                ask(tls.connect(name, stream).await?).await
            }
        }
    });
    let answer = answer.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
    Visit { port, began, ended: Timestamp::now(), answer }
}

/// The first word of a good answer.
async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<String> {
    stream.write_all(b"GET / HTTP/1.1\r\nHost: lab\r\n\r\n").await?;
    let mut answer = Vec::new();
    while answer.len() < 2048 {
        if stream.read_buf(&mut answer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let text = String::from_utf8_lossy(&answer);
        match text.split_once("\r\n\r\n") {
            Some((head, body)) if head.starts_with("HTTP/1.1 200 ") && body.starts_with("rs") => {
                return Ok(body.split_whitespace().next().unwrap_or_default().to_owned());
            }
            _ => {}
        }
    }
    Err(io::Error::other("it says something else"))
}
