use super::Period;

/// 2026-11-20 is a Friday, and the 324th day of its year.
#[test]
fn a_period_holds_what_mon_holds() {
    // (period, times in it, times beside it)
    let table: [(&str, &[&str], &[&str]); 26] = [
        ("", &["2026-11-20 00:00:00"], &[]),
        (" \t", &["2026-11-20 00:00:00"], &[]),
        ("none", &[], &["2026-11-20 00:00:00"]),
        ("NONE", &[], &["2026-11-20 00:00:00"]),
        // The last hour is in it whole.
        (
            "hr {7am-10pm}",
            &["2026-11-20 07:00:00", "2026-11-20 22:59:59"],
            &["2026-11-20 06:59:59", "2026-11-20 23:00:00"],
        ),
        (
            "hr {10pm-6am}",
            &["2026-11-20 22:00:00", "2026-11-20 06:59:59"],
            &["2026-11-20 07:00:00", "2026-11-20 21:59:59"],
        ),
        ("hr {12am}", &["2026-11-20 00:30:00"], &["2026-11-20 12:00:00"]),
        ("hr {12pm 12noon}", &["2026-11-20 12:00:00"], &["2026-11-20 00:00:00"]),
        ("hr {9 - 17}", &["2026-11-20 17:59:59"], &["2026-11-20 18:00:00"]),
        (
            "wd {Mon-Fri} hr {9am-5pm}",
            &["2026-11-20 09:00:00"],
            &["2026-11-21 09:00:00", "2026-11-20 08:00:00"],
        ),
        ("wd{mon-fri}hr{9am-5pm}", &["2026-11-20 09:00:00"], &["2026-11-21 09:00:00"]),
        (
            "wd {Fri-Mon}",
            &["2026-11-20 00:00:00", "2026-11-22 00:00:00", "2026-11-23 00:00:00"],
            &["2026-11-24 00:00:00"],
        ),
        ("wd {1}", &["2026-11-22 00:00:00"], &["2026-11-20 00:00:00"]),
        (
            "wday {Tues Thursday fr}",
            &["2026-11-20 00:00:00", "2026-11-19 00:00:00"],
            &["2026-11-18 00:00:00"],
        ),
        (
            "wd {Sat}, wd {Fri} hr {18-23}",
            &["2026-11-20 18:00:00", "2026-11-21 01:00:00"],
            &["2026-11-20 17:00:00"],
        ),
        ("wd {Fri} wd {Sat}", &["2026-11-20 00:00:00", "2026-11-21 00:00:00"], &["2026-11-22 00:00:00"]),
        ("mo {Nov-Feb}", &["2026-11-20 00:00:00", "2026-02-28 23:59:59"], &["2026-03-01 00:00:00"]),
        ("month {11}", &["2026-11-20 00:00:00"], &["2026-10-20 00:00:00"]),
        ("yr {2025-2026}", &["2026-11-20 00:00:00"], &["2027-01-01 00:00:00"]),
        ("yr {26-25}", &["2026-11-20 00:00:00"], &["2027-01-01 00:00:00"]),
        // 2026-11-01 is a Sunday, 2026-08-01 a Saturday.
        (
            "wk {1}",
            &["2026-11-01 00:00:00", "2026-11-07 00:00:00", "2026-08-01 00:00:00"],
            &["2026-11-08 00:00:00", "2026-08-02 00:00:00"],
        ),
        ("wk {6}", &["2026-08-30 00:00:00"], &["2026-08-29 00:00:00", "2026-11-30 00:00:00"]),
        ("yd {324}", &["2026-11-20 00:00:00"], &["2026-11-21 00:00:00"]),
        ("md {28-3}", &["2026-11-30 00:00:00", "2026-11-03 00:00:00"], &["2026-11-04 00:00:00"]),
        ("min {0-29}", &["2026-11-20 11:29:59"], &["2026-11-20 11:30:00"]),
        ("sec {50-9}", &["2026-11-20 11:29:55", "2026-11-20 11:29:09"], &["2026-11-20 11:30:10"]),
    ];
    for (text, inside, outside) in table {
        let period = Period::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        for (times, expected) in [(inside, true), (outside, false)] {
            for time in times {
                assert_eq!(period.contains(time.parse().unwrap()), expected, "{text}: {time}");
            }
        }
    }
    assert_eq!(Period::default(), Period::parse("").unwrap());
}

#[test]
fn what_is_no_period_is_refused_with_the_part_that_is_wrong() {
    let table = [
        ("never", "\"never\" has no {values} behind it"),
        ("hr 9", "\"hr 9\" has no {values} behind it"),
        ("hr {9", "\"hr {9\" has no closing brace"),
        ("hr {9} wd", "\"wd\" has no {values} behind it"),
        ("hr {}", "\"hr\" has no values"),
        ("hr {9,10}", "\"hr {9\" has no closing brace"),
        ("hr {9},", "\",\" has nothing on one of its sides"),
        ("{9}", "\"\" is none of yr mo wk yd md wd hr min sec"),
        ("days {9}", "\"days\" is none of yr mo wk yd md wd hr min sec"),
        ("hr {9-25}", "\"9-25\" is not an hour: 0 to 23, or 12am to 11pm"),
        ("hr {9-}", "\"9-\" is not an hour: 0 to 23, or 12am to 11pm"),
        ("hr {13pm}", "\"13pm\" is not an hour: 0 to 23, or 12am to 11pm"),
        ("hr {1-2-3}", "\"1-2-3\" is not an hour: 0 to 23, or 12am to 11pm"),
        ("hr {99999}", "\"99999\" is not an hour: 0 to 23, or 12am to 11pm"),
        ("min {9am}", "\"9am\" is not a minute: 0 to 59"),
        ("wd {M}", "\"m\" is not a day of the week: 1 (Sunday) to 7, or Su to Sa"),
        ("wd {Moonday}", "\"moonday\" is not a day of the week: 1 (Sunday) to 7, or Su to Sa"),
        ("mo {0}", "\"0\" is not a month: 1 to 12, or Jan to Dec"),
        ("wk {7}", "\"7\" is not a week of the month: 1 to 6"),
        ("yr {1969}", "\"1969\" is not a year: 0 to 99, or from 1970 on"),
    ];
    for (text, said) in table {
        assert_eq!(Period::parse(text).map_err(|error| error.to_string()), Err(said.to_owned()), "{text}");
    }
}
