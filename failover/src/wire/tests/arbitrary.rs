//! Messages of all kinds.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::cib::{Digest, MAX_BYTES, Stamp, Version as CibVersion};
use crate::message::{
    Ack, Ballot, Bar, Cause, Failed, Grant, Mention, Message, PART, Page, Reach, Standing, Table, Term,
    Unfit, Verdict, Version,
};
use crate::{MAX_NODES, MAX_VIPS, NodeId, NodeSet, VipId};

pub(crate) fn node() -> impl Strategy<Value = NodeId> {
    (0..MAX_NODES).prop_map(|index| NodeId::new(index).unwrap())
}

pub(crate) fn message() -> impl Strategy<Value = Message> {
    let state = (term(), option::of(node()), any::<u64>(), standing(), table(), vips());
    let rest = (option::of(ballot()), mention(), option::of(failed()), any::<bool>(), option::of(ack()));
    (state, rest).prop_map(|((term, leader, lease, standing, table, claims), rest)| {
        let (ballot, document, failed, urgent, ack) = rest;
        let lease = Duration::from_nanos(lease);
        Message { term, leader, lease, standing, table, claims, ballot, document, failed, urgent, ack }
    })
}

pub(crate) fn page() -> impl Strategy<Value = Page> {
    let length = |number: usize| u32::try_from(number).unwrap();
    let part = (1..=PART, 0..MAX_BYTES, 0..MAX_BYTES).prop_map(move |(count, before, after)| {
        let before = before.min(MAX_BYTES - count);
        let after = after.min(MAX_BYTES - count - before);
        (length(before + count + after), length(before), count)
    });
    let part =
        part.prop_flat_map(|(length, offset, count)| (Just((length, offset)), vec(any::<u8>(), count)));
    prop_oneof![
        (version(), digest()).prop_map(|(base, digest)| Page::Offer { base, digest }),
        (digest(), any::<u32>()).prop_map(|(digest, offset)| Page::Pull { digest, offset }),
        (digest(), part).prop_map(|(digest, ((length, offset), bytes))| Page::Part {
            digest,
            length,
            offset,
            bytes
        }),
        (digest(), verdict()).prop_map(|(digest, verdict)| Page::Answer { digest, verdict }),
    ]
}

fn verdict() -> impl Strategy<Value = Verdict> {
    prop_oneof![Just(Verdict::Committed), version().prop_map(Verdict::Conflict), Just(Verdict::Invalid),]
}

fn version() -> impl Strategy<Value = CibVersion> {
    let numbers = (any::<u32>(), any::<u32>(), any::<u32>());
    numbers.prop_map(|(admin_epoch, epoch, num_updates)| CibVersion { admin_epoch, epoch, num_updates })
}

fn digest() -> impl Strategy<Value = Digest> {
    any::<u64>().prop_map(Digest::from_bits)
}

fn mention() -> impl Strategy<Value = Mention> {
    (term(), version(), digest(), any::<bool>()).prop_map(|(term, version, digest, committed)| Mention {
        stamp: Stamp { term, version },
        digest,
        committed,
    })
}

fn failed() -> impl Strategy<Value = Failed> {
    (vip(), any::<u16>()).prop_map(|(vip, count)| Failed { vip, count })
}

fn term() -> impl Strategy<Value = Term> {
    any::<u64>().prop_map(Term)
}

fn vip() -> impl Strategy<Value = VipId> {
    any::<u32>().prop_map(VipId::from_bits)
}

fn vips() -> impl Strategy<Value = Vec<VipId>> {
    vec(vip(), 0..=MAX_VIPS)
}

fn bar() -> impl Strategy<Value = Bar> {
    select(vec![Bar::Carrier, Bar::Foreign, Bar::Failed, Bar::Unknown])
}

fn standing() -> impl Strategy<Value = Standing> {
    (
        any::<bool>(),
        option::of(select(vec![Unfit::Table, Unfit::Checks])),
        any::<u64>(),
        any::<u16>().prop_map(NodeSet::from_bits),
        (any::<u8>(), 0..=2u8).prop_map(|(pings, realservers)| Reach { pings, realservers }),
        vec((vip(), bar()), 0..=MAX_VIPS),
    )
        .prop_map(|(leaves, unfit, file, hears, reach, barred)| Standing {
            leaves,
            unfit,
            file,
            hears,
            reach,
            barred,
        })
}

fn table() -> impl Strategy<Value = Table> {
    let grant = (option::of(node()), cause());
    let grants = btree_map(vip(), grant, 0..=MAX_VIPS).prop_map(|grants: BTreeMap<_, _>| {
        grants.into_iter().map(|(vip, (owner, cause))| Grant { vip, owner, cause }).collect()
    });
    (term(), any::<u64>(), grants)
        .prop_map(|(term, number, grants)| Table { version: Version { term, number }, grants })
}

fn cause() -> impl Strategy<Value = Cause> {
    prop_oneof![
        select(vec![Cause::Vacant, Cause::Preferred, Cause::Moved, Cause::Nobody]),
        node().prop_map(Cause::Dead),
        node().prop_map(Cause::Left),
        node().prop_map(Cause::Standby),
        node().prop_map(Cause::Reach),
        (node(), bar()).prop_map(|(node, bar)| Cause::Barred(node, bar)),
    ]
}

fn ballot() -> impl Strategy<Value = Ballot> {
    prop_oneof![
        term().prop_map(Ballot::WouldYou),
        (term(), node()).prop_map(|(term, node)| Ballot::Would(term, node)),
        term().prop_map(Ballot::Ask),
        (term(), node()).prop_map(|(term, node)| Ballot::Vote(term, node)),
    ]
}

fn ack() -> impl Strategy<Value = Ack> {
    (any::<u64>(), vips()).prop_map(|(sequence, vips)| Ack { sequence, vips })
}
