//! A realserver that comes and goes all the time.

use std::{thread, time::Duration};

use lvsd::snapshot::RealserverState;

use super::server::{Deed, Server};
use super::{of_realserver, told, until_realserver};
use crate::{
    realserver::{Forward, Realserver},
    stage::{Stage, VIP},
};

/// How often it fails and heals.
const ROUNDS: usize = 7;

#[test]
fn it_changes_the_table_no_more_often_than_rise_and_fall_let_it() {
    let stage = Stage::new();
    let [good, bad]: [Realserver; 2] = stage.realservers(Forward::Nat);
    let services = [("eager", 8001, 1), ("calm", 8002, 20)].map(|(name, port, count)| {
        format!(
            "[[service]]\nname = '{name}'\nvip = 'web'\nport = {port}\nscheduler = 'rr'\n\
             monitor = {{ type = 'http', interval = '300ms', timeout = '1s', rise = {count}, fall = {count} }}\n\
             realservers = [{}, {}]\n",
            good.at_port(80),
            bad.at_port(8001)
        )
    });
    let flapping = Server::start(&bad.node, 8001, Deed::Answer);
    let director = stage.direct(&services.concat());
    until_realserver(&director, "eager", "rs2", RealserverState::Up);
    until_realserver(&director, "calm", "rs2", RealserverState::Up);

    for _ in 0..ROUNDS {
        flapping.does(Deed::Say(b"HTTP/1.1 500 Oops\r\n\r\n"));
        thread::sleep(Duration::from_secs(1));
        flapping.does(Deed::Answer);
        thread::sleep(Duration::from_secs(1));
    }
    until_realserver(&director, "eager", "rs2", RealserverState::Up);

    let eager = told(&director, "eager/rs2");
    let downs = eager.iter().filter(|kind| *kind == "realserver_down").count();
    assert!((1..=ROUNDS).contains(&downs), "{eager:?}");
    // Up and down by turns, from the first verdict to the last.
    assert_eq!(eager.len(), 2 * downs + 1, "{eager:?}");
    let turns = ["realserver_up", "realserver_down"].into_iter().cycle();
    assert!(eager.iter().zip(turns).all(|(kind, turn)| kind == turn), "{eager:?}");
    let served = told(&director, "eager");
    assert_eq!(served, vec!["service_changed"; 2 * downs], "{:?}", director.happened());

    assert_eq!(told(&director, "calm/rs2"), ["realserver_up"]);
    assert!(of_realserver(&director, "calm", "rs2").in_kernel);
    assert!(stage.client.turns(&format!("{VIP}:8002"), 2).contains(&"rs2".to_owned()));
    let drift = director.happened().into_iter().filter(|event| event.kind == "drift_repaired");
    assert_eq!(drift.count(), 0, "{:?}", director.happened());
}
