//! `/metrics`: a snapshot as Prometheus reads it.
//!
//! Source: the `OpenMetrics` specification, version 1.0.0.

mod cluster;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue, EncodeLabelSet, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use crate::events::Kind;
use crate::snapshot::{
    Checks, Health, Lateness, Realserver, RealserverState, Service, ServiceState, Snapshot,
};

/// The form of the text.
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Every metric of a snapshot, and how many events of each kind there were.
pub(super) fn render(snapshot: Arc<Snapshot>, events: BTreeMap<Kind, u64>) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Scrape { snapshot, events }));
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

#[derive(Debug)]
struct Scrape {
    snapshot: Arc<Snapshot>,
    events: BTreeMap<Kind, u64>,
}

impl Collector for Scrape {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut families = Families(encoder);
        self.daemon(&mut families)?;
        self.cluster(&mut families)?;
        self.vips(&mut families)?;
        self.checks(&mut families)?;
        self.services(&mut families)?;
        self.realservers(&mut families)
    }
}

impl Scrape {
    fn daemon(&self, families: &mut Families<'_>) -> fmt::Result {
        let Snapshot { version, config, .. } = &*self.snapshot;
        families.info("lvsd_build", "The program", [[("version", version)]])?;
        families.info(
            "lvsd_config",
            "The file in force",
            [[("path", &config.path), ("sha256", &config.sha256)]],
        )?;
        families.single(
            "lvsd_config_last_reload_successful",
            "Whether the file as it was last read is in force",
            &u32::from(config.error.is_none()),
        )?;
        families.single(
            "lvsd_config_last_reload_success_timestamp_seconds",
            "When the file in force came into force",
            &config.loaded_at.as_second(),
        )?;
        let severities = [Health::Degraded, Health::Critical];
        families.gauge(
            "lvsd_problems",
            "What needs an operator",
            severities.map(|severity| ([("severity", severity.name())], self.snapshot.count(severity))),
        )?;
        families.counter(
            "lvsd_events",
            "What happened since the daemon started",
            self.events.iter().map(|(kind, &total)| ([("kind", kind.name())], total)),
        )
    }

    fn checks(&self, families: &mut Families<'_>) -> fmt::Result {
        let Checks { made, in_flight, held, lateness } = &self.snapshot.checks;
        families.counter(
            "lvsd_check_runs",
            "Checks that ended",
            made.iter().map(|(code, &count)| ([("result", code)], count)),
        )?;
        families.single("lvsd_checks_inflight", "Checks under way", in_flight)?;
        families.single("lvsd_checks_held", "Checks that hold a connection", held)?;
        families.histogram("lvsd_check_lateness_seconds", "How late checks began", lateness)
    }

    fn services(&self, families: &mut Families<'_>) -> fmt::Result {
        let services = || self.snapshot.services.iter();
        families.info("lvsd_service", "A virtual service", services().map(about))?;
        families.gauge(
            "lvsd_service_state",
            "How well a service is served: 1 for its state",
            services().flat_map(|service| {
                ServiceState::ALL.map(|state| {
                    let labels = [("service", service.name.as_str()), ("state", state.name())];
                    (labels, u32::from(service.state == state))
                })
            }),
        )?;
        families.gauge(
            "lvsd_service_realservers",
            "Realservers of a service: in the file, wanted by the operator, passing their checks, getting connections",
            services().flat_map(|service| {
                sets(service).map(|(set, count)| ([("service", service.name.as_str()), ("set", set)], count))
            }),
        )?;
        families.gauge(
            "lvsd_service_min_serving",
            "How few realservers the checks may leave serving",
            services().map(|service| ([("service", &service.name)], service.min_serving)),
        )?;
        families.counter(
            "lvsd_service_connections",
            "Connections to a service",
            services().map(|service| ([("service", &service.name)], service.connections_total)),
        )?;
        for (name, help, count) in TRAFFIC {
            families.counter(
                name,
                help,
                services().map(|service| ([("service", &service.name)], count(service))),
            )?;
        }
        Ok(())
    }

