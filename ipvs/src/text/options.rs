//! The options of ipvsadm, and how they are told apart on a command line (popt's way).

use super::usage::Usage;
use crate::{GueChecksum, Protocol};

/// What a command does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    AddService,
    EditService,
    DeleteService,
    Clear,
    List,
    AddServer,
    EditServer,
    DeleteServer,
    Set,
    StartDaemon,
    StopDaemon,
    Restore,
    Save,
    Zero,
}

/// Options that count as one where commands allow or refuse them, in the order in which ipvsadm looks for mistakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Numeric,
    Connection,
    ServiceAddress,
    Scheduler,
    Persistent,
    Netmask,
    RealServer,
    Forwarding,
    Weight,
    Upper,
    Lower,
    Interface,
    Timeout,
    Daemon,
    Stats,
    Rate,
    Thresholds,
    PersistentConn,
    NoSort,
    SyncId,
    Exact,
    OnePacket,
    Engine,
    Flags,
    Group,
    Port,
    Ttl,
    MaxLength,
    TunnelInfo,
    TunnelType,
    TunnelPort,
    NoChecksum,
    FullChecksum,
    RemoteChecksum,
}

impl Class {
    /// Every class with the name that messages give it.
    pub(super) const ALL: [(Self, &'static str); 34] = [
        (Self::Numeric, "numeric"),
        (Self::Connection, "connection"),
        (Self::ServiceAddress, "service-address"),
        (Self::Scheduler, "scheduler"),
        (Self::Persistent, "persistent"),
        (Self::Netmask, "netmask"),
        (Self::RealServer, "real-server"),
        (Self::Forwarding, "forwarding-method"),
        (Self::Weight, "weight"),
        (Self::Upper, "u-threshold"),
        (Self::Lower, "l-threshold"),
        (Self::Interface, "mcast-interface"),
        (Self::Timeout, "timeout"),
        (Self::Daemon, "daemon"),
        (Self::Stats, "stats"),
        (Self::Rate, "rate"),
        (Self::Thresholds, "thresholds"),
        (Self::PersistentConn, "persistent-conn"),
        (Self::NoSort, "nosort"),
        (Self::SyncId, "syncid"),
        (Self::Exact, "exact"),
        (Self::OnePacket, "ops"),
        (Self::Engine, "pe"),
        (Self::Flags, "sched-flags"),
        (Self::Group, "mcast-group"),
        (Self::Port, "mcast-port"),
        (Self::Ttl, "mcast-ttl"),
        (Self::MaxLength, "sync-maxlen"),
        (Self::TunnelInfo, "tun-info"),
        (Self::TunnelType, "tun-type"),
        (Self::TunnelPort, "tun-port"),
        (Self::NoChecksum, "tun-nocsum"),
        (Self::FullChecksum, "tun-csum"),
        (Self::RemoteChecksum, "tun-remcsum"),
    ];

    /// The name that messages give it.
    pub(super) fn name(self) -> &'static str {
        Self::ALL.iter().find_map(|&(class, name)| (class == self).then_some(name)).unwrap_or_default()
    }
}

/// A forwarding method before the tunnel options are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Method {
    #[default]
    Route,
    Tunnel,
    Masquerade,
}

/// What an option means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Verb(Verb),
    Help,
    Version,
    Address(Protocol),
    Mark,
    Ipv6,
    Forward(Method),
    Checksum(GueChecksum),
    /// Sorting is what ipvsadm does anyway.
    Sort,
    /// Alone in its class.
    Only(Class),
}

