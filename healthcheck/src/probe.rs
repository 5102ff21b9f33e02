//! Probes: one check of a realserver, from its first packet to its outcome.

mod attempt;
mod dns;
mod http;
mod idle;
mod ping;
mod search;
mod smtp;
mod tcp;
mod tls;
mod trust;
mod udp;

use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;

use attempt::Attempt;
use trust::Trusts;

use crate::{Check, Monitor, Outcome};

/// What checks share.
///
/// It is cheap to make. What a check needs, such as the certificates of the authorities, is read when a check
/// first needs it, and kept as long as the kit.
#[derive(Debug, Default)]
pub struct Kit {
    trusts: Trusts,
}

impl Kit {
    /// A kit.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes one check; it ends by the monitor's timeout, whatever the realserver does.
    ///
    /// A [`Check::Idle`] is different: `held` is called when its connection stands, and the check ends when the
    /// connection is lost.
    pub async fn probe(&self, target: SocketAddr, monitor: &Monitor, held: impl FnOnce(Outcome)) -> Outcome {
        let attempt = Attempt::new(target, monitor);
        let found = match &monitor.check {
            Check::Tcp => tcp::check(&attempt).await,
            Check::Tls(tls) => tls::check(&attempt, tls, &self.trusts).await,
            Check::Http(http) => http::check(&attempt, http, &self.trusts).await,
            Check::Udp(udp) => udp::check(&attempt, udp).await,
            Check::Ping => ping::check(&attempt).await,
            Check::Dns(dns) => dns::check(&attempt, dns).await,
            Check::Smtp(smtp) => smtp::check(&attempt, smtp).await,
            Check::Exec(exec) => exec_elsewhere(exec),
            Check::Idle => idle::check(&attempt, held).await,
        };
        let (Ok(finding) | Err(finding)) = found;
        attempt.outcome(&finding)
    }
}

/// A random number, from the standard library's source of them.
fn random() -> u64 {
    RandomState::new().hash_one(())
}

// Placeholder, until `crate::exec::check(exec, target.ip(), monitor.timeout)` exists and takes its place.
fn exec_elsewhere(_: &crate::Exec) -> attempt::Found {
    Err(attempt::Finding::new(crate::Code::ExecFail, "programs are run elsewhere"))
}
