//! Steady requests through the director while a test does things to it.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crate::{client::Connection, network::Node, patience::until};

/// How long the client thinks between two rounds.
const PAUSE: Duration = Duration::from_millis(2);

/// A client that asks over and over: each time by a new connection, and over some that it keeps.
pub(crate) struct Load {
    ended: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
    client: Option<JoinHandle<Outcome>>,
}

/// What became of the requests.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Requests by a connection of their own.
    pub(crate) asked: usize,
    /// Requests over the kept connections.
    pub(crate) asked_over_kept: usize,
    /// What failed, and when.
    pub(crate) failures: Vec<(Instant, io::Error)>,
}

impl Load {
    /// Starts to ask, keeping this many connections, and returns when all of it is under way.
    pub(crate) fn start(client: &Node, server: &str, kept: usize) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let asked = Arc::new(AtomicUsize::new(0));
        let kept = (0..kept).map(|_| client.connect(server).expect("a server that answers")).collect();
        let asking = {
            let (client, server) = (client.clone(), server.to_owned());
            let (ended, asked) = (Arc::clone(&ended), Arc::clone(&asked));
            move || ask(&client, &server, kept, &ended, &asked)
        };
        let load = Self { ended, asked, client: Some(thread::spawn(asking)) };
        load.await_rounds(2);
        load
    }

    /// Waits until as many rounds have come to their end from now on.
    pub(crate) fn await_rounds(&self, count: usize) {
        let enough = self.asked.load(Ordering::Relaxed) + count;
        until("requests go on", || self.asked.load(Ordering::Relaxed) >= enough);
    }

    pub(crate) fn stop(mut self) -> Outcome {
        self.ended.store(true, Ordering::Relaxed);
        let client = self.client.take().expect("it is stopped once");
        client.join().expect("a client does not panic")
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}

fn ask(
    client: &Node,
    server: &str,
    mut kept: Vec<Connection>,
    ended: &AtomicBool,
    asked: &AtomicUsize,
) -> Outcome {
    let mut outcome = Outcome::default();
    while !ended.load(Ordering::Relaxed) {
        if let Err(error) = client.ask(server) {
            outcome.failures.push((Instant::now(), error));
        }
        outcome.asked += 1;
        kept.retain_mut(|connection| match connection.ask() {
            Ok(realserver) if realserver == connection.realserver => true,
            Ok(other) => {
                let what = format!("{} became {other}", connection.realserver);
                outcome.failures.push((Instant::now(), io::Error::other(what)));
                false
            }
            Err(error) => {
                outcome.failures.push((Instant::now(), error));
                false
            }
        });
        outcome.asked_over_kept += kept.len();
        asked.fetch_add(1, Ordering::Relaxed);
        thread::sleep(PAUSE);
    }
    outcome
}
