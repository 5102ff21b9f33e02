//! A station that is no director asks by ARP who has an address, all the time, and counts how long two answered.

use std::collections::BTreeSet;
use std::fmt;
use std::net::Ipv4Addr;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use failover::packet::PacketSocket;
use nix::sys::socket::{AddressFamily, LinkAddr, SockFlag, SockProtocol, SockType, recvfrom, socket};

use crate::network::Node;

/// From one question to the next.
const PACE: Duration = Duration::from_millis(10);

/// A MAC address that is nobody's: answers to it are flooded by the switch, and seen here.
const STATION: [u8; 6] = [2, 0, 0, 0, 0, 99];

pub(crate) struct Watcher {
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<Sightings>>,
}

/// Who answered to each question.
#[derive(Default)]
pub(crate) struct Sightings {
    answers: Vec<(Instant, BTreeSet<[u8; 6]>)>,
}

impl Watcher {
    pub(crate) fn start(station: &Node, own: &str, vip: &str) -> Self {
        let (own, vip): (Ipv4Addr, Ipv4Addr) =
            (own.parse().expect("an address"), vip.parse().expect("an address"));
        let ended = Arc::new(AtomicBool::new(false));
        let (station, end) = (station.clone(), Arc::clone(&ended));
        let watch = move || station.enter(|| watch(own, vip, &end));
        Self { ended, thread: Some(thread::spawn(watch)) }
    }

    pub(crate) fn stop(mut self) -> Sightings {
        self.ended.store(true, Ordering::Relaxed);
        self.thread.take().expect("it is stopped once").join().expect("a watcher does not panic")
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}

impl Sightings {
    /// How long two answered to the same question.
    pub(crate) fn twice(&self) -> Duration {
        let twice = self.answers.iter().filter(|(_, by)| by.len() > 1).count();
        PACE * u32::try_from(twice).expect("fewer questions")
    }
}

impl fmt::Debug for Sightings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = self.answers.first().map(|(at, _)| *at);
        let mut last = None;
        for (at, by) in &self.answers {
            if last != Some(by) {
                let after = start.map(|start| *at - start).unwrap_or_default();
                let names: Vec<String> =
                    by.iter().map(|mac| format!("{:02x}{:02x}", mac[4], mac[5])).collect();
                write!(f, "{:.3}s [{}] ", after.as_secs_f64(), names.join(" "))?;
                last = Some(by);
            }
        }
        Ok(())
    }
}

fn watch(own: Ipv4Addr, vip: Ipv4Addr, end: &AtomicBool) -> Sightings {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let listener =
        socket(AddressFamily::Packet, SockType::Raw, flags, SockProtocol::EthAll).expect("a packet socket");
    let speaker = PacketSocket::open().expect("a packet socket");
    let index = nix::net::if_::if_nametoindex("eth0").expect("an interface");
    let mac = STATION;
    let mut question = Vec::new();
    question.extend([0xff; 6]);
    question.extend(mac);
    question.extend([8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
    question.extend(mac);
    question.extend(own.octets());
    question.extend([0; 6]);
    question.extend(vip.octets());

    let mut sightings = Sightings::default();
    while !end.load(Ordering::Relaxed) {
        let asked = Instant::now();
        let _ = speaker.send(index, &question);
        thread::sleep(PACE);
        let mut by = BTreeSet::new();
        let mut frame = [0; 128];
        while let Ok((length, _)) = recvfrom::<LinkAddr>(listener.as_raw_fd(), &mut frame) {
            let is_answer = length >= 42
                && frame[12..14] == [8, 6]
                && frame[20..22] == [0, 2]
                && frame[0..6] == mac
                && frame[28..32] == vip.octets();
            if is_answer {
                by.insert(<[u8; 6]>::try_from(&frame[22..28]).expect("six bytes"));
            }
        }
        sightings.answers.push((asked, by));
    }
    sightings
}
