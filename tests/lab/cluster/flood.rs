//! Datagrams as fast as a station can send them, from whatever address.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use nix::sys::socket::{setsockopt, sockopt::UdpGsoSegment};
use socket2::{Domain, Socket, Type};
use thread_priority::{ThreadPriority, set_current_thread_priority};

use crate::network::Node;

/// As many datagrams the kernel makes of one sending at most: `UDP_MAX_SEGMENTS` of `linux/udp.h`.
const MOST: usize = 64;
/// How many bytes are sent at a time. An emulated machine copies slowly.
const VOLLEY: usize = 8192;

/// From where to where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    pub(crate) from: &'static str,
    pub(crate) to: &'static str,
}

pub(crate) struct Flood {
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<u64>>,
}

/// The same datagram, many times over.
struct Volley {
    socket: Socket,
    datagrams: Vec<u8>,
    count: u64,
}

impl Flood {
    /// Sends each of the datagrams each of the ways, over and over. The addresses they come from need not be the station's.
    pub(crate) fn start(station: &Node, ways: &[Way], datagrams: &[Vec<u8>]) -> Self {
        let volley = |(way, datagram): (&Way, &Vec<u8>)| Volley::new(*way, datagram);
        let all = datagrams.iter().flat_map(|datagram| ways.iter().map(move |way| (way, datagram)));
        let volleys: Vec<Volley> = station.enter(|| all.map(volley).collect());
        let ended = Arc::new(AtomicBool::new(false));
        let end = Arc::clone(&ended);
        let send = move || {
            // An attacker has a machine of his own: this one does what else it has to do first.
            set_current_thread_priority(ThreadPriority::Min).expect("whoever wants less gets it");
            let mut sent = 0;
            while !end.load(Ordering::Relaxed) {
                sent += volleys.iter().map(Volley::fire).sum::<u64>();
            }
            sent
        };
        Self { ended, thread: Some(thread::spawn(send)) }
    }

    /// Says how many went out.
    pub(crate) fn stop(mut self) -> u64 {
        self.ended.store(true, Ordering::Relaxed);
        self.thread.take().expect("it is stopped once").join().expect("a flood does not panic")
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}

impl Volley {
    fn new(way: Way, datagram: &[u8]) -> Self {
        let [from, to] = [way.from, way.to].map(|at| at.parse::<SocketAddr>().expect("an address"));
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).expect("a socket");
        socket.set_reuse_address(true).expect("an address that others have");
        socket.set_ip_transparent_v4(true).expect("an address that is another station's");
        socket.bind(&from.into()).expect("an address to send from");
        socket.connect(&to.into()).expect("a way there");
        let length = i32::try_from(datagram.len()).expect("a short datagram");
        setsockopt(&socket, UdpGsoSegment, &length).expect("segments");
        let count = MOST.min(VOLLEY / datagram.len());
        Self { socket, datagrams: datagram.repeat(count), count: count as u64 }
    }

    /// Says how many went out.
    fn fire(&self) -> u64 {
        // An error can be what an ICMP message said of earlier ones.
        self.socket.send(&self.datagrams).map_or(0, |_| self.count)
    }
}
