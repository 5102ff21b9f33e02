//! The order of a listing.
//!
//! ipvsadm compares by subtracting 32-bit numbers without looking at the overflow: 192.168.0.1 comes before 10.0.0.1, and
//! three addresses may go round in a circle. Only the same comparison in the same (glibc's) merge sort gives the
//! same listing.

use std::net::IpAddr;

use crate::{Endpoint, Family, Observed, ObservedDestination, ServiceId};

/// Services as they are listed.
pub(super) fn services(services: &[Observed]) -> Vec<&Observed> {
    sorted(&services.iter().collect::<Vec<_>>(), &|left, right| service_difference(left.id, right.id))
}

/// The destinations of a service as they are listed.
pub(super) fn destinations(destinations: &[ObservedDestination]) -> Vec<&ObservedDestination> {
    sorted(&destinations.iter().collect::<Vec<_>>(), &|left, right| {
        endpoint_difference(left.endpoint, right.endpoint)
    })
}

fn service_difference(left: ServiceId, right: ServiceId) -> i32 {
    let mark = |id| match id {
        ServiceId::Mark { mark, .. } => mark.get(),
        ServiceId::Address { .. } => 0,
    };
    let family = |id: ServiceId| match id.family() {
        Family::V4 => 0,
        Family::V6 => 1,
    };
    let difference =
        first_nonzero([wrapping_difference(mark(left), mark(right)), family(left) - family(right)]);
    match (left, right) {
        (
            ServiceId::Address { protocol, endpoint },
            ServiceId::Address { protocol: other_protocol, endpoint: other_endpoint },
        ) => first_nonzero([
            difference,
            i32::from(protocol.number()) - i32::from(other_protocol.number()),
            endpoint_difference(endpoint, other_endpoint),
        ]),
        _ => difference,
    }
}

/// By address, then by port; how much of an address counts depends on the left one's family only.
fn endpoint_difference(left: Endpoint, right: Endpoint) -> i32 {
    let (left_words, right_words) = (words(left.address()), words(right.address()));
    let significant = match left.family() {
        Family::V4 => 1,
        Family::V6 => 4,
    };
    let address = left_words
        .into_iter()
        .zip(right_words)
        .take(significant)
        .map(|(left, right)| wrapping_difference(left, right));
    let port = i32::from(left.port()) - i32::from(right.port());
    first_nonzero(address.chain([port]))
}

fn first_nonzero(differences: impl IntoIterator<Item = i32>) -> i32 {
    differences.into_iter().find(|&difference| difference != 0).unwrap_or(0)
}

fn wrapping_difference(left: u32, right: u32) -> i32 {
    left.wrapping_sub(right).cast_signed()
}

fn words(address: IpAddr) -> [u32; 4] {
    match address {
        IpAddr::V4(v4) => [v4.to_bits(), 0, 0, 0],
        IpAddr::V6(v6) =>
        {
            #[expect(clippy::cast_possible_truncation, reason = "one word of four is meant")]
            [96, 64, 32, 0].map(|shift| (v6.to_bits() >> shift) as u32)
        }
    }
}

/// A merge sort from the top: the left half is the smaller one and wins ties.
fn sorted<'a, T>(items: &[&'a T], difference: &impl Fn(&T, &T) -> i32) -> Vec<&'a T> {
    if items.len() < 2 {
        return items.to_vec();
    }
    let (left, right) = items.split_at(items.len() / 2);
    let (left, right) = (sorted(left, difference), sorted(right, difference));
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    let mut merged = Vec::with_capacity(items.len());
    while let (Some(first), Some(second)) = (left.peek(), right.peek()) {
        let next = if difference(first, second) <= 0 { left.next() } else { right.next() };
        merged.extend(next);
    }
    merged.extend(left.chain(right));
    merged
}
