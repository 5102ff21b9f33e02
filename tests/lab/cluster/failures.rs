//! Everything that can befall the owner of a vip and its cluster: who owns the vip then, for how long clients have no
//! answer, and whether two directors ever answer at once.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::farm::{BOTH, Farm, NAMES, lose};
use crate::network::Node;
use crate::patience::until;

/// A failure and its end.
struct Case {
    name: &'static str,
    happens: fn(&mut Farm),
    then: Then,
    heals: fn(&mut Farm),
}

/// What becomes of the vip, which the first director owns.
#[derive(Clone, Copy)]
enum Then {
    /// It stays all the time.
    Stays,
    /// Another takes it.
    Moves,
    /// Nobody has it.
    Nobody,
    /// For so long it may be with anybody, or with nobody.
    Anywhere(Duration),
}

/// The longest that a case may be watched without anything being expected to change.
const WATCHED: Duration = Duration::from_secs(4);

const CASES: &[Case] = &[
    Case {
        name: "all links of the owner cut",
        happens: |farm| farm.cut_off(0),
        then: Then::Moves,
        heals: |farm| farm.reconnect(0),
    },
    Case {
        name: "power off: frozen, and its links cut",
        happens: |farm| {
            farm.directors[0].signal(Signal::SIGSTOP);
            farm.cut_off(0);
        },
        then: Then::Moves,
        heals: |farm| {
            // A machine that has its power again has no vip.
            farm.directors[0].signal(Signal::SIGCONT);
            until("it gave the vip up", || !farm.carries(0));
            farm.reconnect(0);
        },
    },
    Case {
        name: "the owner's heartbeat link cut",
        happens: |farm| farm.nodes[0].eth(1).cut(),
        then: Then::Stays,
        heals: |farm| farm.nodes[0].eth(1).heal(),
    },
    Case {
        name: "the owner's uplink cut",
        happens: |farm| farm.nodes[0].eth(0).cut(),
        then: Then::Moves,
        heals: |farm| farm.nodes[0].eth(0).heal(),
    },
    Case {
        name: "the uplink of another cut",
        happens: |farm| farm.nodes[1].eth(0).cut(),
        then: Then::Stays,
        heals: |farm| farm.nodes[1].eth(0).heal(),
    },
    Case {
        name: "deaf owner",
        happens: |farm| farm.drop_heartbeats(0, &["input"]),
        then: Then::Moves,
        heals: |farm| farm.let_heartbeats_pass(),
    },
    Case {
        name: "mute owner",
        happens: |farm| farm.drop_heartbeats(0, &["output"]),
        then: Then::Moves,
        heals: |farm| farm.let_heartbeats_pass(),
    },
    Case {
        name: "the owner's heartbeats lost, clients reach everybody",
        happens: |farm| farm.drop_heartbeats(0, BOTH),
        then: Then::Moves,
        heals: |farm| farm.let_heartbeats_pass(),
    },
    Case {
        name: "partition {1,2} | {3}",
        happens: |farm| farm.drop_heartbeats(2, BOTH),
        then: Then::Stays,
        heals: |farm| farm.let_heartbeats_pass(),
    },
    Case {
        name: "partition {1} | {2} | {3}",
        happens: |farm| (0..3).for_each(|index| farm.drop_heartbeats(index, BOTH)),
        then: Then::Nobody,
        heals: |farm| farm.let_heartbeats_pass(),
    },
    Case {
        name: "the owner does not hear one of the others",
        happens: |farm| lose(&farm.nodes[0], "input", &heartbeats_from(follower(farm))),
        then: Then::Stays,
        heals: |farm| farm.let_heartbeats_pass(),
    },
    Case {
        name: "one of the others does not hear the owner",
        happens: |farm| lose(&farm.nodes[follower(farm)], "input", &heartbeats_from(0)),
        then: Then::Stays,
        heals: |farm| farm.let_heartbeats_pass(),
    },
    Case {
        name: "the owner's heartbeats lost on its uplink alone",
        happens: |farm| lose_heartbeats_on(&farm.nodes[0], "eth0"),
        then: Then::Stays,
        heals: |farm| farm.let_heartbeats_pass(),
    },
    Case {
        name: "the heartbeats of another lost on one link alone",
        happens: |farm| lose_heartbeats_on(&farm.nodes[1], "eth1"),
        then: Then::Stays,
        heals: |farm| farm.let_heartbeats_pass(),
    },
    Case {
        name: "the clock an hour ahead",
        happens: |farm| farm.step_clock(3600),
        then: Then::Stays,
        heals: Farm::set_clock_right,
    },
    Case {
        name: "the clock an hour back",
        happens: |farm| farm.step_clock(-3600),
        then: Then::Stays,
        heals: Farm::set_clock_right,
    },
    Case {
        name: "30 % loss at the owner",
        happens: |farm| (0..2).for_each(|link| farm.nodes[0].eth(link).loss(30)),
        then: Then::Anywhere(WATCHED.saturating_mul(4)),
        heals: |farm| farm.reconnect(0),
    },
    Case {
        name: "all directors stopped and started",
        happens: |farm| farm.restart_all(Signal::SIGTERM),
        then: Then::Anywhere(Duration::ZERO),
        heals: |_| {},
    },
    // One that is killed leaves the address behind until it starts again, and only then.
    Case {
        name: "all directors killed and started",
        happens: |farm| farm.restart_all(Signal::SIGKILL),
        then: Then::Anywhere(Duration::ZERO),
        heals: |_| {},
    },
    Case {
        name: "standby and online",
        happens: |farm| farm.say(0, ["node", "standby"]),
        then: Then::Moves,
        heals: |farm| farm.say(0, ["node", "online"]),
    },
    Case {
        name: "moved by hand and back",
        happens: |farm| farm.say(2, ["vip", "move", "web", "litsha22"]),
        then: Then::Moves,
        heals: |farm| farm.say(1, ["vip", "release", "web"]),
    },
    Case {
        name: "graceful stop and fail-back",
        happens: |farm| farm.stop(0, Signal::SIGTERM),
        then: Then::Moves,
        heals: |farm| farm.start_again(0),
    },
];

