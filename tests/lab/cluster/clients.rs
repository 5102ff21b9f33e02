//! What a client with an ordinary kernel sees of a vip that moves in good order.

use nix::sys::signal::Signal;

use super::farm::{CLUSTER, Farm, VIP, VIPS, config};
use super::visitor::Visitor;
use crate::responder::Responder;

/// By direct routing, and so that each director sends a client to the same realserver.
fn direct() -> String {
    let file = config(CLUSTER, VIPS);
    assert!(file.contains("scheduler = \"rr\"\nforward = \"nat\""));
    file.replace("scheduler = \"rr\"\nforward = \"nat\"", "scheduler = \"sh\"\nforward = \"dr\"")
}

#[test]
fn no_request_fails_when_a_director_is_stopped_or_put_into_standby() {
    let mut farm = Farm::alone();
    for director in &farm.nodes {
        director.set_sysctl("ipv4/vs/sloppy_tcp", "1");
    }
    let take = |realserver| {
        let realserver: &crate::network::Node = realserver;
        realserver.set_sysctl("ipv4/conf/all/arp_ignore", "1");
        realserver.set_sysctl("ipv4/conf/all/arp_announce", "2");
        realserver.add_address("lo", &format!("{VIP}/32"));
        Responder::start(realserver, [format!("{VIP}:80")])
    };
    let _responders: Vec<Responder> = farm.realservers.iter().map(take).collect();
    farm.start_with(&direct());
    farm.until_settled();
    let visitor = Visitor::patient(&farm.station, &format!("{VIP}:80"));
    visitor.await_visits(20);
    for _ in 0..2 {
        farm.stop(0, Signal::SIGTERM);
        visitor.await_visits(20);
        farm.start_again(0);
        farm.until_settled();
    }
    farm.say(0, ["node", "standby"]);
    visitor.await_visits(20);
    farm.say(0, ["node", "online"]);
    farm.until_settled();
    let visits = visitor.stop();
    println!("{} requests answered, the longest gap {:?}", visits.count(), visits.longest_gap());
    assert_eq!(visits.failed, 0, "of {}", visits.count());
}
