//! Somebody who has no key: what he says himself, what he says again, and an address that he takes.

use std::fs;
use std::os::fd::{AsRawFd, OwnedFd};
use std::thread;
use std::time::{Duration, Instant};

use failover::ClusterId;
use failover::packet::PacketSocket;
use nix::sys::socket::{AddressFamily, LinkAddr, SockFlag, SockProtocol, SockType, recvfrom, socket};

use super::farm::{BOTH, Farm, VIP};
use super::flood::{Flood, Way};
use crate::patience::until;

/// For so long a flood goes on.
const FLOOD: Duration = Duration::from_secs(8);
/// How many datagrams a second make a flood, where an emulated guest shares its processors with much else. Alone it sends
/// many more.
const LEAST: u64 = 5_000;
/// What the kinds of a flood are counted as.
const KINDS: [&str; 8] =
    ["short", "magic", "bad_mac", "future_version", "cluster", "oversized", "replayed", "not_for_me"];

/// The first director on the service network, and on that for heartbeats.
const SERVICE: &str = "192.168.71.21:694";
const HEARTBEATS: &str = "192.168.68.201:694";
const STRANGER: [Way; 1] = [Way { from: "192.168.71.99:694", to: SERVICE }];
const PEERS: [Way; 4] = [
    Way { from: "192.168.71.22:694", to: SERVICE },
    Way { from: "192.168.71.23:694", to: SERVICE },
    Way { from: "192.168.68.202:694", to: HEARTBEATS },
    Way { from: "192.168.68.203:694", to: HEARTBEATS },
];

/// What a director must not take: what no director said, and what directors said before.
fn hostile(farm: &Farm) -> Vec<Vec<u8>> {
    let datagram = |version, cluster: ClusterId| {
        // From litsha23 to litsha21 on the second link, with a body of 80 bytes and the code of no key.
        let start = [version, 1, 1, 2, 0, 1, 0, 80];
        [b"lvsd".as_slice(), &start, &cluster.bits().to_be_bytes(), &[7; 24 + 80 + 32]].concat()
    };
    let [forged, future, other] = [(1, "web"), (9, "web"), (1, "another")]
        .map(|(version, cluster)| datagram(version, ClusterId::of(cluster)));
    let made = [b"lvsd".to_vec(), vec![0; 60], forged, future, other, vec![0x55; 1450]];
    let recorded = record(farm, 8).into_iter().map(|frame| frame[UDP_BODY..].to_vec());
    made.into_iter().chain(recorded).collect()
}

/// What the first director did in a flood.
#[derive(Debug)]
struct Effect {
    /// Datagrams a second.
    rate: u64,
    /// What part of the time its cluster thread ran.
    busy: f64,
    /// How many more datagrams it counted, by kind.
    counted: Vec<(String, u64)>,
    strangers: u64,
    /// Whether it had the vip all the time.
    kept: bool,
}

impl Effect {
    fn count(&self, kind: &str) -> u64 {
        self.counted.iter().find(|(name, _)| name == kind).map(|(_, count)| *count).unwrap_or_default()
    }
}

/// Floods the first of three directors, which has the vip. Whatever comes of it, at most one answers for the vip, and the
/// log stays readable.
fn endure(farm: &mut Farm, ways: &[Way]) -> Effect {
    farm.start();
    farm.until_settled();
    let hostile = hostile(farm);
    let (watcher, visitor) = (farm.watch(), farm.visit());
    visitor.await_visits(20);
    let cluster = || farm.status(0).cluster.expect("a cluster");
    let lost = || {
        let events = farm.directors[0].happened().into_iter();
        events.filter(|event| ["vip_expired", "vip_released"].contains(&&*event.kind)).count()
    };
    let (before, lost_before) = (cluster(), lost());
    let (begin, ran) = (Instant::now(), time_of_cluster_thread(farm));
    let flood = Flood::start(&farm.station, ways, &hostile);
    thread::sleep(FLOOD);
    let ran = time_of_cluster_thread(farm).saturating_sub(ran);
    let busy = ran.div_duration_f64(begin.elapsed());
    let sent = flood.stop();
    let took = begin.elapsed();
    // What lies in the queues is counted when it is read.
    thread::sleep(Duration::from_secs(1));
    let after = cluster();
    let more = |(kind, count): (String, u64)| {
        let before = before.rejected.get(&kind).copied().unwrap_or_default();
        (kind, count - before)
    };
    let effect = Effect {
        rate: sent / took.as_secs(),
        busy,
        counted: after.rejected.into_iter().map(more).filter(|(_, count)| *count > 0).collect(),
        strangers: after.strangers - before.strangers,
        kept: farm.carries(0) && lost() == lost_before,
    };
    println!("{ways:?}: {effect:?}, no client was answered for up to {:?}", visitor.stop().longest_gap());
    let sightings = watcher.stop();
    assert_eq!(sightings.twice(), Duration::ZERO, "{sightings:?}");
    let told = farm.directors[0].log().lines().count();
    assert!(told < 500, "{told} lines in the log");
    assert!(effect.rate >= LEAST, "{} datagrams a second are no flood", effect.rate);
    effect
}

