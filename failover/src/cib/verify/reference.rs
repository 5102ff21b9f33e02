//! Names that stand for nothing.

use super::Finding;
use crate::cib::{Cib, Constraint};
use crate::core::Role;

/// Nodes and vips that the document does not declare, and witnesses that are to own something.
pub(super) fn unknown(cib: &Cib) -> Vec<Finding> {
    let mut names = Names { cib, findings: Vec::new() };
    for vip in &cib.declared.vips {
        vip.prefer.keys().for_each(|node| names.director(node, || format!("vip {}", vip.name)));
    }
    for (id, constraint) in &cib.constraints {
        match constraint {
            Constraint::Location(it) => names.vip(&it.vip, || format!("location {id}")),
            Constraint::Colocation(it) => {
                names.vip(&it.vip, || format!("colocation {id}"));
                names.vip(&it.with, || format!("colocation {id}"));
            }
            Constraint::Order(it) => {
                names.vip(&it.first, || format!("order {id}"));
                names.vip(&it.then, || format!("order {id}"));
            }
        }
    }
    for (vip, node) in &cib.moves {
        names.vip(vip, || format!("move of {vip}"));
        names.director(node, || format!("move of {vip}"));
    }
    for (vip, node) in cib.failures.keys() {
        names.vip(vip, || format!("failures of {vip} at {node}"));
        names.director(node, || format!("failures of {vip} at {node}"));
    }
    names.findings
}

struct Names<'a> {
    cib: &'a Cib,
    findings: Vec<Finding>,
}

impl Names<'_> {
    fn vip(&mut self, name: &str, place: impl Fn() -> String) {
        let vips = &self.cib.declared.vips;
        if !vips.iter().any(|vip| vip.name == name) {
            let help = format!("the vips are {}", listed(vips.iter().map(|vip| vip.name.as_str())));
            let what = format!("there is no vip called {name:?}");
            self.findings.push(Finding::error("unknown-vip", place(), what, help));
        }
    }

    fn director(&mut self, name: &str, place: impl Fn() -> String) {
        let nodes = &self.cib.declared.nodes;
        let (code, what) = match nodes.iter().find(|(node, _)| node == name) {
            Some((_, Role::Director)) => return,
            Some((_, Role::Witness)) => ("witness", format!("{name} is a witness, which owns nothing")),
            None => ("unknown-node", format!("there is no node called {name:?}")),
        };
        let directors = nodes.iter().filter(|(_, role)| *role == Role::Director);
        let help = format!("the directors are {}", listed(directors.map(|(name, _)| name.as_str())));
        self.findings.push(Finding::error(code, place(), what, help));
    }
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    match names.collect::<Vec<_>>().join(", ") {
        none if none.is_empty() => "none".to_owned(),
        names => names,
    }
}
