//! Why something is not done, and what must not be begun.

use crate::cluster::{PlanError, Unchanged};
use crate::config::{Config, Interface, Report};
use crate::desired::Desired;
use crate::kernel::KernelError;
use crate::reconcile::{self, Actual};
use crate::state::{State, StoreError};

/// Why a configuration was not applied. Nothing of it is in force.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The file is not valid.
    #[error("{0}")]
    File(Report),
    /// The cluster cannot be changed like that.
    #[error(transparent)]
    Cluster(#[from] PlanError),
    /// The cluster's document was not changed.
    #[error(transparent)]
    Unchanged(#[from] Unchanged),
    /// This director stands alone.
    #[error("this director stands alone; the file has no [cluster]")]
    Alone,
    /// A vip cannot go there.
    #[error("vip {vip} cannot go to {node}: {why}")]
    Nowhere {
        /// The vip.
        vip: String,
        /// The node.
        node: String,
        /// Why.
        why: String,
    },
    /// An operator's word has not come about in time.
    #[error("{object}: not yet: {why}; the word was passed on")]
    Pending {
        /// The node or vip.
        object: String,
        /// What stands against it.
        why: String,
    },
    /// The kernel cannot be read.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// The state cannot be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A vip's interface is not there.
    #[error("vip {vip}: this machine has no interface {interface}; it has {present}")]
    NoInterface {
        /// The vip.
        vip: String,
        /// Its interface.
        interface: Interface,
        /// The interfaces that there are.
        present: String,
    },
    /// Services of the file belong to somebody else.
    #[error(
        "{} in the kernel, not made by lvsd and different from the file: {}\n\
         delete what is there (ipvsadm -D), or take it over with `lvsd run --adopt`",
        if .0.len() == 1 { "a service is already" } else { "services are already" },
        .0.join(", ")
    )]
    Foreign(Vec<String>),
    /// Somebody spoke of something that is not in the file.
    #[error("there is no {what} {name:?}; there is {}", .present.join(", "))]
    Unknown {
        /// What it would be.
        what: &'static str,
        /// How it was called.
        name: String,
        /// What there is.
        present: Vec<String>,
    },
    /// There is no program to set rules with.
    #[error(
        "the file has snat, masquerade or source_nat, and there is no program nft on this machine: install the package nftables"
    )]
    NoNft,
    /// The kernel refused a part.
    #[error("the kernel refused a part, and the rest was taken back: {}", .0.join("; "))]
    Failed(Vec<String>),
    /// Something could not be taken out.
    #[error("not all could be taken out: {}", .0.join("; "))]
    Unreleased(Vec<String>),
}

impl Refusal {
    /// The refusal in one line.
    #[must_use]
    pub fn headline(&self) -> String {
        match self {
            Self::File(report) => report.headline(),
            other => other.to_string().replace('\n', "; "),
        }
    }
}

/// Refuses what must not be begun, since it cannot end well.
pub fn refuse_impossible(
    config: &Config,
    desired: &Desired,
    state: &State,
    actual: &Actual,
    adopt: bool,
) -> Result<(), Refusal> {
    // In a cluster, a director without the interface votes, and the others carry the vip.
    for vip in config.vips.iter().filter(|_| config.cluster.is_none()) {
        if !actual.links.contains_key(&vip.interface) {
            let present = actual.links.keys().map(Interface::as_str).collect::<Vec<_>>().join(", ");
            return Err(Refusal::NoInterface {
                vip: vip.name.to_string(),
                interface: vip.interface.clone(),
                present,
            });
        }
    }
    let conflicts = reconcile::conflicts(desired, state, actual);
    if conflicts.is_empty() || adopt {
        return Ok(());
    }
    let named = |(id, name)| format!("{id} (service {name})");
    Err(Refusal::Foreign(conflicts.into_iter().map(named).collect()))
}