impl Meaning {
    /// The class of an option that is neither a command nor without effect of its own.
    pub(super) fn class(self) -> Option<Class> {
        match self {
            Self::Address(_) | Self::Mark => Some(Class::ServiceAddress),
            Self::Forward(_) => Some(Class::Forwarding),
            Self::Checksum(GueChecksum::None) => Some(Class::NoChecksum),
            Self::Checksum(GueChecksum::Full) => Some(Class::FullChecksum),
            Self::Checksum(GueChecksum::Remote) => Some(Class::RemoteChecksum),
            Self::Only(class) => Some(class),
            Self::Verb(_) | Self::Help | Self::Version | Self::Ipv6 | Self::Sort => None,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Argument {
    None,
    Required,
    Optional,
}

struct Spec {
    long: &'static str,
    short: Option<char>,
    argument: Argument,
    meaning: Meaning,
}

const fn spec(long: &'static str, short: Option<char>, argument: Argument, meaning: Meaning) -> Spec {
    Spec { long, short, argument, meaning }
}

const fn flag(long: &'static str, short: Option<char>, meaning: Meaning) -> Spec {
    spec(long, short, Argument::None, meaning)
}

const fn value(long: &'static str, short: Option<char>, meaning: Meaning) -> Spec {
    spec(long, short, Argument::Required, meaning)
}

static OPTIONS: [Spec; 58] = [
    flag("add-service", Some('A'), Meaning::Verb(Verb::AddService)),
    flag("edit-service", Some('E'), Meaning::Verb(Verb::EditService)),
    flag("delete-service", Some('D'), Meaning::Verb(Verb::DeleteService)),
    flag("clear", Some('C'), Meaning::Verb(Verb::Clear)),
    flag("list", Some('L'), Meaning::Verb(Verb::List)),
    flag("list", Some('l'), Meaning::Verb(Verb::List)),
    flag("zero", Some('Z'), Meaning::Verb(Verb::Zero)),
    flag("add-server", Some('a'), Meaning::Verb(Verb::AddServer)),
    flag("edit-server", Some('e'), Meaning::Verb(Verb::EditServer)),
    flag("delete-server", Some('d'), Meaning::Verb(Verb::DeleteServer)),
    flag("set", None, Meaning::Verb(Verb::Set)),
    flag("restore", Some('R'), Meaning::Verb(Verb::Restore)),
    flag("save", Some('S'), Meaning::Verb(Verb::Save)),
    value("start-daemon", None, Meaning::Verb(Verb::StartDaemon)),
    value("stop-daemon", None, Meaning::Verb(Verb::StopDaemon)),
    flag("help", Some('h'), Meaning::Help),
    flag("version", Some('v'), Meaning::Version),
    value("tcp-service", Some('t'), Meaning::Address(Protocol::Tcp)),
    value("udp-service", Some('u'), Meaning::Address(Protocol::Udp)),
    value("sctp-service", None, Meaning::Address(Protocol::Sctp)),
    value("fwmark-service", Some('f'), Meaning::Mark),
    flag("ipv6", Some('6'), Meaning::Ipv6),
    value("scheduler", Some('s'), Meaning::Only(Class::Scheduler)),
    spec("persistent", Some('p'), Argument::Optional, Meaning::Only(Class::Persistent)),
    value("netmask", Some('M'), Meaning::Only(Class::Netmask)),
    value("pe", None, Meaning::Only(Class::Engine)),
    flag("ops", Some('o'), Meaning::Only(Class::OnePacket)),
    value("sched-flags", Some('b'), Meaning::Only(Class::Flags)),
    value("real-server", Some('r'), Meaning::Only(Class::RealServer)),
    flag("masquerading", Some('m'), Meaning::Forward(Method::Masquerade)),
    flag("ipip", Some('i'), Meaning::Forward(Method::Tunnel)),
    flag("gatewaying", Some('g'), Meaning::Forward(Method::Route)),
    value("tun-type", None, Meaning::Only(Class::TunnelType)),
    value("tun-port", None, Meaning::Only(Class::TunnelPort)),
    flag("tun-nocsum", None, Meaning::Checksum(GueChecksum::None)),
    flag("tun-csum", None, Meaning::Checksum(GueChecksum::Full)),
    flag("tun-remcsum", None, Meaning::Checksum(GueChecksum::Remote)),
    value("weight", Some('w'), Meaning::Only(Class::Weight)),
    value("u-threshold", Some('x'), Meaning::Only(Class::Upper)),
    value("l-threshold", Some('y'), Meaning::Only(Class::Lower)),
    flag("numeric", Some('n'), Meaning::Only(Class::Numeric)),
    flag("connection", Some('c'), Meaning::Only(Class::Connection)),
    flag("timeout", None, Meaning::Only(Class::Timeout)),
    flag("daemon", None, Meaning::Only(Class::Daemon)),
    flag("stats", None, Meaning::Only(Class::Stats)),
    flag("rate", None, Meaning::Only(Class::Rate)),
    flag("thresholds", None, Meaning::Only(Class::Thresholds)),
    flag("persistent-conn", None, Meaning::Only(Class::PersistentConn)),
    flag("tun-info", None, Meaning::Only(Class::TunnelInfo)),
    flag("nosort", None, Meaning::Only(Class::NoSort)),
    flag("sort", None, Meaning::Sort),
    flag("exact", Some('X'), Meaning::Only(Class::Exact)),
    value("mcast-interface", None, Meaning::Only(Class::Interface)),
    value("syncid", None, Meaning::Only(Class::SyncId)),
    value("mcast-group", None, Meaning::Only(Class::Group)),
    value("mcast-port", None, Meaning::Only(Class::Port)),
    value("mcast-ttl", None, Meaning::Only(Class::Ttl)),
    value("sync-maxlen", None, Meaning::Only(Class::MaxLength)),
];

/// An option, its argument, and the word that it ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Given<'a> {
    pub(super) meaning: Meaning,
    pub(super) argument: Option<&'a str>,
    pub(super) word: &'a str,
}

/// Takes a command line apart; words that are no options are put aside.
pub(super) struct Reader<'a> {
    words: std::slice::Iter<'a, &'a str>,
    word: &'a str,
    cluster: &'a str,
    plain: Vec<&'a str>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(words: &'a [&'a str]) -> Self {
        Self { words: words.iter(), word: "", cluster: "", plain: Vec::new() }
    }

    /// The words that were no options, once all options are read.
    pub(super) fn into_plain(self) -> Vec<&'a str> {
        self.plain
    }

