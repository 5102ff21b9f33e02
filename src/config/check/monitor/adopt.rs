//! Monitors and the realservers that they watch: whether the two go together.

use std::cell::RefCell;
use std::sync::Arc;

use healthcheck::{Check, Monitor};
use ipvs::Endpoint;
use rustc_hash::FxHashSet;

use super::Spec;
use crate::config::report::{Problems, Reported};

/// The monitors of the file. Equal ones are kept once: many realservers have few monitors.
#[derive(Default)]
pub(in crate::config::check) struct Shared(RefCell<FxHashSet<Arc<Monitor>>>);

impl Shared {
    fn keep(&self, monitor: &Monitor) -> Arc<Monitor> {
        let mut kept = self.0.borrow_mut();
        if let Some(equal) = kept.get(monitor) {
            return equal.clone();
        }
        let monitor = Arc::new(monitor.clone());
        kept.insert(monitor.clone());
        monitor
    }
}

/// A service that takes monitors for its realservers.
pub(in crate::config::check) struct Adopter<'a> {
    pub(in crate::config::check) problems: &'a Problems,
    /// The service as it is called in messages.
    pub(in crate::config::check) label: &'a str,
    /// The service as programs know it.
    pub(in crate::config::check) service: &'a str,
    /// Its pool as programs know it.
    pub(in crate::config::check) group: &'a str,
    pub(in crate::config::check) shared: &'a Shared,
}

impl Adopter<'_> {
    /// The monitors for these realservers, if they can watch all of them.
    pub(in crate::config::check) fn adopt(
        &self,
        specs: &[Spec],
        realservers: &(impl Iterator<Item = Endpoint> + Clone),
    ) -> Result<Vec<Arc<Monitor>>, Reported> {
        let monitors: Vec<_> = specs.iter().map(|spec| self.one(spec, realservers.clone())).collect();
        monitors.into_iter().collect()
    }

    fn one(
        &self,
        spec: &Spec,
        mut realservers: impl Iterator<Item = Endpoint> + Clone,
    ) -> Result<Arc<Monitor>, Reported> {
        let (label, monitor) = (self.label, &spec.monitor);
        for address in &spec.addresses {
            let differs = |realserver: &Endpoint| realserver.address().is_ipv4() != address.value.is_ipv4();
            if let Some(other) = realservers.clone().find(differs) {
                let what = format!(
                    "{} is not of the family of {label}'s realserver {}",
                    address.value,
                    other.address()
                );
                let help = "give realservers of each family a monitor of their own";
                return Err(self.problems.add(address.span, what, help));
            }
        }
        let has_port = !matches!(monitor.check, Check::Ping | Check::Exec(_));
        if has_port && monitor.port.is_none() && realservers.any(|realserver| realserver.port() == 0) {
            let kind = monitor.check.name();
            let what = format!("a monitor of type {kind:?} needs a port, and {label} takes every port");
            let help = format!("write monitor = {{ type = \"{kind}\", port = 80 }}");
            return Err(self.problems.add(spec.span, what, help));
        }
        let Check::Exec(exec) = &monitor.check else {
            return Ok(self.shared.keep(monitor));
        };
        let mut exec = exec.clone();
        let variables = [("MON_GROUP", self.group), ("MON_SERVICE", self.service)];
        // Those of the file come last and win.
        exec.environment.splice(0..0, variables.map(|(name, value)| (name.to_owned(), value.to_owned())));
        Ok(self.shared.keep(&Monitor { check: Check::Exec(exec), ..monitor.clone() }))
    }
}
