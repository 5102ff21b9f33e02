//! How many realservers a director's kernel has for each port, looked at all the time.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use ipvs::{Connection, Listing, ServiceId};
use jiff::Timestamp;

use crate::network::Node;

/// From one look to the next.
const PAUSE: Duration = Duration::from_millis(100);

type Counts = BTreeMap<u16, usize>;

pub(super) struct Watch {
    ended: Arc<AtomicBool>,
    watcher: JoinHandle<Sightings>,
}

/// What was seen, whenever it was something new.
#[derive(Debug)]
pub(super) struct Sightings(Vec<(Timestamp, Counts)>);

impl Watch {
    pub(super) fn start(director: &Node) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let watch = {
            let (director, ended) = (director.clone(), Arc::clone(&ended));
            move || director.enter(|| look(&ended))
        };
        Self { ended, watcher: thread::spawn(watch) }
    }

    pub(super) fn stop(self) -> Sightings {
        self.ended.store(true, Ordering::Relaxed);
        self.watcher.join().expect("a watcher does not panic")
    }
}

impl Sightings {
    /// From when on a port was seen with so many realservers.
    pub(super) fn first(&self, port: u16, count: usize) -> Option<Timestamp> {
        let (at, _) = self.0.iter().find(|(_, counts)| counts.get(&port) == Some(&count))?;
        Some(*at)
    }
}

fn look(ended: &AtomicBool) -> Sightings {
    let mut connection = Connection::open().expect("a connection to IPVS");
    let mut sightings: Vec<(Timestamp, Counts)> = Vec::new();
    while !ended.load(Ordering::Relaxed) {
        let counts = counts(&connection.list().expect("a table that can be read"));
        if sightings.last().is_none_or(|(_, last)| *last != counts) {
            sightings.push((Timestamp::now(), counts));
        }
        thread::sleep(PAUSE);
    }
    Sightings(sightings)
}

fn counts(listing: &Listing) -> Counts {
    let services = listing.services.iter().filter_map(|service| match service.id {
        ServiceId::Address { endpoint, .. } => Some((endpoint.port(), service.destinations.len())),
        ServiceId::Mark { .. } => None,
    });
    services.collect()
}
