//! `[[vip]]`: virtual addresses.

mod bound;
mod snat;
mod wish;

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use rustc_hash::FxHashMap;

use super::Unique;
use super::cluster::Peers;
use crate::config::Vip;
use crate::config::report::{Reported, Span};
use crate::config::section::{At, Schema, Section, did_you_mean, nearest, read};
use crate::config::{section, value};
use wish::Wishes;

const VIP: Schema = Schema {
    title: "[[vip]]",
    keys: &[
        "name",
        "addresses",
        "interface",
        "prefer",
        "stickiness",
        "migration_threshold",
        "failure_timeout",
        "snat",
    ],
    later: &[],
};

const ADDRESSES_HELP: &str = "add addresses = [\"192.0.2.1/24\"]";

/// The vips of the file, for those who refer to them.
pub(super) struct Vips<'a> {
    by_name: BTreeMap<&'a str, Result<Vec<IpAddr>, Reported>>,
    addresses: FxHashMap<IpAddr, Span>,
}

impl Vips<'_> {
    /// The addresses of a vip.
    pub(super) fn addresses_of(
        &self,
        section: &Section<'_>,
        name: &str,
        span: Span,
    ) -> Result<Vec<IpAddr>, Reported> {
        self.by_name.get(name).cloned().unwrap_or_else(|| {
            let what = format!("there is no [[vip]] called {}", section::quoted(name));
            let near = nearest(section.problems, name, self.by_name.keys().copied());
            let help =
                near.map_or_else(|| "add it, or use the name of one in the file".to_owned(), did_you_mean);
            Err(section.problems.add(span, what, help))
        })
    }

    /// Where an address stands as that of a vip.
    pub(super) fn place_of(&self, address: IpAddr) -> Option<Span> {
        self.addresses.get(&address).copied()
    }
}

/// Reads every `[[vip]]`.
pub(super) fn vips<'a>(root: &Section<'a>, peers: &Peers) -> (Result<Vec<Vip>, Reported>, Vips<'a>) {
    let mut names = Unique::new();
    let mut taken = Unique::new();
    let mut by_name = BTreeMap::new();
    let mut vips = Vec::new();
    let mut ids = Unique::new();
    let sections = root.tables("vip", &VIP, "write [[vip]], with its keys on the lines below");
    let bounded = bound::within_bounds(&sections, peers);
    for section in sections {
        let name = names.name(&section, "add name = \"web\"").and_then(|name| {
            bound::is_told_apart(&section, &name, &mut ids, peers)?;
            Ok(name)
        });
        let addresses = addresses(&section, &mut taken, peers);
        let interface = section.required("interface", "add interface = \"eth0\"", value::interface);
        // Also under a name that is none: a reference to it is not a second mistake.
        if let Some(text) = section.get("name").and_then(|name| name.get_ref().as_str()) {
            let bare = addresses.as_ref().map(|list| list.iter().map(IpNet::addr).collect());
            by_name.entry(text).or_insert_with(|| bare.map_err(|&reported| reported));
        }
        let wishes = wish::wishes(&section, peers);
        let snat = snat::snat(&section, addresses.as_deref().map_err(|&reported| reported));
        let vip = || {
            let (name, Wishes { prefer, stickiness, migration_threshold, failure_timeout }) =
                (name?, wishes?);
            Ok(Vip {
                name,
                addresses: addresses?,
                interface: interface?.value,
                prefer,
                stickiness,
                migration_threshold,
                failure_timeout,
                snat: snat?,
            })
        };
        vips.push(vip());
    }
    let known = Vips { by_name, addresses: taken.0 };
    (bounded.and_then(|()| vips.into_iter().collect()), known)
}

fn addresses(
    section: &Section<'_>,
    taken: &mut Unique<IpAddr>,
    peers: &Peers,
) -> Result<Vec<IpNet>, Reported> {
    let list = section.list("addresses", ADDRESSES_HELP)?;
    let mut address = |value| {
        let net = read(section.problems, value, value::network_address)?;
        let bare = At { value: net.value.addr(), span: net.span };
        peers.is_free(section.problems, bare)?;
        taken.claim(bare.value, bare.span).map_err(|earlier| {
            let what = format!("{} is already the address of a vip", net.value.addr());
            section.problems.add_collision(net.span, earlier, what, "take one of the two out")
        })?;
        Ok(net.value)
    };
    // All of them before the first error counts.
    let addresses: Vec<Result<IpNet, Reported>> = list.iter().map(&mut address).collect();
    if addresses.is_empty() {
        let span = section.key_span("addresses").unwrap_or(section.span);
        return Err(section.problems.add(span, "this vip has no address", ADDRESSES_HELP));
    }
    addresses.into_iter().collect()
}
