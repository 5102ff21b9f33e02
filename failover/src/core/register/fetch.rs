//! A document comes in parts, each of which is asked for.

use std::time::Duration;

use super::proposal::Origin;
use crate::cib::{Digest, Document, MAX_BYTES, Stamp, Version};
use crate::core::{Core, Output};
use crate::message::{PART, Page, Verdict};
use crate::moment::Moment;
use crate::name::NodeId;

/// So many parts are asked for at once.
const WINDOW: usize = 8;

/// A document that is on its way here.
#[derive(Debug)]
pub(super) struct Fetch {
    from: NodeId,
    digest: Digest,
    purpose: Purpose,
    text: Vec<u8>,
    /// Which parts of it are here; none as long as its length is not known.
    here: Vec<bool>,
    /// The first part that was not asked for yet.
    next: usize,
    begun: Moment,
    /// When something of it was last asked for.
    asked: Moment,
}

/// What a document is fetched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The DC asks for it to be accepted.
    Accept(Stamp),
    /// A node proposes it to this DC in place of this version.
    Consider(Version),
}

impl Fetch {
    /// When what has not come is asked for again.
    pub(super) fn due(&self, keepalive: Duration) -> Moment {
        self.asked + keepalive / 2
    }

    /// The first parts that are missing.
    fn missing(&self) -> Vec<usize> {
        if self.here.is_empty() {
            return vec![0];
        }
        let missing = self.here.iter().enumerate().filter(|(_, here)| !**here).map(|(part, _)| part);
        missing.take(WINDOW).collect()
    }

    /// Takes a part, and says which to ask for next.
    fn take(&mut self, length: usize, offset: usize, bytes: &[u8]) -> Vec<usize> {
        let first = self.here.is_empty();
        if first {
            self.text = vec![0; length];
            self.here = vec![false; length.div_ceil(PART)];
            self.next = 1;
        }
        let (part, known) = (offset / PART, self.text.len());
        let whole = offset.is_multiple_of(PART) && bytes.len() == PART.min(length.saturating_sub(offset));
        let place = self.text.get_mut(offset..offset + bytes.len());
        let (Some(place), Some(here)) = (place, self.here.get_mut(part)) else { return Vec::new() };
        if known != length || !whole || std::mem::replace(here, true) {
            return Vec::new();
        }
        place.copy_from_slice(bytes);
        let more = if first { WINDOW } else { 1 };
        let begin = self.next.min(self.here.len());
        self.next = (begin + more).min(self.here.len());
        (begin..self.next).collect()
    }

    fn is_complete(&self) -> bool {
        !self.here.is_empty() && self.here.iter().all(|here| *here)
    }
}

impl Core {
    /// Begins to fetch a document, unless it is on its way or a proposal is that the DC should not be kept from.
    pub(super) fn fetch(&mut self, from: NodeId, digest: Digest, purpose: Purpose) {
        let known = self.register.fetch.as_ref();
        let busy = known.is_some_and(|known| {
            (known.from, known.digest, known.purpose) == (from, digest, purpose)
                || matches!(purpose, Purpose::Consider(_))
        });
        if busy {
            return;
        }
        let (begun, asked) = (self.now, self.now);
        let (text, here) = (Vec::new(), Vec::new());
        self.register.fetch = Some(Fetch { from, digest, purpose, text, here, next: 0, begun, asked });
        self.pull(from, digest, &[0]);
    }

    fn pull(&mut self, from: NodeId, digest: Digest, parts: &[usize]) {
        for part in parts {
            let offset = u32::try_from(part * PART).unwrap_or(u32::MAX);
            self.send_page(from, Page::Pull { digest, offset });
        }
    }

