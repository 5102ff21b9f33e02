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

use std::convert::Infallible;
use std::future;
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;

use attempt::Attempt;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::sleep;
use trust::Trusts;

use crate::{Check, Held, Monitor, Outcome, exec};

/// What checks share.
///
/// It is cheap to make. What a check needs, such as the certificates of the authorities, is read when a check
/// first needs it, and kept as long as the kit.
#[derive(Debug)]
pub struct Kit {
    trusts: Trusts,
    programs: Semaphore,
}

impl Kit {
    /// A kit with which so many programs may run at once.
    #[must_use]
    pub fn new(programs: usize) -> Self {
        Self { trusts: Trusts::default(), programs: Semaphore::new(programs) }
    }

    /// Makes one check, and tells at each interval when a held connection stands.
    pub async fn check(&self, target: SocketAddr, monitor: &Monitor, held: Held) -> Outcome {
        match monitor.check {
            Check::Idle => Box::pin(self.hold(target, monitor, held)).await,
            _ => self.probe(target, monitor, drop).await,
        }
    }

    async fn hold(&self, target: SocketAddr, monitor: &Monitor, held: Held) -> Outcome {
        let (stands, standing) = oneshot::channel();
        let repeat = async {
            let Ok(outcome) = standing.await else { return future::pending::<Infallible>().await };
            loop {
                held.stands(Outcome::clone(&outcome)).await;
                sleep(monitor.pace.interval).await;
            }
        };
        tokio::select! {
            outcome = self.probe(target, monitor, |outcome| drop(stands.send(outcome))) => outcome,
            never = repeat => match never {},
        }
    }

    /// Makes one check; it ends by the monitor's timeout, whatever the realserver does.
    ///
    /// A [`Check::Idle`] is different: `held` is called when its connection stands, and the check ends when the
    /// connection is lost.
    pub async fn probe(&self, target: SocketAddr, monitor: &Monitor, held: impl FnOnce(Outcome)) -> Outcome {
        let attempt = Attempt::new(target, monitor);
        // In boxes, so that no check takes the room of the largest.
        let found = match &monitor.check {
            Check::Tcp => Box::pin(tcp::check(&attempt)).await,
            Check::Tls(tls) => Box::pin(tls::check(&attempt, tls, &self.trusts)).await,
            Check::Http(http) => Box::pin(http::check(&attempt, http, &self.trusts)).await,
            Check::Udp(udp) => Box::pin(udp::check(&attempt, udp)).await,
            Check::Ping => Box::pin(ping::check(&attempt)).await,
            Check::Dns(dns) => Box::pin(dns::check(&attempt, dns)).await,
            Check::Smtp(smtp) => Box::pin(smtp::check(&attempt, smtp)).await,
            Check::Exec(exec) => {
                let outcome = exec::check(exec, target.ip(), monitor.timeout, &self.programs);
                return Box::pin(outcome).await;
            }
            Check::Idle => Box::pin(idle::check(&attempt, held)).await,
        };
        let (Ok(finding) | Err(finding)) = found;
        attempt.outcome(&finding)
    }
}

/// A random number, from the standard library's source of them.
fn random() -> u64 {
    RandomState::new().hash_one(())
}
