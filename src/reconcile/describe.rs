//! A plan in words: what was found to differ, object by object, and what a plan does in all.

use std::collections::BTreeMap;
use std::fmt;

use ipvs::{Destination, Endpoint, Op, Service, ServiceId, Table};

use super::{Actual, Step};

/// How many realservers of one service are named before the rest is only counted.
const NAMED: usize = 3;

/// One object that differs, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The object: `tcp 192.0.2.10:80`, `192.0.2.10/24 on eth0`, `net.ipv4.ip_forward`.
    pub object: Object,
    /// What was found.
    pub found: String,
}

/// What a finding is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Object {
    /// A virtual service.
    Service(ServiceId),
    /// An address or a sysctl.
    Host(String),
}

/// What `steps` are about to mend in `actual`, one finding for each object.
#[must_use]
pub fn findings(steps: &[Step], actual: &Actual) -> Vec<Finding> {
    let mut services: BTreeMap<ServiceId, Differences> = BTreeMap::new();
    let mut findings = Vec::new();
    for step in steps {
        match step {
            Step::Table(ops) => {
                for op in ops {
                    services.entry(op.service()).or_default().note(op, &actual.table);
                }
            }
            Step::Sysctl(sysctl, value) => findings.push(Finding {
                object: Object::Host(sysctl.to_string()),
                found: format!("was {}, not {}", u8::from(!value), u8::from(*value)),
            }),
            Step::RemoveAddress(it) => {
                findings.push(Finding {
                    object: Object::Host(it.to_string()),
                    found: "was not to be there".into(),
                });
            }
            Step::AddAddress(it) => {
                findings.push(Finding { object: Object::Host(it.to_string()), found: "was missing".into() });
            }
        }
    }
    findings.extend(
        services
            .into_iter()
            .map(|(id, differences)| Finding { object: Object::Service(id), found: differences.to_string() }),
    );
    findings
}

/// What differs in one service.
#[derive(Default)]
struct Differences {
    service: Option<String>,
    missing: Vec<Endpoint>,
    surplus: Vec<Endpoint>,
    changed: Vec<String>,
}

impl Differences {
    fn note(&mut self, op: &Op, actual: &Table) {
        let present = actual.get(&op.service());
        match op {
            Op::AddService(..) => self.service = Some("was missing".into()),
            Op::DeleteService(_) => self.service = Some("was not to be there".into()),
            Op::EditService(_, wanted) => {
                self.service = present.map(|bound| difference_of_services(&bound.service, wanted));
            }
            Op::AddDestination { endpoint, .. } => self.missing.push(*endpoint),
            Op::DeleteDestination { endpoint, .. } => self.surplus.push(*endpoint),
            Op::EditDestination { endpoint, destination, .. } => {
                if let Some(found) = present.and_then(|bound| bound.destinations.get(endpoint)) {
                    self.changed
                        .push(format!("{endpoint} {}", difference_of_destinations(found, destination)));
                }
            }
        }
    }
}

impl fmt::Display for Differences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lists = [
            named("missing: ", &self.missing),
            named("not in the file: ", &self.surplus),
            named("", &self.changed),
        ];
        let parts: Vec<String> = self.service.iter().cloned().chain(lists.into_iter().flatten()).collect();
        f.write_str(&parts.join("; "))
    }
}

fn named(title: &str, items: &[impl fmt::Display]) -> Option<String> {
    let shown: Vec<String> = items.iter().take(NAMED).map(ToString::to_string).collect();
    match items.len() {
        0 => None,
        count if count > NAMED => Some(format!("{title}{} and {} more", shown.join(", "), count - NAMED)),
        _ => Some(format!("{title}{}", shown.join(", "))),
    }
}

fn difference_of_services(found: &Service, wanted: &Service) -> String {
    if found.scheduler == wanted.scheduler {
        "had other persistence, flags or one-packet mode".into()
    } else {
        format!("had scheduler {}, not {}", found.scheduler, wanted.scheduler)
    }
}

fn difference_of_destinations(found: &Destination, wanted: &Destination) -> String {
    if found.forward != wanted.forward {
        "was forwarded to another way".into()
    } else if found.weight == wanted.weight {
        "had other thresholds".into()
    } else {
        format!("had weight {}, not {}", found.weight, wanted.weight)
    }
}

/// What a plan does, in numbers: `2 services and 12 realservers added, 1 realserver removed`.
#[must_use]
pub fn summary(steps: &[Step]) -> String {
    let mut counts: BTreeMap<(Verb, &str), usize> = BTreeMap::new();
    for step in steps {
        let mut count = |verb, noun| *counts.entry((verb, noun)).or_default() += 1;
        match step {
            Step::Sysctl(..) => count(Verb::Changed, "sysctl"),
            Step::AddAddress(_) => count(Verb::Added, "address"),
            Step::RemoveAddress(_) => count(Verb::Removed, "address"),
            Step::Table(ops) => ops.iter().for_each(|op| match op {
                Op::AddService(..) => count(Verb::Added, "service"),
                Op::EditService(..) => count(Verb::Changed, "service"),
                Op::DeleteService(_) => count(Verb::Removed, "service"),
                Op::AddDestination { .. } => count(Verb::Added, "realserver"),
                Op::EditDestination { .. } => count(Verb::Changed, "realserver"),
                Op::DeleteDestination { .. } => count(Verb::Removed, "realserver"),
            }),
        }
    }
    if counts.is_empty() {
        return "nothing to change".into();
    }
    let part = |((verb, noun), count): (&(Verb, &str), &usize)| {
        let plural = match (count, noun.ends_with('s')) {
            (1, _) => "",
            (_, true) => "es",
            (_, false) => "s",
        };
        format!("{count} {noun}{plural} {verb}")
    };
    counts.iter().map(part).collect::<Vec<_>>().join(", ")
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Verb {
    Added,
    Changed,
    Removed,
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Removed => "removed",
        })
    }
}
