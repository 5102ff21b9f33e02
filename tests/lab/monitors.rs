//! Realservers that fail and heal, and who serves meanwhile.

mod failures;
mod faults;
mod few;
mod flapping;
mod operator;
mod page;
mod programs;
mod restarts;
mod scene;
mod server;
mod tls;
mod visitors;
mod watch;
mod webhooks;
mod weights;
mod writes;

use std::{collections::BTreeMap, fs, thread, time::Duration};

use lvsd::snapshot::{Realserver, RealserverState, Service, ServiceState, Snapshot};

use crate::{director::Director, network::Node, patience};

/// Short, so that a test need not wait; the timeout is what a guest that is busy needs.
const PACE: &str = "interval = '500ms', timeout = '2s', rise = 1, fall = 2";

/// How long a snapshot is shown: who looks more often sees nothing new, and keeps a guest busy that has better to do.
const MOMENT: Duration = Duration::from_millis(500);

/// A service at a port of the vip, whose realservers are watched at the usual pace.
fn watched(name: &str, port: u16, keys: &str, monitor: &str, realservers: &[String]) -> String {
    paced(name, port, keys, &format!("{monitor}, {PACE}"), realservers)
}

/// The same at a pace of its own.
fn paced(name: &str, port: u16, keys: &str, monitor: &str, realservers: &[String]) -> String {
    let realservers = realservers.join(",\n  ");
    format!(
        "[[service]]\nname = '{name}'\nvip = 'web'\nport = {port}\nscheduler = 'rr'\n{keys}\n\
         monitor = {{ {monitor} }}\nrealservers = [\n  {realservers}\n]\n"
    )
}

/// What a director shows.
fn status(director: &Director) -> Snapshot {
    let (status, snapshot) = director.ask("GET", "/v1/status").expect("lvsd answers");
    assert_eq!(status, 200, "{snapshot}");
    serde_json::from_str(&snapshot).expect("a snapshot is JSON")
}

fn of_service(director: &Director, name: &str) -> Service {
    let mut services = status(director).services.into_iter();
    services.find(|service| service.name == name).unwrap_or_else(|| panic!("no service {name}"))
}

fn of_realserver(director: &Director, service: &str, name: &str) -> Realserver {
    let mut realservers = of_service(director, service).realservers.into_iter();
    realservers.find(|it| it.name == name).unwrap_or_else(|| panic!("no realserver {service}/{name}"))
}

/// Waits for something that a snapshot shows.
#[track_caller]
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    patience::until(what, || {
        let held = holds();
        if !held {
            thread::sleep(MOMENT);
        }
        held
    });
}

#[track_caller]
fn until_realserver(director: &Director, service: &str, name: &str, state: RealserverState) -> Realserver {
    let mut seen = of_realserver(director, service, name);
    until(&format!("{service}/{name} is {}", state.name()), || {
        seen = of_realserver(director, service, name);
        seen.state == state
    });
    seen
}

#[track_caller]
fn until_service(director: &Director, name: &str, state: ServiceState) -> Service {
    let mut seen = of_service(director, name);
    until(&format!("{name} is {}", state.name()), || {
        seen = of_service(director, name);
        seen.state == state
    });
    seen
}

/// Whether every realserver was checked, and is well.
fn all_up(director: &Director) -> bool {
    let seen = status(director);
    let mut all = seen.services.iter().flat_map(|service| &service.realservers);
    all.all(|it| it.state == RealserverState::Up && it.check.is_some())
}

/// The weights in a director's kernel: by the port of the service, then by the realserver's address and port.
fn weights(director: &Node) -> BTreeMap<String, BTreeMap<String, u32>> {
    let rules = director.run(["ipvsadm", "-S", "-n"]);
    let mut services: BTreeMap<String, BTreeMap<String, u32>> = BTreeMap::new();
    for rule in rules.lines() {
        let words: Vec<&str> = rule.split(' ').collect();
        let value = |option: &str| {
            let at = words.iter().position(|word| *word == option)?;
            words.get(at + 1).copied()
        };
        let service = value("-t")
            .or_else(|| value("-u"))
            .expect("a service of an address")
            .rsplit(':')
            .next()
            .expect("a port");
        let realservers = services.entry(service.to_owned()).or_default();
        if let (Some(realserver), Some(weight)) = (value("-r"), value("-w")) {
            realservers.insert(realserver.to_owned(), weight.parse().expect("a weight"));
        }
    }
    services
}

/// What was told of an object: the kinds of events, oldest first.
fn told(director: &Director, object: &str) -> Vec<String> {
    let events = director.happened().into_iter().filter(|event| event.object == object);
    events.map(|event| event.kind).collect()
}

/// Waits until a daemon that is killed leaves so many of these verdicts: about a second after they were reached.
#[track_caller]
fn until_kept(director: &Director, verdict: &str, count: usize) {
    let file = director.state().with_file_name("verdicts.json");
    until("the verdicts are kept", || {
        let kept = fs::read_to_string(&file).unwrap_or_default();
        kept.matches(verdict).count() == count
    });
}

/// Waits for the end of a check.
#[track_caller]
fn until_checked(director: &Director, service: &str, name: &str) {
    until(&format!("{service}/{name} was checked"), || {
        of_realserver(director, service, name).check.is_some()
    });
}
