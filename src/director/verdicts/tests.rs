//! Verdicts and words against a kernel made of values.

use std::net::IpAddr;

use healthcheck::{Code, Finding, Outcome, Streak};
use ipvs::{Endpoint, ServiceId, Table, Weight};

use super::*;
use crate::config::Config;
use crate::director::Surroundings;
use crate::events::Events;
use crate::kernel::fake::Fake;
use crate::kernel::{self};
use crate::state::Store;

/// Three realservers that are watched, and what the service has beyond that.
struct Farm {
    directory: tempfile::TempDir,
    kernel: Fake,
    events: Events,
    more: &'static str,
}

impl Farm {
    fn new(more: &'static str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { directory, kernel: Fake::default(), events: Events::default(), more }
    }

    async fn start(&self) -> Director {
        let path = self.directory.path().join("lvsd.toml");
        let text = format!(
            "[[service]]\nname = \"web\"\naddress = \"192.0.2.1\"\nport = 80\nscheduler = \"rr\"\nforward = \"nat\"\n\
             monitor = \"tcp\"\n{}\nrealservers = [\"10.0.0.1\", \"10.0.0.2\", {{ address = \"10.0.0.3\", weight = 5 }}]\n",
            self.more
        );
        std::fs::write(&path, text).unwrap();
        let surroundings = Surroundings {
            store: Store::open(self.directory.path()).unwrap(),
            kernel: kernel::start(self.kernel.clone()).unwrap(),
            events: self.events.clone(),
            watch: Watch::silent(),
            node: "lb1".to_owned(),
            adopt: false,
            cluster: None,
            rules: crate::snat::Keeper::start(crate::snat::fake::Fake::default()).unwrap(),
        };
        Director::start(Config::load(&path).unwrap(), surroundings).await.unwrap()
    }

    /// The realservers in the kernel, by the last number of their address, with their weights.
    fn table(&self) -> Vec<(u8, u32)> {
        let table: Table = self.kernel.world().actual.table.clone();
        let last = |endpoint: &Endpoint| match endpoint.address() {
            IpAddr::V4(address) => address.octets()[3],
            IpAddr::V6(_) => 0,
        };
        let destinations = table.values().flat_map(|bound| &bound.destinations);
        destinations.map(|(endpoint, it)| (last(endpoint), it.weight.get())).collect()
    }

    fn events(&self, kind: Kind) -> Vec<String> {
        let events = self.events.since(0);
        events.iter().filter(|it| it.kind == kind).map(|it| format!("{}: {}", it.object, it.what)).collect()
    }
}

fn verdict(director: &Director, number: u8, to: Health) -> Change<Key> {
    let service = &director.config.services[0];
    let code = if to == Health::Up { Code::L4Ok } else { Code::L4Connection };
    let outcome = Arc::new(Outcome::new(code, "connection refused", Duration::from_millis(2)));
    let streak = Streak { passed: to == Health::Up, length: 3, of: 3.try_into().unwrap() };
    let realserver = &service.realservers[usize::from(number) - 1];
    Change {
        key: Key::Realserver(service.name.clone(), realserver.name.clone()),
        from: Health::Unknown,
        to,
        cause: Some(Finding {
            monitor: Arc::clone(&service.monitors[0]),
            outcome,
            streak,
            at: Instant::now(),
        }),
    }
}

async fn one(director: &mut Director, number: u8, to: Health) {
    director.judge(vec![verdict(director, number, to)]).await;
}

async fn all(director: &mut Director, to: Health) {
    director.judge((1..=3).map(|number| verdict(director, number, to)).collect()).await;
}

#[tokio::test]
async fn with_nothing_known_all_serve_and_one_that_fails_goes_at_once() {
    let farm = Farm::new("");
    let mut director = farm.start().await;
    assert_eq!(farm.table(), [(1, 1), (2, 1), (3, 5)]);
    all(&mut director, Health::Up).await;
    one(&mut director, 2, Health::Down).await;
    assert_eq!(farm.table(), [(1, 1), (3, 5)]);
    let told = farm.events(Kind::RealserverDown);
    assert_eq!(told, ["web/10.0.0.2: L4CON connection refused after 2 ms (3 failures in a row); taken out"]);
    one(&mut director, 2, Health::Up).await;
    assert_eq!(farm.table(), [(1, 1), (2, 1), (3, 5)]);
}

