//! When somebody is told. A course is a word with a letter for each second, and so is what is told.

use proptest::prelude::*;

use super::{Clock, alert, limit, name, observation, seconds};
use crate::alert::{Observation, Period, Rules};
use crate::config::{After, Alert, Compare, Occasion};

/// `.` all is well, `a` web1 fails, `b` web2, `c` both, `x` web1 in another way, `h` web1, held back.
fn look(letter: char, failures: u32) -> Observation {
    let failing: &[_] = match letter {
        'a' | 'h' => &[("web1", "refused")],
        'x' => &[("web1", "no route")],
        'b' => &[("web2", "refused")],
        'c' => &[("web1", "refused"), ("web2", "refused")],
        _ => &[],
    };
    let held_back = (letter == 'h').then(|| "service db is down".to_owned());
    Observation { held_back, ..observation("http", failing, failures) }
}

/// `D` an outage, `U` its end, `S` the start, `-` nothing.
fn told(rules: &mut Rules, course: &str) -> String {
    let clock = Clock::start();
    let mut failures = 0;
    let mut letter = |(second, letter)| {
        failures = if letter == '.' { 0 } else { failures + 1 };
        let round = rules.observe(&clock.after(seconds(second)), &[look(letter, failures)]);
        match round.deliveries.as_slice() {
            [] => '-',
            [delivery] => match delivery.message.occasion {
                Occasion::Down => 'D',
                Occasion::Up => 'U',
                Occasion::Startup => 'S',
            },
            several => panic!("{several:?}"),
        }
    };
    (0..).zip(course.chars()).map(&mut letter).collect()
}

#[test]
fn somebody_is_told_when_mon_would_tell() {
    use Occasion::{Down, Startup, Up};
    let down_and_up = alert;
    let every = |count| Alert { every: Some(seconds(count)), ..alert() };
    let after = |after| Alert { after, ..alert() };
    let period = |text| Alert { period: Period::parse(text).unwrap(), ..alert() };
    let table = [
        ("nothing", down_and_up(), "....", "----"),
        ("begin and end", down_and_up(), "..aaa..", "--D--U-"),
        ("only the begin", Alert { on: [Down].into(), ..alert() }, "aa.", "D--"),
        ("only the end", Alert { on: [Up].into(), ..alert() }, "aa.", "--U"),
        ("the start", Alert { on: [Startup].into(), ..alert() }, ".a.", "S--"),
        ("a failure says more than the start", Alert { on: [Down, Startup].into(), ..alert() }, "a.", "D-"),
        ("out of period at the start", Alert { on: [Startup].into(), ..period("none") }, "..", "--"),
        ("other failures in an outage", down_and_up(), "aabbc.", "D-D-DU"),
        ("other words in an outage", down_and_up(), "aaxx.", "D---U"),
        ("other words, if they count", Alert { compare: Compare::Detail, ..alert() }, "aaxx.", "D-D-U"),
        ("again", every(3), "aaaaaaaa.", "D--D--D-U"),
        ("again, others meanwhile", every(3), "aabbbb", "D-D--D"),
        ("an end resets the time", every(9), "aa.aa.", "D-UD-U"),
        (
            "an end does not if nothing counts but time",
            Alert { compare: Compare::Nothing, ..every(4) },
            "ab.a.aa.",
            "D-U--D-U",
        ),
        ("a number of failures in a row", after(After::Failures(3)), "aa.aaaa.", "-----D-U"),
        ("a time of failure", after(After::Time(seconds(3))), "aa.aaaaa.", "------D-U"),
        ("failures within a time", after(After::FailuresWithin(3, seconds(4))), "a.a.a.", "----DU"),
        ("failures too far apart", after(After::FailuresWithin(3, seconds(3))), "a.a.a.", "------"),
        ("the limit, for each outage", Alert { limit: limit(2), ..every(1) }, "aaaa.aaa", "DD--UDD-"),
        ("the limit holds for other failures, too", Alert { limit: limit(2), ..every(9) }, "abc.", "DD-U"),
        ("no end where the begin was not told", after(After::Failures(3)), "aa.", "---"),
        ("unless wanted", Alert { always_up: true, ..after(After::Failures(3)) }, "aa..", "--U-"),
        ("an end after long outages only", Alert { up_after: seconds(3), ..alert() }, "aa.aaa.", "D--D--U"),
        ("held back, then not", down_and_up(), "hha.", "--DU"),
        ("held back to the end", down_and_up(), "hh.", "---"),
        ("held back after it was told", every(1), "ahha.", "D--DU"),
        ("the period begins at nine", period("hr {9-17}"), "aaaaaaaaaaaa.", "----------D-U"),
        ("the end is out of the period", period("sec {50-52}"), "aaaa.a", "D-----"),
        ("never", period("none"), "aa.", "---"),
        ("for another service", Alert { services: Some([name("smtp")].into()), ..alert() }, "aa.", "---"),
        ("for this service", Alert { services: Some([name("http")].into()), ..alert() }, "aa.", "D-U"),
    ];
    for (case, alert, course, expected) in table {
        assert_eq!(told(&mut Rules::new(&[alert]), course), expected, "{case}: {course}");
    }
}

