//! The rules that give packets other sources: between the addresses that go and those that come.

use failover::VipId;

use super::{Cause, Director, Refusal};
use crate::config::{Config, Vip};
use crate::events::Kind;
use crate::kernel::{Applied, Failure, nftables};
use crate::reconcile::Step;
use crate::snapshot::Snat;
use crate::snat::{Catalogue, Told};

const OBJECT: &str = "rules";

impl Director {
    /// The rules of a file, if they can be set here.
    pub(super) fn rules_of(config: &Config) -> Result<Catalogue, Refusal> {
        let rules = Catalogue::of(config);
        if rules.is_empty() || nftables::is_installed() { Ok(rules) } else { Err(Refusal::NoNft) }
    }

    /// Takes the steps of a plan, and brings the rules in when addresses that go are gone, and those that come are not there.
    pub(super) async fn take(&self, steps: &[Step], rules: Catalogue) -> Applied {
        let comes = |step: &Step| matches!(step, Step::AddAddress(_));
        let (first, rest) = steps.split_at(steps.iter().position(comes).unwrap_or(steps.len()));
        let mut applied = self.kernel.apply(first.to_vec()).await;
        if applied.actual.is_err() || !applied.failures.is_empty() {
            return applied;
        }
        if let Err(what) = self.bring_rules(rules).await {
            applied.failures.push(Failure { what, raced: false });
            return applied;
        }
        if rest.is_empty() { applied } else { self.kernel.apply(rest.to_vec()).await }
    }

    /// Brings rules into force. Where none are for this director by itself, and none were, nobody waits: those of vips
    /// come with the vips.
    pub(super) async fn bring_rules(&self, rules: Catalogue) -> Result<(), String> {
        let matters = rules.has_lasting() || Catalogue::of(&self.config).has_lasting();
        let ticket = self.rules.rules.want(rules);
        if matters { self.rules.rules.settled(ticket).await } else { Ok(()) }
    }

    /// The rules of the file in force are wanted again.
    pub(super) fn keep_rules(&self) {
        let _ = self.rules.rules.want(Catalogue::of(&self.config));
    }

    /// The rules of a vip, as they are seen.
    pub(super) fn snat(&self, vip: &Vip) -> Option<Snat> {
        let (rules, active) = self.rules.rules.of(VipId::of(vip.name.as_str()));
        (!rules.is_empty()).then_some(Snat { rules, active })
    }

    pub(super) fn hear_rules(&self, told: Told) {
        let (kind, what, cause) = match told {
            Told::Changed(what) => (Kind::RulesChanged, what, "rules"),
            Told::Repaired(what) => (Kind::DriftRepaired, what, Cause::Drift.name()),
            Told::Failed(what) => (Kind::RulesError, what, "rules"),
            Told::Recovered => (Kind::RulesChanged, "can be read and written again".to_owned(), "rules"),
            Told::Forgotten(count) => {
                let flows = if count == 1 { "flow" } else { "flows" };
                let what = format!("{count} {flows} with a source that no rule gives now, forgotten");
                (Kind::FlowsForgotten, what, "rules")
            }
        };
        self.events.record(kind, OBJECT, what, cause);
    }
}
