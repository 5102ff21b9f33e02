//! What holds for the cluster as a whole.

use super::Reader;
use crate::cib::xml::element::{Element, Pairs};
use crate::cib::xml::word;
use crate::score::Score;

/// What holds for all resources.
pub(super) struct Properties {
    pub(super) stickiness: Score,
    pub(super) symmetric: bool,
    /// Whether the first failure bars a vip from a node.
    pub(super) fatal: bool,
    pub(super) multiplier: Option<u32>,
}

impl Default for Properties {
    fn default() -> Self {
        Self { stickiness: Score::default(), symmetric: true, fatal: false, multiplier: None }
    }
}

impl<'n> Reader<'n> {
    pub(super) fn properties(&mut self, set: &Element<'n, '_>) {
        let mut pairs = Pairs::default();
        pairs.add(set);
        if let Some(policy) = pairs.read(&["no-quorum-policy"], word::policy) {
            self.cib.declared.policy = policy;
        }
        if let Some(stickiness) = pairs.read(&["default-resource-stickiness"], word::score) {
            self.properties.stickiness = stickiness;
        }
        if let Some(symmetric) = pairs.read(&["symmetric-cluster"], word::boolean) {
            self.properties.symmetric = symmetric;
        }
        self.properties.multiplier =
            pairs.read(&["lvsd_ping_multiplier"], word::count).or(self.properties.multiplier);
        if let Some(pair) = pairs.take(&["default-resource-failure-stickiness"]) {
            self.properties.fatal = failure_stickiness(&pair.element, pair.value);
        }
        if let Some(pair) = pairs.take(&["is-managed-default"]) {
            managed(&pair.element, pair.value);
        }
        if let Some(pair) = pairs.take(&["stonith-enabled"])
            && pair.element.value(pair.value, word::boolean) == Some(true)
        {
            pair.element.note("nothing is shot: a director without a lease gives up by itself");
        }
        pairs.ignore(MEANINGLESS);
        pairs.end("the cluster");
    }
}

/// Whether the first failure bars a vip. What else is said of failures cannot be counted as lvsd does.
pub(super) fn failure_stickiness(element: &Element<'_, '_>, value: &str) -> bool {
    let score = element.value(value, word::score).unwrap_or_default();
    if score != Score::default() && score != Score::NEG_INFINITY {
        element.note("a failure is worth no points: after migration_threshold of them a vip is barred");
    }
    score == Score::NEG_INFINITY
}

/// Complains if a resource is not to be managed.
pub(super) fn managed(element: &Element<'_, '_>, value: &str) {
    if element.value(value, word::boolean) == Some(false) {
        element.problem("lvsd leaves no vip alone", "take it out, or the resource");
    }
}

/// Properties that mean nothing to lvsd.
const MEANINGLESS: &[&str] = &[
    "batch-limit",
    "cluster-delay",
    "cluster-infrastructure",
    "cluster-name",
    "cluster-recheck-interval",
    "crmd-finalization-timeout",
    "crmd-integration-timeout",
    "dc-deadtime",
    "dc-version",
    "default-action-timeout",
    "election-timeout",
    "expected-nodes",
    "expected-quorum-votes",
    "have-watchdog",
    "last-lrm-refresh",
    "no-quorum-panic",
    "pe-error-series-max",
    "pe-input-series-max",
    "pe-warn-series-max",
    "remove-after-stop",
    "short-resource-names",
    "shutdown-escalation",
    "start-failure-is-fatal",
    "startup-fencing",
    "stonith-action",
    "stonith-timeout",
    "stop-orphan-actions",
    "stop-orphan-resources",
    "transition-idle-timeout",
];