/// For how long the thread of the first director that hears the others has run.
fn time_of_cluster_thread(farm: &Farm) -> Duration {
    let threads = format!("/proc/{}/task", farm.directors[0].id());
    let threads = fs::read_dir(threads).expect("lvsd runs").map(|thread| thread.expect("a thread").path());
    let is_it = |name: String| name.trim() == "cluster";
    let mut its = threads.filter(|thread| fs::read_to_string(thread.join("comm")).is_ok_and(is_it));
    let account = its.next().expect("a cluster thread").join("schedstat");
    let account = fs::read_to_string(account).expect("a kernel that counts");
    let ran = account.split(' ').next().and_then(|nanoseconds| nanoseconds.parse().ok());
    Duration::from_nanos(ran.expect("nanoseconds"))
}

#[test]
fn a_flood_from_a_strangers_address_does_not_cost_the_vip() {
    let mut farm = Farm::alone();
    let effect = endure(&mut farm, &STRANGER);
    assert!(effect.kept);
    assert!(effect.strangers > effect.rate * FLOOD.as_secs() / 2);
    assert!(KINDS.iter().all(|kind| effect.count(kind) == 0));
}

#[test]
fn a_flood_in_the_names_of_all_others_on_one_link_does_not_cost_the_vip() {
    let mut farm = Farm::alone();
    let effect = endure(&mut farm, &PEERS[..2]);
    assert!(effect.kept);
    assert!(KINDS.iter().chain(&["overrun"]).all(|kind| effect.count(kind) > 0));
    assert!(effect.busy < 0.75);
}

#[test]
fn a_flood_in_the_names_of_all_others_on_all_links_never_makes_two_answer() {
    let mut farm = Farm::alone();
    let effect = endure(&mut farm, &PEERS);
    assert!(KINDS.iter().chain(&["overrun"]).all(|kind| effect.count(kind) > 0));
    assert!(effect.busy < 0.75);
}

#[test]
fn heartbeats_have_more_room_than_the_system_grants_others() {
    let mut farm = Farm::alone();
    farm.start();
    let sockets = farm.nodes[0].run(["ss", "-uanmO", "sport = :694"]);
    let queues: Vec<&str> = sockets.lines().filter(|line| line.contains("192.168.68.202:694")).collect();
    // The kernel doubles what it is asked for.
    assert!(queues.len() == 1 && queues[0].contains("rb2097152"), "{sockets}");
}

/// Where the headers of Ethernet, IPv4 and UDP end.
const UDP_BODY: usize = 42;

/// What comes by at the first director's interfaces.
fn overhear(farm: &Farm) -> OwnedFd {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let open = || socket(AddressFamily::Packet, SockType::Raw, flags, SockProtocol::EthAll);
    farm.nodes[0].enter(open).expect("a packet socket")
}

/// At least so many heartbeats between the first two directors, as they are [`recorded`].
fn record(farm: &Farm, count: usize) -> Vec<Vec<u8>> {
    let ear = overhear(farm);
    let mut frames = Vec::new();
    until("heartbeats came by", || {
        frames.extend(recorded(&ear));
        frames.len() >= count
    });
    frames
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
            length > UDP_BODY && frame[12..14] == [8, 0] && frame[23] == 17 && frame[36..38] == [2, 182];
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
    let frames = record(&farm, 40);
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