    fn realservers(&self, families: &mut Families<'_>) -> fmt::Result {
        let all = || {
            let services = self.snapshot.services.iter();
            services.flat_map(|service| service.realservers.iter().map(move |it| (labels(service, it), it)))
        };
        families.gauge(
            "lvsd_realserver_state",
            "Whether a realserver serves: 1 for its state",
            all().flat_map(|(labels, realserver)| {
                RealserverState::ALL
                    .map(|state| ((labels, [("state", state.name())]), u32::from(realserver.state == state)))
            }),
        )?;
        families.gauge(
            "lvsd_realserver_weight",
            "The weight of a realserver: in the file, and in the kernel",
            all().flat_map(|(labels, it)| {
                let kinds = [("configured", it.weight), ("effective", it.effective_weight)];
                kinds.map(|(kind, weight)| ((labels, [("kind", kind)]), weight))
            }),
        )?;
        families.gauge(
            "lvsd_realserver_connections",
            "Connections of a realserver at present",
            all().flat_map(|(labels, it)| {
                let states = [("active", it.active), ("inactive", it.inactive)];
                states.map(|(state, count)| ((labels, [("state", state)]), count))
            }),
        )?;
        // A counter's family has the name without `_total`, and that is the name of the gauge.
        families.unknown(
            "lvsd_realserver_connections_total",
            "Connections to a realserver since it was added",
            all().map(|(labels, it)| (labels, it.connections_total)),
        )?;
        families.gauge(
            "lvsd_check_duration_seconds",
            "How long the latest check took",
            all().filter_map(|(labels, it)| Some((labels, it.check.as_ref()?.seconds))),
        )
    }
}

type Count = fn(&Service) -> u64;

/// What a service carried.
const TRAFFIC: [(&str, &str, Count); 4] = [
    ("lvsd_service_incoming_packets", "Packets from a service's clients", |it| it.packets_in_total),
    ("lvsd_service_outgoing_packets", "Packets to a service's clients by NAT", |it| it.packets_out_total),
    ("lvsd_service_incoming_bytes", "Bytes from a service's clients", |it| it.bytes_in_total),
    ("lvsd_service_outgoing_bytes", "Bytes to a service's clients by NAT", |it| it.bytes_out_total),
];

fn about(service: &Service) -> [(&'static str, &str); 5] {
    [
        ("service", &service.name),
        ("address", &service.address),
        ("protocol", &service.protocol),
        ("scheduler", &service.scheduler),
        ("forward", &service.forward),
    ]
}

fn labels<'a>(service: &'a Service, realserver: &'a Realserver) -> [(&'static str, &'a str); 2] {
    [("service", &service.name), ("realserver", &realserver.name)]
}

/// How many of a service's realservers are in which set.
fn sets(service: &Service) -> [(&'static str, usize); 4] {
    use RealserverState::{Disabled, Draining, Failing, Up};
    let count = |within: fn(RealserverState) -> bool| {
        service.realservers.iter().filter(|realserver| within(realserver.state)).count()
    };
    [
        ("configured", service.realservers.len()),
        ("enabled", count(|state| !matches!(state, Draining | Disabled))),
        ("healthy", count(|state| matches!(state, Up | Failing))),
        ("serving", service.serving as usize),
    ]
}

/// Writes families of metrics, one after the other.
struct Families<'a>(DescriptorEncoder<'a>);

impl Families<'_> {
    fn info<L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = L>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Info)?;
        series.into_iter().try_for_each(|labels| family.encode_info(&labels))
    }

    fn single(&mut self, name: &str, help: &str, value: &impl EncodeGaugeValue) -> fmt::Result {
        self.0.encode_descriptor(name, help, None, MetricType::Gauge)?.encode_gauge(value)
    }

    fn count(&mut self, name: &str, help: &str, total: u64) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        family.encode_counter::<NoLabelSet, _, f64>(&total, None)
    }

    fn histogram(&mut self, name: &str, help: &str, of: &Lateness) -> fmt::Result {
        let within: u64 = of.buckets.iter().map(|(_, count)| count).sum();
        let beyond = (f64::INFINITY, of.count.saturating_sub(within));
        let buckets: Vec<_> = of.buckets.iter().copied().chain([beyond]).collect();
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Histogram)?;
        family.encode_histogram::<NoLabelSet>(of.sum_seconds, of.count, &buckets, None)
    }

    fn gauge<L: EncodeLabelSet, V: EncodeGaugeValue>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = (L, V)>,
    ) -> fmt::Result {
        self.plain(name, help, MetricType::Gauge, series)
    }

    fn unknown<L: EncodeLabelSet, V: EncodeGaugeValue>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = (L, V)>,
    ) -> fmt::Result {
        self.plain(name, help, MetricType::Unknown, series)
    }

    /// Series under the family's own name.
    fn plain<L: EncodeLabelSet, V: EncodeGaugeValue>(
        &mut self,
        name: &str,
        help: &str,
        of: MetricType,
        series: impl IntoIterator<Item = (L, V)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, of)?;
        series.into_iter().try_for_each(|(labels, value)| family.encode_family(&labels)?.encode_gauge(&value))
    }

    fn counter<L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = (L, u64)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        series.into_iter().try_for_each(|(labels, total)| {
            family.encode_family(&labels)?.encode_counter::<NoLabelSet, _, f64>(&total, None)
        })
    }
}