#[tokio::test]
async fn what_becomes_of_failing_realservers_is_the_services_to_say() {
    // (more of the service, those that fail, the kernel, the service's state)
    type Case<'a> = (&'a str, &'a [u8], &'a [(u8, u32)], &'a str);
    let cases: [Case<'_>; 6] = [
        ("", &[1, 2, 3], &[], "down"),
        ("on_failure = \"quiesce\"", &[1, 3], &[(1, 0), (2, 1), (3, 0)], "degraded"),
        ("min_serving = 2", &[1, 2, 3], &[(2, 1), (3, 5)], "panic"),
        ("min_serving = \"100%\"", &[1, 3], &[(1, 1), (2, 1), (3, 5)], "panic"),
        ("fallback = \"10.0.0.9:80\"", &[1, 2, 3], &[(9, 1)], "fallback"),
        ("fallback = \"10.0.0.9:80\"", &[1, 2], &[(3, 5)], "degraded"),
    ];
    for (more, failing, expected, state) in cases {
        let farm = Farm::new(more);
        let mut director = farm.start().await;
        all(&mut director, Health::Up).await;
        for number in failing {
            one(&mut director, *number, Health::Down).await;
        }
        assert_eq!(farm.table(), expected, "{more}");
        assert_eq!(
            director.serving.situation(&director.config.services[0].name).unwrap().state.name(),
            state,
            "{more}"
        );
        all(&mut director, Health::Up).await;
        director.look().await;
        let snapshot = Arc::clone(&director.snapshots.borrow());
        assert_eq!(snapshot.services[0].realservers.len(), 3, "{more}");
    }
}

#[tokio::test]
async fn an_operators_word_outranks_the_checks_and_outlives_the_daemon() {
    let farm = Farm::new("");
    let mut director = farm.start().await;
    all(&mut director, Health::Up).await;
    director.say("web", "10.0.0.1", Some(Said::Drain)).await.unwrap();
    director.say("web", "10.0.0.2", Some(Said::Disable)).await.unwrap();
    assert_eq!(farm.table(), [(1, 0), (3, 5)]);
    drop(director);

    let mut director = farm.start().await;
    assert_eq!(farm.table(), [(1, 0), (3, 5)]);
    all(&mut director, Health::Up).await;
    assert_eq!(farm.table(), [(1, 0), (3, 5)]);
    director.say("web", "10.0.0.1", None).await.unwrap();
    director.say("web", "10.0.0.2", None).await.unwrap();
    assert_eq!(farm.table(), [(1, 1), (2, 1), (3, 5)]);

    let unknown = [
        ("wob", "10.0.0.1", "there is no service \"wob\"; there is web"),
        ("web", "rs", "there is no realserver"),
    ];
    for (service, realserver, expected) in unknown {
        let refusal = director.say(service, realserver, Some(Said::Drain)).await.unwrap_err();
        assert!(refusal.to_string().contains(expected), "{refusal}");
    }
}

#[tokio::test]
async fn verdicts_outlive_the_daemon() {
    let farm = Farm::new("");
    let mut director = farm.start().await;
    all(&mut director, Health::Up).await;
    one(&mut director, 2, Health::Down).await;
    director.keep_verdicts();
    drop(director);
    let writes = farm.kernel.world().writes;
    let director = farm.start().await;
    assert_eq!(farm.table(), [(1, 1), (3, 5)]);
    assert_eq!(farm.kernel.world().writes, writes);
    drop(director);
}

#[tokio::test]
async fn a_realserver_that_is_out_still_drains_when_it_leaves_the_file_while_it_serves() {
    let farm = Farm::new("");
    let mut director = farm.start().await;
    all(&mut director, Health::Up).await;
    one(&mut director, 2, Health::Down).await;
    one(&mut director, 2, Health::Up).await;
    let path = farm.directory.path().join("lvsd.toml");
    let text = std::fs::read_to_string(&path).unwrap().replace("\"10.0.0.2\", ", "");
    std::fs::write(&path, text).unwrap();
    let endpoint: Endpoint = "10.0.0.2:80".parse().unwrap();
    let id: ServiceId = "tcp 192.0.2.1:80".parse().unwrap();
    farm.kernel.world().actual.connections.insert((id, endpoint), 1);
    director.reload(false).await.unwrap();
    let table = farm.kernel.world().actual.table.clone();
    assert_eq!(table[&id].destinations[&endpoint].weight, Weight::QUIESCED);
}
