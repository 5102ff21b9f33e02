use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::channel::window::Window;

#[test]
fn numbers_are_taken_once() {
    // name, numbers, whether each is taken
    let cases: &[(&str, &[u64], &[bool])] = &[
        ("in order", &[0, 1, 2], &[true, true, true]),
        ("from anywhere on", &[1000, 1001], &[true, true]),
        ("twice", &[5, 5, 6, 5, 6], &[true, false, true, false, false]),
        ("out of order", &[5, 3, 4, 3], &[true, true, true, false]),
        ("63 late", &[100, 37, 37], &[true, true, false]),
        ("64 late", &[100, 36], &[true, false]),
        ("a jump forgets none in reach", &[1, 64, 1, 65, 1], &[true, true, false, true, false]),
        ("far ahead", &[1, u64::MAX, u64::MAX, u64::MAX - 1, 1], &[true, true, false, true, false]),
    ];
    for (name, numbers, expected) in cases {
        let mut window = Window::default();
        let taken: Vec<_> = numbers.iter().map(|&number| window.take(number)).collect();
        assert_eq!(taken, *expected, "{name}");
    }
}

proptest! {
    #[test]
    fn it_does_what_a_set_would(numbers in prop::collection::vec(0..300_u64, 0..300)) {
        let (mut window, mut taken) = (Window::default(), BTreeSet::new());
        for number in numbers {
            let old = taken.last().is_some_and(|highest| number + 64 <= *highest);
            prop_assert_eq!(window.take(number), !old && !taken.contains(&number), "{}", number);
            if !old {
                taken.insert(number);
            }
        }
    }
}
