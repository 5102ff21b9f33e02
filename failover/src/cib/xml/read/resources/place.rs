//! Addresses, and what carries them.

use super::Primitive;
use super::agent::MEANINGLESS;
use crate::cib::xml::element::Element;
use crate::cib::xml::ledger::Repair;
use crate::cib::xml::word::{self, Mask, quoted};

/// An address with the length of its prefix, and the interface that carries it.
pub(super) struct Place {
    pub(super) address: String,
    pub(super) interface: String,
}

/// What a primitive says of its address; nothing, if that is wrong.
pub(super) fn place(element: &Element<'_, '_>, primitive: &Primitive<'_, '_>) -> Option<Place> {
    let pairs = &primitive.pairs;
    let id = quoted(primitive.id);
    let ip = pairs.take(&["ip"]).or_else(|| pairs.take(&["ipv6addr"]));
    let mask = pairs.take(&["cidr_netmask"]);
    let mask = mask.or_else(|| {
        let old = pairs.take(&["netmask"])?;
        old.element.ledger.repair(Repair::Spelling, old.element.line);
        Some(old)
    });
    let nic = pairs.take(&["nic"]);
    pairs.ignore(MEANINGLESS);

    let Some(ip) = ip else {
        element.problem(format!("{id} has no ip"), "add <nvpair name=\"ip\" value=\"...\"/>");
        return None;
    };
    let (address, length) = match ip.value.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (ip.value, None),
    };
    ip.element.value(address, word::address)?;
    let length = match (length, mask) {
        (Some(length), _) => length.to_owned(),
        (None, Some(mask)) => match mask.element.value(mask.value, word::mask)? {
            Mask::Length(length) => length,
            Mask::Dotted(length) => {
                mask.element.ledger.repair(Repair::Spelling, mask.element.line);
                length.to_string()
            }
        },
        (None, None) => {
            element
                .problem(format!("{id} has no cidr_netmask"), "add the length of its prefix, for example 24");
            return None;
        }
    };
    let place = format!("{address}/{length}");
    if !word::is_network_address(&place) {
        let what = format!("{} is not an address with a prefix", quoted(&place));
        ip.element.problem(what, "a prefix has 32 bits at most, and 128 in IPv6");
        return None;
    }
    Some(Place { address: place, interface: interface(element, &id, nic.map(|pair| pair.value))? })
}

fn interface(element: &Element<'_, '_>, id: &str, nic: Option<&str>) -> Option<String> {
    const USUAL: &str = "eth0";
    let Some(nic) = nic else {
        let what = format!("{id} has no nic");
        element.ledger.guess(element.line, what, &format!("{USUAL} is taken"), "name its interface");
        return Some(USUAL.to_owned());
    };
    let interface = match nic.split_once(':') {
        Some((interface, _)) => {
            element.note(format!("{id} has no label of its own: {} is on {interface:?}", quoted(nic)));
            interface
        }
        None => nic,
    };
    if !word::is_interface(interface) {
        let what = format!("{} is not the name of an interface", quoted(interface));
        element.problem(what, "name one that `ip link` shows");
        return None;
    }
    Some(interface.to_owned())
}
