//! Vips that wait for each other.

use std::collections::BTreeSet;

use super::Finding;
use crate::Score;
use crate::cib::Cib;

/// A vip that is decided after another.
struct Edge<'a> {
    id: &'a str,
    from: &'a str,
    to: &'a str,
    /// Whether it only keeps them apart, so that it is enough if one of them minds.
    apart: bool,
}

/// The circles of colocations and orders, one for each constraint that closes one.
pub(super) fn circles(cib: &Cib) -> Vec<Finding> {
    let follows = cib.colocations().map(|(id, it)| Edge {
        id,
        from: &it.vip,
        to: &it.with,
        apart: it.score < Score::default() && it.vip != it.with,
    });
    let waits = cib.orders().map(|(id, it)| Edge { id, from: &it.then, to: &it.first, apart: false });
    let edges: Vec<Edge<'_>> = follows.chain(waits).collect();
    let all: Vec<&Edge<'_>> = edges.iter().collect();
    let firm: Vec<&Edge<'_>> = edges.iter().filter(|edge| !edge.apart).collect();
    let mut findings = Vec::new();
    for edge in &edges {
        if !edge.apart && reaches(edge.to, edge.from, &firm) {
            let what = format!("{} waits for {}, which waits for {0}", edge.from, edge.to);
            findings.push(Finding::error("circle", edge.place(cib), what, "take one of the constraints out"));
        } else if edge.from < edge.to && reaches(edge.to, edge.from, &all) {
            let what = format!("{} minds where {} is, and the other way round", edge.from, edge.to);
            let help = "one constraint is enough: the vip that minds less is placed first";
            findings.push(Finding::warning("mutual", edge.place(cib), what, help));
        }
    }
    findings
}

impl Edge<'_> {
    fn place(&self, cib: &Cib) -> String {
        let kind = if cib.orders().any(|(id, _)| id == self.id) { "order" } else { "colocation" };
        format!("{kind} {}", self.id)
    }
}

fn reaches<'a>(from: &'a str, to: &str, edges: &[&Edge<'a>]) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![from];
    while let Some(vip) = open.pop() {
        if vip == to {
            return true;
        }
        if seen.insert(vip) {
            open.extend(edges.iter().filter(|edge| edge.from == vip).map(|edge| edge.to));
        }
    }
    false
}
