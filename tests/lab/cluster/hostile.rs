//! Somebody who has no key: what he says himself, what he says again, and an address that he takes.

use std::io;
use std::net::UdpSocket;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use failover::ClusterId;
use failover::packet::PacketSocket;
use nix::sys::socket::{AddressFamily, LinkAddr, SockFlag, SockProtocol, SockType, recvfrom, socket};

use super::farm::{BOTH, Farm, VIP};
use crate::patience::until;

/// For so long the flood goes on.
const FLOOD: Duration = Duration::from_secs(8);

/// Sends what a director must not take, as fast as it can, from an address of the station or from that of a peer. Says how
/// many went out.
fn flood(socket: &UdpSocket, end: &AtomicBool) -> u64 {
    let mut sent = 0;
    let datagram = |version, cluster: ClusterId| {
        // From litsha23 to litsha21 on the second link, with a body of 80 bytes and the code of no key.
        let start = [version, 1, 1, 2, 0, 1, 0, 80];
        [b"lvsd".as_slice(), &start, &cluster.bits().to_be_bytes(), &[7; 24 + 80 + 32]].concat()
    };
    let [forged, future, other] = [(1, "web"), (9, "web"), (1, "another")]
        .map(|(version, cluster)| datagram(version, ClusterId::of(cluster)));
    let kinds: [&[u8]; 6] = [b"lvsd", &[0; 60], &forged, &future, &other, &[0x55; 1500]];
    while !end.load(Ordering::Relaxed) {
        for kind in kinds {
            match socket.send(kind) {
                Ok(_) => sent += 1,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // Nobody listens, says an ICMP message.
                Err(_) => {}
            }
        }
    }
    sent
}

#[test]
fn a_flood_of_datagrams_without_a_key_does_not_cost_the_vip() {
    let mut farm = Farm::alone();
    farm.start();
    farm.until_settled();
    let watcher = farm.watch();
    let end = Arc::new(AtomicBool::new(false));
    // A stranger at the station, and one who says that he is litsha23.
    farm.nodes[2].eth(0).cut();
    farm.station.add_address("eth0", "192.168.71.23/24");
    let from = ["192.168.71.99:694", "192.168.71.23:694"];
    let floods = from.map(|from| {
        let socket = farm.station.enter(|| {
            let socket = UdpSocket::bind(from)?;
            socket.connect("192.168.71.21:694")?;
            io::Result::Ok(socket)
        });
        let (socket, end) = (socket.expect("a socket"), Arc::clone(&end));
        thread::spawn(move || flood(&socket, &end))
    });
    let begin = Instant::now();
    while begin.elapsed() < FLOOD {
        assert!(farm.carries(0), "the flood cost the vip after {:?}", begin.elapsed());
    }
    end.store(true, Ordering::Relaxed);
    let sent: u64 = floods.into_iter().map(|flood| flood.join().expect("a flood does not panic")).sum();
    assert_eq!(watcher.stop().twice(), Duration::ZERO);
    let cluster = farm.status(0).cluster.expect("a cluster");
    println!(
        "{} datagrams a second; rejected {:?}, strangers {}",
        sent / FLOOD.as_secs(),
        cluster.rejected,
        cluster.strangers
    );
    assert!(cluster.strangers > 0, "{cluster:?}");
    for kind in ["short", "magic", "future_version", "cluster", "bad_mac", "oversized"] {
        assert!(cluster.rejected.get(kind).is_some_and(|count| *count > 0), "{kind}: {:?}", cluster.rejected);
    }
    let told = farm.directors[0].log().lines().count();
    assert!(told < 500, "{told} lines in the log");
}

/// What comes by at the first director's interfaces.
fn overhear(farm: &Farm) -> OwnedFd {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let open = || socket(AddressFamily::Packet, SockType::Raw, flags, SockProtocol::EthAll);
    farm.nodes[0].enter(open).expect("a packet socket")
}

/// The heartbeats among it between the first two directors on the service network, each such that it goes to the first: as
/// it came from the second, or, if it went to the second, turned round.
fn recorded(ear: &OwnedFd) -> Vec<Vec<u8>> {
    const FIRST: [u8; 4] = [192, 168, 71, 21];
    const SECOND: [u8; 4] = [192, 168, 71, 22];
    let mut frame = vec![0; 2048];
    let mut frames = Vec::new();
    while let Ok((length, _)) = recvfrom::<LinkAddr>(ear.as_raw_fd(), &mut frame) {
        let heartbeat =
            length > 42 && frame[12..14] == [8, 0] && frame[23] == 17 && frame[36..38] == [2, 182];
        let (from, to) = (frame[26..30].to_vec(), frame[30..34].to_vec());
        let mut record = frame[..length].to_vec();
        // Nobody has filled in the checksum of UDP yet, and it may be left out.
        record[40..42].fill(0);
        if heartbeat && (&from[..], &to[..]) == (&SECOND, &FIRST) {
            frames.push(record);
        } else if heartbeat && (&from[..], &to[..]) == (&FIRST, &SECOND) {
            record[26..34].rotate_left(4);
            record[0..12].rotate_left(6);
            frames.push(record);
        }
    }
    frames
}

#[test]
fn what_is_said_again_counts_for_nothing_and_an_address_that_a_stranger_has_is_not_taken() {
    let mut farm = Farm::alone();
    farm.start();
    farm.until_settled();
    let ear = overhear(&farm);
    let mut frames = Vec::new();
    until("heartbeats came by", || {
        frames.extend(recorded(&ear));
        frames.len() >= 40
    });
    drop(ear);
    let rejected = |kind: &str| {
        let cluster = farm.status(0).cluster.expect("a cluster");
        cluster.rejected.get(kind).copied().unwrap_or_default()
    };
    let before = ["replayed", "not_for_me"].map(rejected);
    let (socket, index) = farm.station.enter(|| {
        let index = nix::net::if_::if_nametoindex("eth0").expect("an interface");
        (PacketSocket::open().expect("a packet socket"), index)
    });
    for mut frame in frames.iter().cloned().cycle().take(400) {
        // The switch is not to learn that the second director has moved.
        frame[6..12].copy_from_slice(&[2, 0, 0, 0, 0, 99]);
        socket.send(index, &frame).expect("it is sent");
    }
    until("both kinds are counted", || {
        let now = ["replayed", "not_for_me"].map(rejected);
        now.iter().zip(before).all(|(now, before)| *now >= before + 40)
    });
    assert!(farm.carries(0));
    assert!(!farm.has_told(0, "vip_expired", ""), "{:?}", farm.directors[0].happened());

    farm.station.add_address("eth0", &format!("{VIP}/32"));
    farm.drop_heartbeats(0, BOTH);
    let told = |index: usize| farm.has_told(index, "vip_conflict", "which is no director; not taken");
    until("both others know that a stranger has the address", || told(1) && told(2));
    assert!(!farm.carries(1) && !farm.carries(2));
    let status = farm.status(1);
    assert_eq!(status.vips[0].owner, None, "{:?}", status.vips);
}
