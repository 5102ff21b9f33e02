//! `forward` and `tunnel`: how packets reach a realserver.

use std::fmt;
use std::num::NonZeroU16;

use ipvs::{Encapsulation, Forward, GreChecksum, GueChecksum};

use crate::config::report::Reported;
use crate::config::section::{At, Schema, Section};
use crate::config::value;

const TUNNEL: Schema = Schema { title: "tunnel", keys: &["type", "port", "checksum"], later: &[] };

const TUNNEL_HELP: &str = "write tunnel = { type = \"gue\", port = 6080 }";

/// How packets reach a realserver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Nat,
    Dr,
    Tun,
    /// To this machine itself.
    Local,
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nat => "nat",
            Self::Dr => "dr",
            Self::Tun => "tun",
            Self::Local => "local",
        })
    }
}

/// What a service or a realserver says about forwarding.
#[derive(Clone, Copy, Debug)]
pub(super) struct Forwarding {
    method: Option<Method>,
    tunnel: Option<At<Encapsulation>>,
}

impl Forwarding {
    /// Nothing is said.
    pub(super) const UNSAID: Self = Self { method: None, tunnel: None };

    /// Reads the keys `forward` and `tunnel`.
    pub(super) fn read(section: &Section<'_>) -> Result<Self, Reported> {
        let method = section.optional("forward", |value| {
            value::word(value, &[("nat", Method::Nat), ("dr", Method::Dr), ("tun", Method::Tun)])
        });
        let tunnel = section
            .get("tunnel")
            .map(|value| tunnel(&Section::open(&TUNNEL, value, section.problems, TUNNEL_HELP)?));
        if let Some(reported) = section.misspelt("forward") {
            return Err(reported);
        }
        Ok(Self { method: method?.map(|at| at.value), tunnel: tunnel.transpose()? })
    }

    pub(super) fn method(self) -> Option<Method> {
        self.method
    }

    pub(super) fn tunnel(self) -> Option<At<Encapsulation>> {
        self.tunnel
    }
}

/// The kernel's word for a method, with the tunnel that goes with it.
pub(super) fn forward(method: Method, tunnel: Option<At<Encapsulation>>) -> Forward {
    match method {
        Method::Nat => Forward::Masquerade,
        Method::Dr => Forward::Route,
        Method::Local => Forward::Local,
        Method::Tun => Forward::Tunnel(tunnel.map_or(Encapsulation::Ipip, |at| at.value)),
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Ipip,
    Gue,
    Gre,
}

fn tunnel(section: &Section<'_>) -> Result<At<Encapsulation>, Reported> {
    let kind = section.required("type", TUNNEL_HELP, |value| {
        value::word(value, &[("ipip", Kind::Ipip), ("gue", Kind::Gue), ("gre", Kind::Gre)])
    });
    let port = section.optional("port", |value| value::port(value, 1));
    let (kind, port) = (kind?, port?);
    let port = match (kind.value, port) {
        (Kind::Gue, port) => port,
        (Kind::Ipip | Kind::Gre, None) => None,
        (Kind::Ipip | Kind::Gre, Some(port)) => {
            let what = "only a gue tunnel has a port";
            return Err(section.problems.add(port.span, what, "take it out, or use type = \"gue\""));
        }
    };
    let value = match kind.value {
        Kind::Ipip => {
            let nothing: &[(&str, ())] = &[("none", ())];
            section.optional("checksum", |value| value::word(value, nothing))?;
            Encapsulation::Ipip
        }
        Kind::Gue => {
            let words =
                [("none", GueChecksum::None), ("full", GueChecksum::Full), ("remote", GueChecksum::Remote)];
            let checksum = section.optional("checksum", |value| value::word(value, &words));
            let Some(port) = port.and_then(|port| NonZeroU16::new(port.value)) else {
                return Err(
                    section.missing("port", "a gue tunnel needs the realserver's UDP port: port = 6080")
                );
            };
            Encapsulation::Gue { port, checksum: checksum?.map_or(GueChecksum::None, |at| at.value) }
        }
        Kind::Gre => {
            let words = [("none", GreChecksum::None), ("full", GreChecksum::Full)];
            let checksum = section.optional("checksum", |value| value::word(value, &words))?;
            Encapsulation::Gre { checksum: checksum.map_or(GreChecksum::None, |at| at.value) }
        }
    };
    Ok(At { value, span: section.span })
}
