//! The cluster and its vips as text.

use jiff::Timestamp;

use super::{Cell, Paper};
use crate::snapshot::Vip;
use crate::snapshot::cluster::{Cluster, Node};
use crate::snapshot::words::{Tone, age, cluster::heard};

pub(super) fn cluster(paper: &mut Paper, cluster: &Cluster, now: Timestamp) {
    let (tone, word) = cluster.quorum();
    let verdict = [Cell::new(""), Cell::toned(tone, word), Cell::new(age(now, cluster.since))];
    paper.table(&[verdict.into_iter().chain(cluster.facts().iter().map(Cell::new)).collect()]);
    let risks = cluster.risks.iter();
    let risks = risks.map(|risk| vec![Cell::new(""), Cell::toned(Tone::Warn, "unsafe"), Cell::new(risk)]);
    paper.table(&risks.collect::<Vec<_>>());
    paper.table(&cluster.nodes.iter().map(|node| node_row(cluster, node, now)).collect::<Vec<_>>());
    let rejections = cluster.rejections();
    if !rejections.is_empty() {
        paper.table(&[vec![Cell::new(""), Cell::new("rejected"), Cell::new(rejections)]]);
    }
}

fn node_row(cluster: &Cluster, node: &Node, now: Timestamp) -> Vec<Cell> {
    let links = node.links.iter().map(|link| {
        let text = format!("{} {}, {} lost", link.address, link.state.name(), link.lost);
        Cell::toned(link.state.tone(), text)
    });
    let mut row = vec![
        Cell::new(""),
        Cell::new(&node.name),
        Cell::new(&node.role),
        Cell::toned(node.state.tone(), node.state.name()),
        Cell::new(age(now, node.since)),
        Cell::new(heard(node)),
    ];
    row.extend(links);
    // Whoever has no links here is this node: all rows have as many cells.
    let most = cluster.nodes.iter().map(|node| node.links.len()).max().unwrap_or_default();
    row.extend((node.links.len()..most).map(|_| Cell::new("")));
    row.push(Cell::new(cluster.remark(node)));
    row
}

pub(super) fn vips(paper: &mut Paper, vips: &[Vip], now: Timestamp) {
    paper.table(&vips.iter().map(|vip| vip_row(vip, now)).collect::<Vec<_>>());
}

fn vip_row(vip: &Vip, now: Timestamp) -> Vec<Cell> {
    let (tone, place) = vip.place();
    vec![
        Cell::new(""),
        Cell::new(&vip.name),
        Cell::new(vip.addresses.join(" ")),
        Cell::new(&vip.interface),
        Cell::toned(tone, place),
        Cell::new(age(now, vip.since)),
        Cell::new(vip.lease()),
        Cell::new(vip.remark()),
    ]
}
