//! A client that asks a service all the time, and knows for how long it got no answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use crate::network::Node;
use crate::patience::until;

/// Whoever has no answer by then asks again.
const PATIENCE: Duration = Duration::from_millis(150);
/// Whoever leaves it to the kernel to send again what is lost.
const LONG_PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(5);

pub(crate) struct Visitor {
    ended: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    longest: Arc<AtomicU64>,
    thread: Option<JoinHandle<Visits>>,
}

/// What became of the visits.
#[derive(Debug, Default)]
pub(crate) struct Visits {
    /// When each answer came.
    answers: Vec<Instant>,
    /// How many had none.
    pub(crate) failed: usize,
}

impl Visitor {
    pub(crate) fn start(client: &Node, server: &str) -> Self {
        Self::with_patience(client, server, PATIENCE)
    }

    /// One that waits for the kernel to send again what is lost.
    pub(crate) fn patient(client: &Node, server: &str) -> Self {
        Self::with_patience(client, server, LONG_PATIENCE)
    }

    fn with_patience(client: &Node, server: &str, patience: Duration) -> Self {
        let server: SocketAddr = server.parse().expect("an address");
        let (ended, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let longest = Arc::new(AtomicU64::new(0));
        let (client, end, count) = (client.clone(), Arc::clone(&ended), Arc::clone(&answered));
        let gap = Arc::clone(&longest);
        let visit = move || {
            client.enter(|| {
                let mut visits = Visits::default();
                while !end.load(Ordering::Relaxed) {
                    match ask(server, patience) {
                        Ok(()) => {
                            let now = Instant::now();
                            let since = visits.answers.last().map(|last| now - *last).unwrap_or_default();
                            gap.fetch_max(
                                u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
                                Ordering::Relaxed,
                            );
                            visits.answers.push(now);
                            count.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(_) => visits.failed += 1,
                    }
                    thread::sleep(PAUSE);
                }
                visits
            })
        };
        Self { ended, answered, longest, thread: Some(thread::spawn(visit)) }
    }

    /// Waits for that many answers from now on.
    #[track_caller]
    pub(crate) fn await_visits(&self, count: usize) {
        let enough = self.answered.load(Ordering::Relaxed) + count;
        until("the service answers", || self.answered.load(Ordering::Relaxed) >= enough);
    }

    /// The longest time between two answers until now.
    pub(crate) fn gap_so_far(&self) -> Duration {
        Duration::from_millis(self.longest.load(Ordering::Relaxed))
    }

    pub(crate) fn stop(mut self) -> Visits {
        self.ended.store(true, Ordering::Relaxed);
        self.thread.take().expect("it is stopped once").join().expect("a visitor does not panic")
    }
}

impl Drop for Visitor {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}

impl Visits {
    /// How many were answered.
    pub(crate) fn count(&self) -> usize {
        self.answers.len()
    }

    /// The longest time between two answers.
    pub(crate) fn longest_gap(&self) -> Duration {
        let gaps = self.answers.windows(2).map(|pair| pair[1] - pair[0]);
        gaps.max().unwrap_or_default()
    }
}

fn ask(server: SocketAddr, patience: Duration) -> std::io::Result<()> {
    use std::io::{Read, Write};
    let socket = Socket::new(Domain::for_address(server), Type::STREAM, None)?;
    socket.set_linger(Some(Duration::ZERO))?;
    socket.connect_timeout(&server.into(), patience)?;
    socket.set_read_timeout(Some(patience))?;
    let mut socket = std::net::TcpStream::from(socket);
    socket.write_all(b"GET / HTTP/1.1\r\nHost: lab\r\n\r\n")?;
    match socket.read(&mut [0; 512])? {
        0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}
