//! What is right in a file and still has to be said.

mod cluster;

use healthcheck::{Check, Monitor, Tls, Trust};
use ipvs::{Forward, ServiceId};

use super::{Config, VirtualService};

impl Config {
    /// What an operator should know of this file although it is valid, one line for each thing.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let cluster = self.cluster.iter().flat_map(|cluster| cluster.warnings(&self.vips));
        cluster.chain(self.services.iter().flat_map(VirtualService::warnings)).collect()
    }
}

impl VirtualService {
    fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let own = self.realservers.iter().filter_map(|realserver| realserver.monitors.as_ref());
        if self.monitors.iter().chain(own.flatten()).any(|monitor| believes_anybody(monitor)) {
            warnings.push(format!(
                "service {}: verify = false: whoever answers for a realserver is believed",
                self.name
            ));
        }
        let Some(fallback) = self.fallback else {
            return warnings;
        };
        let endpoint = fallback.endpoint;
        for &id in &self.ids {
            let port = match id {
                ServiceId::Address { endpoint, .. } => endpoint.port(),
                ServiceId::Mark { .. } => 0,
            };
            let forward = fallback.destination.forward;
            if !matches!(forward, Forward::Tunnel(_)) && endpoint.family() != id.family() {
                warnings.push(format!("service {}: the fallback {endpoint} is not for {id}", self.name));
            } else if forward == Forward::Local && endpoint.port() != port {
                warnings.push(format!(
                    "service {}: the kernel gives this machine packets unchanged: the fallback has to listen at \
                     {id} and not at {endpoint}",
                    self.name
                ));
            }
        }
        warnings
    }
}

fn believes_anybody(monitor: &Monitor) -> bool {
    let tls = match &monitor.check {
        Check::Tls(tls) => Some(tls),
        Check::Http(http) => http.tls.as_ref(),
        _ => None,
    };
    matches!(tls, Some(Tls { trust: Trust::Anybody, .. }))
}
