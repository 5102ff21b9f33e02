//! The search for what is expected in a body that comes in pieces.

use std::ops::ControlFlow;

use crate::Expected;

/// A search, which keeps no more of a body than it may.
pub(super) struct Search<'a> {
    expected: &'a Expected,
    seen: Vec<u8>,
    most: usize,
}

impl<'a> Search<'a> {
    /// A search in the first `most` bytes.
    pub(super) fn new(expected: &'a Expected, most: usize) -> Self {
        Self { expected, seen: Vec::new(), most }
    }

    /// Takes the next piece; breaks when whatever follows does not matter, with whether it was found.
    pub(super) fn feed(&mut self, piece: &[u8]) -> ControlFlow<bool> {
        let room = self.most - self.seen.len();
        // What is searched already needs no second look, however small the pieces are.
        let searched = match self.expected {
            Expected::Contains(bytes) => self.seen.len().saturating_sub(bytes.len()),
            Expected::Matches(_) => usize::MAX,
        };
        self.seen.extend_from_slice(piece.get(..room).unwrap_or(piece));
        if self.seen.get(searched..).is_some_and(|unsearched| self.expected.is_in(unsearched)) {
            ControlFlow::Break(true)
        } else if self.seen.len() == self.most {
            ControlFlow::Break(self.end())
        } else {
            ControlFlow::Continue(())
        }
    }

    /// Whether it was found, when nothing follows.
    pub(super) fn end(&self) -> bool {
        self.expected.is_in(&self.seen)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use regex::bytes::Regex;

    use super::*;

    fn found(search: &mut Search<'_>, pieces: &[&[u8]]) -> bool {
        match pieces.iter().try_for_each(|piece| search.feed(piece)) {
            ControlFlow::Break(found) => found,
            ControlFlow::Continue(()) => search.end(),
        }
    }

    #[test]
    fn some_searches_end_before_the_body() {
        let bytes = Expected::Contains(b"up".to_vec());
        let regex = Expected::Matches(Arc::new(Regex::new("^up$").unwrap()));
        // (name, expected, most, pieces, what comes of them)
        let cases: [(_, _, _, &[&[u8]], _); 7] = [
            ("found", &bytes, 9, &[b"it is up"], ControlFlow::Break(true)),
            ("found across pieces", &bytes, 9, &[b"it is u", b"p"], ControlFlow::Break(true)),
            ("not yet", &bytes, 9, &[b"it is u"], ControlFlow::Continue(())),
            ("behind the bound", &bytes, 7, &[b"it is up"], ControlFlow::Break(false)),
            ("at the bound", &regex, 2, &[b"u", b"pp"], ControlFlow::Break(true)),
            ("only the end says", &regex, 9, &[b"up"], ControlFlow::Continue(())),
            ("nothing may be read", &bytes, 0, &[b"up"], ControlFlow::Break(false)),
        ];
        for (name, expected, most, pieces, result) in cases {
            let mut search = Search::new(expected, most);
            assert_eq!(pieces.iter().try_for_each(|piece| search.feed(piece)), result, "{name}");
        }
    }

    proptest! {
        #[test]
        fn where_a_body_is_cut_does_not_matter(
            body in "[ab]{0,20}", expected in "[ab]{0,4}", most in 0usize..25, cut in 1usize..8,
        ) {
            let expected = Expected::Contains(expected.into());
            let body = body.as_bytes();
            let pieces: Vec<_> = body.chunks(cut).collect();
            prop_assert_eq!(
                found(&mut Search::new(&expected, most), &pieces),
                expected.is_in(&body[..body.len().min(most)])
            );
        }
    }
}
