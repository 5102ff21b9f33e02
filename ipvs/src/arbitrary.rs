//! Generators of tables, for property tests.
//!
//! They draw from few values, so that two tables have objects in common, and only from those that every
//! kernel since 5.3 takes.

#![expect(clippy::missing_panics_doc, reason = "only valid values are drawn")]

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::{NonZeroU16, NonZeroU32};

use proptest::collection::btree_map;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::{
    Bound, Destination, Encapsulation, Endpoint, EngineName, Family, Flags, Forward, GreChecksum,
    GueChecksum, Netmask, Persistence, PersistenceTimeout, Protocol, Scheduler, Service, ServiceId, Table,
    Thresholds, Weight,
};

/// Either family.
pub fn family() -> impl Strategy<Value = Family> {
    select(vec![Family::V4, Family::V6])
}

/// One of four addresses of a family, with one of two ports.
pub fn endpoint(family: Family) -> impl Strategy<Value = Endpoint> {
    (1..=4u8, select(vec![80, 8080])).prop_map(move |(last, port)| {
        let address: IpAddr = match family {
            Family::V4 => Ipv4Addr::new(192, 0, 2, last).into(),
            Family::V6 => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last.into()).into(),
        };
        Endpoint::new(address, port).expect("no IPv4 address in IPv6 form")
    })
}

/// A virtual service's identity.
pub fn service_id() -> impl Strategy<Value = ServiceId> {
    let protocol = select(Protocol::ALL.to_vec());
    prop_oneof![
        3 => (protocol, family().prop_flat_map(endpoint))
            .prop_map(|(protocol, endpoint)| ServiceId::Address { protocol, endpoint }),
        1 => (select(vec![1, 7, u32::MAX]), family()).prop_map(|(mark, family)| ServiceId::Mark {
            mark: NonZeroU32::new(mark).expect("none of the three is zero"),
            family,
        }),
    ]
}

/// A service of a family.
pub fn service(family: Family) -> impl Strategy<Value = Service> {
    // Few kernels are built with `twos`.
    let names: Vec<_> = Scheduler::KNOWN.into_iter().filter(|name| *name != "twos").collect();
    let scheduler =
        select(names).prop_map(|name| Scheduler::new(name).expect("the kernel's own names are well formed"));
    let persistence =
        (1..=PersistenceTimeout::MAX_SECONDS, any::<bool>()).prop_map(|(seconds, sip)| Persistence {
            timeout: PersistenceTimeout::from_seconds(seconds).expect("within its range"),
            engine: sip.then(|| EngineName::new("sip").expect("a well-formed name")),
        });
    (scheduler, 0..8u8, option::of(persistence), netmask(family), any::<bool>()).prop_map(
        |(scheduler, flags, persistence, netmask, one_packet)| Service {
            scheduler,
            flags: Flags::from_bits(flags),
            persistence,
            netmask,
            one_packet,
        },
    )
}

fn netmask(family: Family) -> BoxedStrategy<Netmask> {
    match family {
        Family::V4 => any::<u32>().prop_map(|mask| Netmask::v4(mask.into())).boxed(),
        Family::V6 => (1..=128u32).prop_map(|prefix| Netmask::v6(prefix).expect("within its range")).boxed(),
    }
}

fn tunnel() -> impl Strategy<Value = Forward> {
    let gue = (1..=u16::MAX, select(vec![GueChecksum::None, GueChecksum::Full, GueChecksum::Remote]))
        .prop_map(|(port, checksum)| Encapsulation::Gue {
            port: NonZeroU16::new(port).expect("the range starts at 1"),
            checksum,
        });
    let gre = select(vec![GreChecksum::None, GreChecksum::Full])
        .prop_map(|checksum| Encapsulation::Gre { checksum });
    prop_oneof![Just(Encapsulation::Ipip), gue, gre].prop_map(Forward::Tunnel)
}

/// A destination; `mixed` when its family is not its service's.
pub fn destination(mixed: bool) -> impl Strategy<Value = Destination> {
    let forward = if mixed {
        tunnel().boxed()
    } else {
        let simple = vec![Forward::Masquerade, Forward::Local, Forward::Route, Forward::Bypass];
        prop_oneof![select(simple), tunnel()].boxed()
    };
    let weight = prop_oneof![Just(0), 1..=100u32, Just(Weight::MAX.get())];
    (forward, weight, 0..=Thresholds::MAX, 0..=Thresholds::MAX).prop_map(|(forward, weight, a, b)| {
        Destination {
            forward,
            weight: Weight::new(weight).expect("at most the largest"),
            thresholds: Thresholds::new(a.max(b), a.min(b)).expect("the larger is the upper one"),
        }
    })
}

/// A service with up to four destinations of either family.
pub fn bound(family: Family) -> impl Strategy<Value = Bound> {
    let same = btree_map(endpoint(family), destination(false), 0..=3);
    let other = match family {
        Family::V4 => Family::V6,
        Family::V6 => Family::V4,
    };
    let mixed = btree_map(endpoint(other), destination(true), 0..=1);
    (service(family), same, mixed).prop_map(|(service, mut destinations, mixed)| {
        destinations.extend(mixed);
        Bound { service, destinations }
    })
}

/// A table of up to six services.
pub fn table() -> impl Strategy<Value = Table> {
    let entry = service_id().prop_flat_map(|id| (Just(id), bound(id.family())));
    proptest::collection::vec(entry, 0..=6)
        .prop_map(|entries| entries.into_iter().collect::<BTreeMap<_, _>>())
}

/// Two tables, the second of which keeps some of the first as it is, changes some, drops some and adds some.
pub fn two_tables() -> impl Strategy<Value = (Table, Table)> {
    (table(), table(), any::<u64>()).prop_map(|(first, fresh, kept)| {
        let mut second = fresh;
        for (place, (id, bound)) in first.iter().enumerate() {
            if kept >> place & 1 == 1 {
                let changed = second.entry(*id).or_insert_with(|| bound.clone());
                let destinations = bound.destinations.iter().enumerate();
                changed.destinations.extend(
                    destinations
                        .filter(|(inner, _)| kept >> (8 + 4 * place + inner) & 1 == 1)
                        .map(|(_, (endpoint, destination))| (*endpoint, *destination)),
                );
            }
        }
        (first, second)
    })
}
