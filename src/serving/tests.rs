//! Who serves.

use std::path::Path;

use super::*;

fn config(services: &str) -> Config {
    Config::parse(Path::new("lvsd.toml"), services.as_bytes()).unwrap()
}

fn service(name: &str, octet: u8, more: &str) -> String {
    format!(
        "[[service]]\nname = \"{name}\"\naddress = \"192.0.2.{octet}\"\nport = 80\nscheduler = \"rr\"\nforward = \"nat\"\n\
         monitor = \"tcp\"\nrealservers = [\"10.0.0.1\"]\n{more}\n"
    )
}

fn down(key: Key) -> Change<Key> {
    Change { key, from: Health::Up, to: Health::Down, cause: None }
}

#[test]
fn a_failure_is_nothing_to_tell_while_what_it_needs_is_down() {
    let text = [
        service("db", 1, "depends = [\"ping 192.0.2.254\"]"),
        service("app", 2, "depends = [\"db\"]"),
        service("web", 3, "depends = [\"app\"]"),
    ];
    let config = config(&text.concat());
    let [db, app, web] = [0, 1, 2].map(|index| &config.services[index]);
    let realserver =
        |service: &VirtualService| Key::Realserver(service.name.clone(), service.realservers[0].name.clone());
    // (what is down, whether db, app and web are held back)
    let cases = [
        (None, [false, false, false]),
        (Some(Key::Ping("192.0.2.254".parse().unwrap())), [true, true, true]),
        (Some(realserver(db)), [false, true, true]),
        (Some(realserver(app)), [false, false, true]),
        (Some(realserver(web)), [false, false, false]),
    ];
    for (broken, expected) in cases {
        let now = Instant::now();
        let mut serving = Serving::default();
        if let Some(key) = broken.clone() {
            serving.note(&down(key), now);
        }
        serving.decide(now, &config, &Words::new(), None);
        let held = [db, app, web].map(|service| serving.held_back(&config, service).is_some());
        assert_eq!(held, expected, "{broken:?}");
    }
}

#[test]
fn verdicts_are_kept_by_name_and_of_what_is_still_there() {
    let both = config(&(service("a", 1, "") + &service("b", 2, "")));
    let one = config(&service("a", 1, ""));
    let now = Instant::now();
    let mut serving = Serving::default();
    for service in &both.services {
        let key = Key::Realserver(service.name.clone(), service.realservers[0].name.clone());
        serving.note(&down(key), now);
    }
    let kept = serving.keep();
    assert_eq!(kept.len(), 2);

    let mut later = Serving::default();
    later.recall(&kept, &one, now);
    assert_eq!(later.keep().keys().collect::<Vec<_>>(), ["a"]);
    let health: Vec<_> = subjects(&both, &later).into_iter().map(|(_, subject)| subject.initial).collect();
    assert_eq!(health, [Health::Down, Health::Unknown]);

    serving.retain(&one);
    assert_eq!(serving.keep(), later.keep());
}

#[test]
fn a_new_realserver_waits_for_its_first_verdict_but_not_for_ever() {
    let one = config(&service("a", 1, ""));
    let two = config(&service("a", 1, "").replace("[\"10.0.0.1\"]", "[\"10.0.0.1\", \"10.0.0.2\"]"));
    let name = &two.services[0].name;
    let [old, new] = [0, 1].map(|index| &two.services[0].realservers[index].name);
    let up = Change {
        key: Key::Realserver(name.clone(), old.clone()),
        from: Health::Unknown,
        to: Health::Up,
        cause: None,
    };
    let start = Instant::now();
    let mut serving = Serving::default();
    serving.note(&up, start);
    serving.decide(start, &one, &Words::new(), None);
    let mut serves = |at| {
        serving.decide(at, &two, &Words::new(), None);
        matches!(serving.seat(name, new).unwrap().place, Place::Serving { .. })
    };
    let patience = two.services[0].policy.patience;
    assert!(!serves(start));
    assert!(!serves(start + patience / 2));
    assert!(serves(start + patience));
}

#[test]
fn a_change_of_state_is_told_once() {
    let config = config(&service("a", 1, ""));
    let name = &config.services[0].name;
    let key = Key::Realserver(name.clone(), config.services[0].realservers[0].name.clone());
    let mut serving = Serving::default();
    let decide = |serving: &mut Serving| -> Vec<_> {
        let turns = serving.decide(Instant::now(), &config, &Words::new(), None);
        turns.into_iter().map(|turn| (turn.before.map(|it| it.state), turn.after.state)).collect()
    };
    assert_eq!(decide(&mut serving), [(None, ServiceState::Up)]);
    assert_eq!(decide(&mut serving), []);
    serving.note(&down(key), Instant::now());
    assert_eq!(decide(&mut serving), [(Some(ServiceState::Up), ServiceState::Down)]);
    assert_eq!(decide(&mut serving), []);
}