    /// Asks again for what has not come, or gives up on what is not wanted any more.
    pub(super) fn pull_again(&mut self) {
        let (now, deadtime, leads) = (self.now, self.settings.deadtime, self.leads());
        let wanted = |fetch: &Fetch| match fetch.purpose {
            Purpose::Accept(stamp) => !leads && self.is_of_this_term(stamp),
            Purpose::Consider(_) => leads && now < fetch.begun + deadtime,
        };
        if self.register.fetch.as_ref().is_some_and(|fetch| !wanted(fetch)) {
            self.register.fetch = None;
        }
        let keepalive = self.settings.keepalive;
        let Some(fetch) = self.register.fetch.as_mut().filter(|fetch| fetch.due(keepalive) <= now) else {
            return;
        };
        fetch.asked = now;
        let (from, digest, missing) = (fetch.from, fetch.digest, fetch.missing());
        self.pull(from, digest, &missing);
    }

    /// Another node asks for a part of a document.
    fn serve(&mut self, to: NodeId, digest: Digest, offset: u32) {
        let register = &self.register;
        let own = [Some(&register.accepted), register.writing.as_ref(), Some(&register.committed)];
        let proposed = register.proposals.documents();
        let Some(document) = own.into_iter().flatten().chain(proposed).find(|it| it.digest() == digest)
        else {
            return;
        };
        let text = document.text().as_bytes();
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        let begin = usize::try_from(offset).unwrap_or(usize::MAX);
        let Some(rest) = text.get(begin..).filter(|rest| !rest.is_empty()) else { return };
        let bytes = rest.get(..PART).unwrap_or(rest).to_vec();
        self.send_page(to, Page::Part { digest, length, offset, bytes });
        self.register.proposals.note_pulled(digest);
    }

    fn take_part(&mut self, from: NodeId, digest: Digest, length: u32, offset: u32, bytes: &[u8]) {
        let (Ok(length), Ok(offset)) = (usize::try_from(length), usize::try_from(offset)) else { return };
        let now = self.now;
        let expected = |fetch: &&mut Fetch| (fetch.from, fetch.digest) == (from, digest);
        let Some(fetch) = self.register.fetch.as_mut().filter(expected).filter(|_| length <= MAX_BYTES)
        else {
            return;
        };
        let next = fetch.take(length, offset, bytes);
        if !next.is_empty() {
            fetch.asked = now;
        }
        self.pull(from, digest, &next);
        if let Some(fetch) = self.register.fetch.take_if(|fetch| fetch.is_complete()) {
            self.fetched(&fetch);
        }
    }

    fn fetched(&mut self, fetch: &Fetch) {
        let genuine = std::str::from_utf8(&fetch.text).is_ok_and(|text| Digest::of(text) == fetch.digest);
        match fetch.purpose {
            // Whatever went wrong, it is asked for anew when it is mentioned again.
            _ if !genuine => {}
            Purpose::Accept(stamp) => self.accept(stamp, &fetch.text),
            Purpose::Consider(base) => match Document::read(self.term(), &fetch.text) {
                Ok(document) => {
                    self.consider(Origin::Node(fetch.from), base, &document);
                }
                Err(_) => self.answer(fetch.from, fetch.digest, Verdict::Invalid),
            },
        }
    }

    /// A page came in; each once, and none that was overtaken.
    pub(in crate::core) fn receive_page(&mut self, from: NodeId, page: Page) {
        match page {
            Page::Offer { base, digest } => self.hear_offer(from, base, digest),
            Page::Pull { digest, offset } => self.serve(from, digest, offset),
            Page::Part { digest, length, offset, bytes } => {
                self.take_part(from, digest, length, offset, &bytes);
            }
            Page::Answer { digest, verdict } => self.hear_answer(from, digest, verdict),
        }
    }

    pub(super) fn answer(&mut self, to: NodeId, digest: Digest, verdict: Verdict) {
        self.send_page(to, Page::Answer { digest, verdict });
    }

    pub(super) fn send_page(&mut self, to: NodeId, page: Page) {
        if let Some(peer) = self.peers.get_mut(to.index()) {
            let sequence = peer.number();
            self.outputs.push_back(Output::Page { to, sequence, page: Box::new(page) });
        }
    }
}
