//! Which options go with which command, and with which kind of tunnel.

use super::options::{Class, Verb};
use super::usage::Usage;

/// A set of options.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Set(u64);

impl Set {
    const fn of(classes: &[Class]) -> Self {
        let mut bits = 0;
        let mut rest = classes;
        while let [class, tail @ ..] = rest {
            bits |= 1 << *class as u64;
            rest = tail;
        }
        Self(bits)
    }

    pub(super) fn contains(self, class: Class) -> bool {
        self.0 & Self::of(&[class]).0 != 0
    }

    pub(super) fn intersects(self, classes: &[Class]) -> bool {
        self.0 & Self::of(classes).0 != 0
    }

    /// Adds an option that must not be there yet.
    pub(super) fn add(&mut self, class: Class) -> Result<(), Usage> {
        if self.contains(class) {
            return Err(Usage::Repeated(class.name()));
        }
        self.0 |= Self::of(&[class]).0;
        Ok(())
    }
}

/// The options of a command or a tunnel; what is in none of the sets is refused.
pub(super) struct Rule {
    what: &'static str,
    name: &'static str,
    needed: Set,
    allowed: Set,
    /// One of these at most.
    exclusive: Set,
}

impl Rule {
    /// The rule of a command.
    pub(super) fn command(verb: Verb) -> Self {
        use Class as C;
        const SERVICE: &[Class] = &[C::ServiceAddress];
        const SERVER: &[Class] = &[C::ServiceAddress, C::RealServer];
        const SCHEDULING: &[Class] =
            &[C::Scheduler, C::Persistent, C::Netmask, C::OnePacket, C::Engine, C::Flags];
        const SERVING: &[Class] = &[
            C::Forwarding,
            C::Weight,
            C::Upper,
            C::Lower,
            C::TunnelType,
            C::TunnelPort,
            C::NoChecksum,
            C::FullChecksum,
            C::RemoteChecksum,
        ];
        // `--syncid` does nothing to a listing, but ipvsadm takes it.
        const LISTING: &[Class] = &[
            C::Numeric,
            C::Stats,
            C::Rate,
            C::Thresholds,
            C::PersistentConn,
            C::NoSort,
            C::SyncId,
            C::Exact,
            C::TunnelInfo,
        ];
        const LISTED: &[Class] = &[C::Connection, C::ServiceAddress, C::Timeout, C::Daemon];
        const SYNC: &[Class] = &[C::Interface, C::SyncId, C::Group, C::Port, C::Ttl, C::MaxLength];
        let (name, needed, allowed, exclusive): (_, &[_], &[_], &[_]) = match verb {
            Verb::AddService => ("add-service", SERVICE, SCHEDULING, &[]),
            Verb::EditService => ("edit-service", SERVICE, SCHEDULING, &[]),
            Verb::DeleteService => ("delete-service", SERVICE, &[], &[]),
            Verb::Clear => ("flush", &[], &[], &[]),
            Verb::List => ("list", &[], LISTING, LISTED),
            Verb::AddServer => ("add-server", SERVER, SERVING, &[]),
            Verb::EditServer => ("edit-server", SERVER, SERVING, &[]),
            Verb::DeleteServer => ("delete-server", SERVER, &[], &[]),
            Verb::Set => ("set", &[], &[], &[]),
            Verb::StartDaemon => ("start-daemon", &[], SYNC, &[]),
            Verb::StopDaemon => ("stop-daemon", &[], &[C::SyncId], &[]),
            Verb::Restore => ("restore", &[], &[], &[]),
            Verb::Save => ("save", &[], &[C::Numeric], &[]),
            Verb::Zero => ("zero", &[], SERVICE, &[]),
        };
        Self::new("command", name, needed, allowed, exclusive)
    }

    /// The rule of a tunnel type.
    pub(super) fn tunnel(tunnel: Tunnel) -> Self {
        use Class as C;
        let (name, needed, exclusive): (_, &[_], &[_]) = match tunnel {
            Tunnel::Ipip => ("ipip", &[], &[]),
            Tunnel::Gue => ("gue", &[C::TunnelPort], &[C::NoChecksum, C::FullChecksum, C::RemoteChecksum]),
            Tunnel::Gre => ("gre", &[], &[C::NoChecksum, C::FullChecksum]),
        };
        let elsewhere =
            &[C::ServiceAddress, C::RealServer, C::Forwarding, C::Weight, C::Upper, C::Lower, C::TunnelType];
        Self::new("tunnel type", name, needed, elsewhere, exclusive)
    }

    fn new(
        what: &'static str,
        name: &'static str,
        needed: &[Class],
        allowed: &[Class],
        exclusive: &[Class],
    ) -> Self {
        Self { what, name, needed: Set::of(needed), allowed: Set::of(allowed), exclusive: Set::of(exclusive) }
    }

    /// Finds the first mistake in a set of options.
    pub(super) fn check(&self, given: Set) -> Result<(), Usage> {
        let Self { what, name, .. } = *self;
        let mut chosen = None;
        for (class, option) in Class::ALL {
            if !given.contains(class) {
                if self.needed.contains(class) {
                    return Err(Usage::Needed { option, name, what });
                }
            } else if self.exclusive.contains(class) {
                if let Some(other) = chosen.replace(option) {
                    return Err(Usage::Conflict { option, other, name, what });
                }
            } else if !self.needed.contains(class) && !self.allowed.contains(class) {
                return Err(Usage::Illegal { option, name, what });
            }
        }
        Ok(())
    }
}

/// What `--tun-type` names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Tunnel {
    #[default]
    Ipip,
    Gue,
    Gre,
}