#[test]
fn a_silence_has_a_reason() {
    let period = Alert { period: Period::parse("none").unwrap(), ..alert() };
    let table = [
        ("all is well", alert(), "a.", None),
        ("told just now", alert(), "a", None),
        ("told", alert(), "aa", Some("told")),
        ("told, again", Alert { every: Some(seconds(9)), ..alert() }, "aaa", Some("told; again in 7s")),
        ("held back", alert(), "h", Some("held back: service db is down")),
        ("period", period, "a", Some("not in its period")),
        ("limit", Alert { limit: limit(1), ..alert() }, "ab", Some("told as often as it may be: 1")),
        ("early", Alert { after: After::Failures(2), ..alert() }, "a", Some("not yet worth telling")),
    ];
    for (case, alert, course, expected) in table {
        let mut rules = Rules::new(&[alert]);
        told(&mut rules, course);
        let reasons: Vec<String> = rules.silences().map(|(_, _, silence)| silence.to_string()).collect();
        assert_eq!(reasons, expected.into_iter().collect::<Vec<_>>(), "{case}");
    }
}

#[test]
fn each_alert_counts_for_itself_and_survives_a_reload() {
    let once = alert();
    let twice = Alert { every: Some(seconds(1)), limit: limit(2), ..alert() };
    let mut rules = Rules::new(&[once.clone(), twice.clone()]);
    let clock = Clock::start();
    let count = |rules: &mut Rules, second| {
        rules.observe(&clock.after(seconds(second)), &[look('a', 1)]).deliveries.len()
    };
    assert_eq!(count(&mut rules, 0), 2);
    rules.reload(&[twice.clone(), once]);
    assert_eq!(count(&mut rules, 1), 1);
    assert_eq!(count(&mut rules, 2), 0);
    // One that is new does not know that anybody was told.
    rules.reload(&[twice, Alert { limit: limit(3), ..alert() }]);
    assert_eq!(count(&mut rules, 3), 1);
}

#[test]
fn an_outage_that_ends_is_a_downtime() {
    let mut rules = Rules::default();
    let clock = Clock::start();
    let mut downtimes = Vec::new();
    for (second, letter) in (0..).zip(".aab..c.".chars()) {
        downtimes.extend(rules.observe(&clock.after(seconds(second)), &[look(letter, 1)]).ended);
    }
    let begin = clock.after(seconds(0)).timestamp().as_second();
    let lines: Vec<String> = downtimes.iter().map(ToString::to_string).collect();
    let expected = [
        format!("{} web http {} 3 6 web2", begin + 4, begin + 1),
        format!("{} web http {} 1 6 web1 web2", begin + 7, begin + 6),
    ];
    assert_eq!(lines, expected);
}

fn alerts() -> impl Strategy<Value = Alert> {
    let after = prop_oneof![
        (1..4_u32).prop_map(After::Failures),
        (0..4_u64).prop_map(|time| After::Time(seconds(time))),
        (1..4_u32, 1..9_u64).prop_map(|(count, within)| After::FailuresWithin(count, seconds(within))),
    ];
    let compare = prop_oneof![Just(Compare::Summary), Just(Compare::Detail), Just(Compare::Nothing)];
    (after, compare, 1..9_u64, 0..4_u32, 0..4_u64).prop_map(|(after, compare, every, most, up_after)| Alert {
        after,
        compare,
        every: Some(seconds(every)),
        limit: limit(most),
        up_after: seconds(up_after),
        ..alert()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nobody_is_told_too_often_or_of_the_end_of_what_was_not_told(
        alert in alerts(),
        course in "[.aabchx]{0,60}",
    ) {
        let every = alert.every.unwrap().as_secs();
        let told = told(&mut Rules::new(std::slice::from_ref(&alert)), &course);
        let mut in_outage = Vec::new();
        let mut before = None;
        for (second, (letter, told)) in (0_u64..).zip(course.chars().zip(told.chars())) {
            // Of both ways in which web1 fails, the summary is the same.
            let summary = if letter == 'x' { 'a' } else { letter };
            match told {
                'D' => {
                    prop_assert!(!matches!(letter, '.' | 'h'), "{second}");
                    in_outage.push((second, letter, summary));
                    prop_assert!(alert.limit.is_none_or(|limit| in_outage.len() <= limit.get() as usize));
                    let same = |&&(_, other, words): &&(u64, char, char)| match alert.compare {
                        Compare::Summary => words == summary,
                        Compare::Detail => other == letter,
                        Compare::Nothing => true,
                    };
                    if let [.., last, _] = in_outage.as_slice() && same(&last) {
                        prop_assert!(second - last.0 >= every, "{second}");
                    }
                    if let Some(before) = before.filter(|_| alert.compare == Compare::Nothing) {
                        prop_assert!(second - before >= every, "{second}");
                    }
                    before = Some(second);
                }
                'U' => prop_assert!(letter == '.' && !in_outage.is_empty(), "{second}"),
                _ => {}
            }
            if letter == '.' {
                in_outage.clear();
            }
        }
    }
}
