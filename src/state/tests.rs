use std::fs;

use ipvs::Bound;

use super::*;
use crate::config::Name;
use crate::desired::About;

fn sample() -> State {
    let mut desired = Desired::default();
    let service = ipvs::Service::new(ipvs::Scheduler::new("rr").unwrap());
    for text in ["tcp 192.0.2.10:80", "fwmark 7 ipv6"] {
        let mut bound = Bound::new(service.clone());
        let destination = ipvs::Destination::new(ipvs::Forward::Masquerade);
        bound.destinations.insert("10.0.0.1:80".parse().unwrap(), destination);
        bound.destinations.insert("[2001:db8::1]:80".parse().unwrap(), destination);
        let id = text.parse().unwrap();
        let members = bound.destinations.keys().copied().collect();
        desired.table.insert(id, bound);
        let drain_timeout = Duration::from_millis(1500);
        let about = About { name: Name::new("web").unwrap(), drain_timeout, members };
        desired.services.insert(id, about);
    }
    let mut state = State::default();
    state.retarget(&desired, BootTime::now(), false);
    state.retarget(&Desired::default(), BootTime::now(), false);
    state.addresses.insert("192.0.2.10/24 on eth0.7".parse().unwrap());
    for sysctl in
        ["net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding", "net.ipv4.conf.eth0/7.send_redirects"]
    {
        state.sysctls.insert(sysctl.parse().unwrap(), false);
    }
    state
}

#[test]
fn state_is_read_back_as_it_was_written() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    assert_eq!(store.load().unwrap(), Found::Nothing);
    store.save(&sample()).unwrap();
    let Found::State(state) = store.load().unwrap() else { panic!("no state") };
    assert_eq!(state.services.len(), 2);
    store.save(&state).unwrap();
    assert_eq!(store.load().unwrap(), Found::State(state));
}

#[test]
fn a_torn_file_is_put_aside_whatever_is_left_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    store.save(&sample()).unwrap();
    let path = directory.path().join("state.json");
    let whole = fs::read(&path).unwrap();
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let Found::Damaged(aside) = store.load().unwrap() else { panic!("{length} bytes pass for a state") };
        assert_eq!(fs::read(aside).unwrap(), whole[..length]);
        assert_eq!(store.load().unwrap(), Found::Nothing);
    }
}

#[test]
fn what_another_release_keeps_beside_it_is_passed_over() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    let state = sample();
    store.save(&state).unwrap();
    let path = directory.path().join("state.json");
    let text = fs::read_to_string(&path).unwrap();
    let other = text.replacen("\"services\":", "\"standby\":true,\"services\":", 1);
    assert_ne!(other, text);
    fs::write(&path, other).unwrap();
    assert_eq!(store.load().unwrap(), Found::State(state));
}

#[test]
fn state_of_another_boot_is_worth_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    let document = Document { boot: "another".into(), state: sample() };
    fs::write(directory.path().join("state.json"), serde_json::to_vec(&document).unwrap()).unwrap();
    assert_eq!(store.load().unwrap(), Found::Nothing);
}

#[test]
fn one_directory_has_one_holder() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    assert!(matches!(Store::open(directory.path()), Err(StoreError::Busy(_))));
    drop(store);
    Store::open(directory.path()).unwrap();
}

#[test]
fn a_failed_write_leaves_the_old_state() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    store.save(&State::default()).unwrap();
    // A directory in the way of the fresh file makes the write fail, for root as well.
    fs::create_dir(directory.path().join("state.json.new")).unwrap();
    let error = store.save(&sample()).unwrap_err();
    assert!(error.to_string().contains("state.json"), "{error}");
    assert_eq!(store.load().unwrap(), Found::State(State::default()));
}