/// One of the others that is not the DC: with that one, an owner has to talk both ways.
fn follower(farm: &Farm) -> usize {
    if farm.until_dc(&[0, 1, 2]) == 1 { 2 } else { 1 }
}

/// What one director says to another.
fn heartbeats_from(index: usize) -> String {
    let number = index + 1;
    format!("ip saddr {{ 192.168.68.20{number}, 192.168.71.2{number} }} udp dport 694")
}

/// Loses the heartbeats of a director on one of its links, whose carrier stays.
fn lose_heartbeats_on(node: &Node, interface: &str) {
    lose(node, "input", &format!("iifname {interface} udp dport 694"));
    lose(node, "output", &format!("oifname {interface} udp dport 694"));
}

#[test]
fn nobody_ever_shares_the_vip() {
    let mut farm = Farm::alone();
    farm.start();
    farm.until_settled();
    let mut table = Vec::new();
    for case in CASES {
        let (watcher, visitor) = (farm.watch(), farm.visit());
        visitor.await_visits(10);
        (case.happens)(&mut farm);
        match case.then {
            Then::Stays => {
                let begin = Instant::now();
                while begin.elapsed() < WATCHED {
                    assert!(farm.carries(0), "{}: {} gave the vip up", case.name, NAMES[0]);
                }
            }
            // What is frozen keeps the address, and reaches nobody.
            Then::Moves => until(case.name, || farm.carries(1) || farm.carries(2)),
            Then::Nobody => until(case.name, || farm.owners().is_empty()),
            Then::Anywhere(duration) => {
                let begin = Instant::now();
                while begin.elapsed() < duration {
                    assert!(farm.owners().len() <= 1, "{}", case.name);
                }
            }
        }
        let served = matches!(case.then, Then::Stays | Then::Moves);
        if served {
            visitor.await_visits(20);
        }
        let gap = visitor.gap_so_far();
        (case.heals)(&mut farm);
        farm.until_settled();
        visitor.await_visits(20);
        let (visits, seen) = (visitor.stop(), watcher.stop());
        let gap = if served { format!("{:>6} ms", gap.as_millis()) } else { "-".to_owned() };
        table.push(format!(
            "{:<55} {gap:>10} {:>7} ms {:>9} ms",
            case.name,
            visits.longest_gap().as_millis(),
            seen.twice().as_millis()
        ));
        assert_eq!(seen.twice(), Duration::ZERO, "{}: {seen:?}", case.name);
    }
    println!("{:<55} {:>10} {:>10} {:>12}", "", "gap", "in all", "two owners");
    for line in table {
        println!("{line}");
    }
}
