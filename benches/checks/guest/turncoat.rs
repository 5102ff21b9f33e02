//! A realserver that fails when it is told to, and knows since when.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use crate::Outcome;

pub(super) const ADDRESS: &str = "10.1.0.2:8080";

#[derive(Clone, Copy)]
enum Mood {
    Works,
    /// Since when, from its first answer on.
    Fails(Option<Instant>),
}

/// A server that turns; it ends with the program.
pub(super) struct Turncoat(Arc<Mutex<Mood>>);

impl Turncoat {
    pub(super) fn start() -> Outcome<Self> {
        let listener = TcpListener::bind(ADDRESS)?;
        let mood = Arc::new(Mutex::new(Mood::Works));
        let of_server = Arc::clone(&mood);
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                // A client that goes meanwhile is none of ours.
                drop(answer(connection, &of_server));
            }
        });
        Ok(Self(mood))
    }

    /// Lets it fail from now on.
    pub(super) fn fail(&self) {
        self.turn(Mood::Fails(None));
    }

    /// Lets it work again; when its first answer that failed went out.
    pub(super) fn recover(&self) -> Option<Instant> {
        match self.turn(Mood::Works) {
            Mood::Works => None,
            Mood::Fails(since) => since,
        }
    }

    fn turn(&self, mood: Mood) -> Mood {
        std::mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), mood)
    }
}

fn answer(mut connection: TcpStream, mood: &Mutex<Mood>) -> std::io::Result<()> {
    let _ = connection.read(&mut [0; 1024])?;
    let status = match &mut *mood.lock().unwrap_or_else(PoisonError::into_inner) {
        Mood::Works => "200 OK",
        Mood::Fails(since) => {
            since.get_or_insert_with(Instant::now);
            "503 Service Unavailable"
        }
    };
    write!(connection, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}
