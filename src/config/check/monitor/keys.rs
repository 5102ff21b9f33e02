//! The types of monitors and the keys that each of them has.

use crate::config::report::Reported;
use crate::config::section::{Schema, Section, listed};

/// What a monitor does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    None,
    Tcp,
    Tls,
    Http,
    Https,
    Udp,
    Ping,
    Dns,
    Smtp,
    Exec,
    Idle,
}

use Kind::{Dns, Exec, Http, Https, Idle, Ping, Smtp, Tcp, Tls, Udp};

/// The words for them in the file.
pub(super) const KINDS: [(&str, Kind); 11] = [
    ("none", Kind::None),
    ("tcp", Tcp),
    ("tls", Tls),
    ("http", Http),
    ("https", Https),
    ("udp", Udp),
    ("ping", Ping),
    ("dns", Dns),
    ("smtp", Smtp),
    ("exec", Exec),
    ("idle", Idle),
];

const EVERY: &[Kind] = &[Kind::None, Tcp, Tls, Http, Https, Udp, Ping, Dns, Smtp, Exec, Idle];
const WATCHING: &[Kind] = &[Tcp, Tls, Http, Https, Udp, Ping, Dns, Smtp, Exec, Idle];
/// Those that send packets themselves.
const SENDING: &[Kind] = &[Tcp, Tls, Http, Https, Udp, Ping, Dns, Smtp, Idle];
const WITH_PORT: &[Kind] = &[Tcp, Tls, Http, Https, Udp, Dns, Smtp, Idle];
const WITH_TLS: &[Kind] = &[Tls, Https];
const WITH_HTTP: &[Kind] = &[Http, Https];
const WITH_BODY: &[Kind] = &[Http, Https, Udp];

/// Every key, and the types that have it.
const KEYS: [(&str, &[Kind]); 34] = [
    ("type", EVERY),
    ("address", WATCHING),
    ("port", WITH_PORT),
    ("source", SENDING),
    ("interface", SENDING),
    ("timeout", WATCHING),
    ("interval", WATCHING),
    ("fast_interval", WATCHING),
    ("down_interval", WATCHING),
    ("rise", WATCHING),
    ("fall", WATCHING),
    ("path", WITH_HTTP),
    ("method", WITH_HTTP),
    ("host", WITH_HTTP),
    ("headers", WITH_HTTP),
    ("user", WITH_HTTP),
    ("password_file", WITH_HTTP),
    ("status", WITH_HTTP),
    ("contains", WITH_BODY),
    ("matches", WITH_BODY),
    ("max_body", WITH_HTTP),
    ("version", WITH_HTTP),
    ("ca", WITH_TLS),
    ("sni", WITH_TLS),
    ("verify", WITH_TLS),
    ("send", &[Udp]),
    ("send_hex", &[Udp]),
    ("name", &[Dns]),
    ("record", &[Dns]),
    ("expect", &[Dns]),
    ("hello", &[Smtp]),
    ("command", &[Exec]),
    ("append_host", &[Exec]),
    ("environment", &[Exec]),
];

#[expect(clippy::indexing_slicing, reason = "it is the compiler that would go out of bounds")]
const NAMES: [&str; KEYS.len()] = {
    let mut names = [""; KEYS.len()];
    let mut index = 0;
    while index < KEYS.len() {
        names[index] = KEYS[index].0;
        index += 1;
    }
    names
};

pub(super) const MONITOR: Schema = Schema { title: "monitor", keys: &NAMES, later: &[] };

/// Reports the keys that belong to other types.
pub(super) fn none_out_of_place(section: &Section<'_>, kind: Kind) -> Result<(), Reported> {
    let word = |kind| KINDS.iter().find(|&&(_, of)| of == kind).map_or("", |&(word, _)| word);
    let mut placed = Ok(());
    for (key, kinds) in KEYS.iter().filter(|(_, kinds)| !kinds.contains(&kind)) {
        if let Some(span) = section.key_span(key) {
            let words: Vec<&str> = kinds.iter().map(|&kind| word(kind)).collect();
            let what = format!("a monitor of type {:?} has no `{key}`", word(kind));
            let help = format!("take it out; it belongs to {}", listed(&words));
            placed = Err(section.problems.add(span, what, help));
        }
    }
    placed
}
