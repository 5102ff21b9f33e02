//! The daemon and the packets: what happens to it must not happen to them.

use nix::sys::signal::Signal;

use crate::{
    realserver::{Forward, Realserver},
    stage::{Stage, VIP, config, service},
};

const WEB: &str = "vip = 'web'\nport = 80\nscheduler = 'rr'";

#[test]
fn connections_outlive_it_and_its_successor_takes_them_over() {
    for signal in [Signal::SIGTERM, Signal::SIGKILL] {
        let stage = Stage::new();
        let server = format!("{VIP}:80");
        let [only] = stage.realservers(Forward::Nat);
        let mut director = stage.direct(&service(WEB, [only.toml()]));
        let mut connection = stage.client.connect(&server).unwrap();

        let status = director.stop(signal);
        assert_eq!(status.success(), signal == Signal::SIGTERM, "{status}");
        assert_eq!(connection.ask().unwrap(), "rs1", "without lvsd");
        assert_eq!(stage.client.ask(&server).unwrap(), "rs1", "without lvsd");

        director.start_again();
        assert_eq!(connection.ask().unwrap(), "rs1", "with its successor");
        assert_eq!(stage.client.ask(&server).unwrap(), "rs1", "with its successor");
    }
}

#[test]
fn a_new_file_takes_effect_and_a_wrong_one_does_not() {
    let stage = Stage::new();
    let server = format!("{VIP}:80");
    let [first, second]: [Realserver; 2] = stage.realservers(Forward::Nat);
    let director = stage.direct(&service(WEB, [first.toml()]));
    assert_eq!(stage.client.turns(&server, 2), ["rs1", "rs1"]);

    let refused = director.reload(&config("[[service]]\nname = 'web'"));
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(stage.client.turns(&server, 2), ["rs1", "rs1"]);

    let accepted = director.reload(&config(&service(WEB, [second.toml()])));
    assert!(accepted.status.success(), "{accepted:?}");
    assert_eq!(stage.client.turns(&server, 2), ["rs2", "rs2"]);

    let events = director.events();
    let kinds = events.iter().filter(|event| event["cause"] == "reload").map(|event| &event["kind"]);
    assert_eq!(kinds.collect::<Vec<_>>(), ["refused", "drain_started", "applied"]);
    assert!(director.log().contains("has no `port`"), "a refusal tells why");
}
