//! Many failures at once.

use super::{Clock, alert, observation, seconds};
use crate::alert::{AT_ONCE, Delivery, Observation, Rules};
use crate::config::{Alert, Occasion};

/// As many services, of which these fail.
fn services(count: usize, fails: impl Fn(usize) -> bool) -> Vec<Observation> {
    let both: &[_] = &[("web1", "refused"), ("web2", "refused")];
    let service = |index| observation(&format!("s{index}"), if fails(index) { both } else { &[] }, 1);
    (0..count).map(service).collect()
}

fn names(deliveries: &[Delivery]) -> Vec<&str> {
    deliveries.iter().map(|delivery| delivery.message.service.as_str()).collect()
}

#[test]
fn ten_failures_at_once_are_ten_messages() {
    let round = Rules::new(&[alert()]).observe(&Clock::start().after(seconds(0)), &services(10, |_| true));
    assert_eq!(names(&round.deliveries), ["s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9"]);
}

#[test]
fn more_failures_at_once_are_ten_messages_of_which_one_tells_the_rest() {
    let clock = Clock::start();
    let mut rules = Rules::new(&[alert()]);
    let round = rules.observe(&clock.after(seconds(0)), &services(1000, |_| true));
    assert_eq!(
        names(&round.deliveries),
        ["s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "991 services"]
    );
    let digest = &round.deliveries[AT_ONCE - 1].message;
    assert_eq!(
        digest.words.summary,
        "991 more services (991 down) with 1982 failing realservers: s9 s10 s11 s12 s13 s14 s15 s16 s17 s18 ..."
    );
    assert_eq!((digest.occasion, digest.services, digest.group.as_str()), (Occasion::Down, 991, "lvsd"));
    let lines: Vec<&str> = digest.words.detail.lines().collect();
    assert_eq!((lines.len(), lines[0]), (991, "down web/s9: web1 web2"));
    // All of them were told.
    assert_eq!(rules.observe(&clock.after(seconds(1)), &services(1000, |_| true)).deliveries.len(), 0);
    // Their end is told where their begin was, within the same bound.
    assert_eq!(rules.observe(&clock.after(seconds(2)), &services(1000, |_| false)).deliveries.len(), AT_ONCE);
}

#[test]
fn what_fails_comes_first() {
    let clock = Clock::start();
    let mut rules = Rules::new(&[alert()]);
    rules.observe(&clock.after(seconds(0)), &services(12, |index| index < 8));
    let round = rules.observe(&clock.after(seconds(1)), &services(12, |index| index >= 8));
    assert_eq!(
        names(&round.deliveries),
        ["s8", "s9", "s10", "s11", "s0", "s1", "s2", "s3", "s4", "3 services"]
    );
    let digest = &round.deliveries[AT_ONCE - 1].message;
    assert_eq!(digest.words.summary, "3 more services (3 up) with 0 failing realservers: s5 s6 s7");
}

#[test]
fn the_bound_is_that_of_each_alert() {
    let other = Alert { every: Some(seconds(60)), ..alert() };
    let round =
        Rules::new(&[alert(), other]).observe(&Clock::start().after(seconds(0)), &services(50, |_| true));
    assert_eq!(round.deliveries.len(), 2 * AT_ONCE);
}