    /// The next option.
    pub(super) fn next(&mut self) -> Result<Option<Given<'a>>, Usage> {
        let Some((spec, attached)) = self.next_spec()? else {
            return Ok(None);
        };
        let argument = match spec.argument {
            Argument::None => None,
            Argument::Required => match attached.or_else(|| self.next_word()) {
                Some(argument) => Some(argument),
                None => return Err(Usage::MissingArgument(self.word.to_owned())),
            },
            Argument::Optional => attached.or_else(|| {
                let next = self.words.as_slice().first()?;
                if next.starts_with('-') { None } else { self.next_word() }
            }),
        };
        Ok(Some(Given { meaning: spec.meaning, argument, word: self.word }))
    }

    fn next_word(&mut self) -> Option<&'a str> {
        self.word = self.words.next()?;
        Some(self.word)
    }

    fn next_spec(&mut self) -> Result<Option<(&'static Spec, Option<&'a str>)>, Usage> {
        while self.cluster.is_empty() {
            let Some(word) = self.next_word() else {
                return Ok(None);
            };
            if word == "--" {
                self.plain.extend(self.words.by_ref());
            } else if let Some(long) = word.strip_prefix("--") {
                return self.long(long).map(Some);
            } else {
                match word.strip_prefix('-') {
                    Some(cluster) if !cluster.is_empty() => self.cluster = cluster,
                    _ => self.plain.push(word),
                }
            }
        }
        self.short().map(Some)
    }

    fn long(&self, text: &'a str) -> Result<(&'static Spec, Option<&'a str>), Usage> {
        let (name, attached) = match text.split_once('=') {
            Some((name, argument)) => (name, Some(argument)),
            None => (text, None),
        };
        let spec =
            find(|spec| spec.long == name).ok_or_else(|| Usage::UnknownOption(self.word.to_owned()))?;
        if attached.is_some() && spec.argument == Argument::None {
            return Err(Usage::UnwantedArgument(self.word.to_owned()));
        }
        Ok((spec, attached))
    }

    /// Takes the first letter off a cluster like `Ln`; a letter with an argument takes the rest for it.
    fn short(&mut self) -> Result<(&'static Spec, Option<&'a str>), Usage> {
        let mut letters = self.cluster.chars();
        let letter = letters.next();
        let rest = letters.as_str();
        let spec = find(|spec| spec.short.is_some() && spec.short == letter)
            .ok_or_else(|| Usage::UnknownOption(self.word.to_owned()))?;
        if spec.argument == Argument::None {
            if rest.starts_with('=') {
                return Err(Usage::UnwantedArgument(self.word.to_owned()));
            }
            self.cluster = rest;
            return Ok((spec, None));
        }
        self.cluster = "";
        let attached = (!rest.is_empty()).then(|| rest.strip_prefix('=').unwrap_or(rest));
        Ok((spec, attached))
    }
}

fn find(wanted: impl Fn(&Spec) -> bool) -> Option<&'static Spec> {
    OPTIONS.iter().find(|spec| wanted(spec))
}
