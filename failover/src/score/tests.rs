use super::Score;

#[test]
fn a_score_is_never_beyond_the_infinities() {
    // (number, score)
    let table = [
        (0, 0),
        (200, 200),
        (-200, -200),
        (999_999, 999_999),
        (1_000_000, 1_000_000),
        (1_000_001, 1_000_000),
        (i32::MAX, 1_000_000),
        (-1_000_001, -1_000_000),
        (i32::MIN, -1_000_000),
    ];
    for (number, score) in table {
        assert_eq!(Score::new(number).get(), score, "{number}");
    }
    assert_eq!((Score::INFINITY.get(), Score::NEG_INFINITY.get()), (1_000_000, -1_000_000));
    assert_eq!(Score::default(), Score::new(0));
}

#[test]
fn never_counts_more_than_always_and_always_more_than_numbers() {
    let (always, never) = (Score::INFINITY.get(), Score::NEG_INFINITY.get());
    // (one, other, sum)
    let table = [
        (0, 0, 0),
        (200, 100, 300),
        (200, -300, -100),
        (999_999, 1, always),
        (999_999, 999_999, always),
        (-999_999, -1, never),
        (-999_999, -999_999, never),
        (always, 0, always),
        (always, 999_999, always),
        (always, -999_999, always),
        (always, always, always),
        (never, 0, never),
        (never, 999_999, never),
        (never, -999_999, never),
        (never, never, never),
        (always, never, never),
    ];
    for (one, other, sum) in table {
        let (a, b) = (Score::new(one), Score::new(other));
        assert_eq!((a + b).get(), sum, "{one} and {other}");
        assert_eq!((b + a).get(), sum, "{other} and {one}");
    }
}

/// Sums that Heartbeat's own tables print: location, one score for each ping host, stickiness.
#[test]
fn sums_are_those_of_heartbeat() {
    // (wishes, sum)
    let table: [(&[i32], i32); 4] = [
        (&[200, 100], 300),
        (&[2000, 2000, 2000, 3108], 9108),
        (&[3500, 6000, 3108], 12608),
        (&[-1_000_000, 200, 100], -1_000_000),
    ];
    for (wishes, sum) in table {
        let total = wishes.iter().fold(Score::default(), |total, &wish| total + Score::new(wish));
        assert_eq!(total.get(), sum, "{wishes:?}");
        assert_eq!(wishes.iter().map(|&wish| Score::new(wish)).sum::<Score>(), total, "{wishes:?}");
    }
}

#[test]
fn a_sum_does_not_depend_on_the_order() {
    let (always, never) = (Score::INFINITY.get(), Score::NEG_INFINITY.get());
    // (wishes, sum)
    let table: [(&[i32], i32); 5] = [
        (&[], 0),
        (&[999_999, 999_999, -999_999], 999_999),
        (&[-999_999, -999_999], never),
        (&[always, -999_999, -999_999], always),
        (&[always, 1, never], never),
    ];
    for (wishes, sum) in table {
        let total =
            |wishes: &mut dyn Iterator<Item = &i32>| wishes.map(|&wish| Score::new(wish)).sum::<Score>();
        assert_eq!(total(&mut wishes.iter()).get(), sum, "{wishes:?}");
        assert_eq!(total(&mut wishes.iter().rev()).get(), sum, "{wishes:?} backwards");
    }
}
