//! Configuration files.

use std::path::Path;

use lvsd::config::{Cluster, Config, Role, Vip};

/// Takes or refuses `bytes`: what is taken makes sense, and every refusal can be told. Says which it was.
pub fn check(bytes: &[u8]) -> bool {
    match Config::parse(Path::new("f"), bytes) {
        Ok(config) => {
            for service in &config.services {
                let served = |&id| service.realservers_of(id).next().is_some();
                assert!(!service.ids.is_empty() && service.ids.iter().all(served), "{service:?}");
            }
            match &config.cluster {
                Some(cluster) => check_cluster(cluster, &config.vips),
                None => assert!(config.vips.iter().all(|vip| vip.prefer.is_empty())),
            }
            let warnings = config.warnings();
            assert!(!warnings.iter().any(|line| line.contains(char::is_control)), "{warnings:?}");
            true
        }
        Err(report) => {
            let text = report.to_string();
            assert!(report.count() > 0 && text.contains("help: "), "{text}");
            // A terminal must not obey the file.
            assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
            assert!(report.headline().starts_with('f'), "{}", report.headline());
            false
        }
    }
}

fn check_cluster(cluster: &Cluster, vips: &[Vip]) {
    let Cluster { keepalive, warntime, deadtime, initdead, .. } = *cluster;
    assert!(keepalive <= warntime && warntime < deadtime && deadtime <= initdead, "{cluster:?}");
    assert!(keepalive * 2 < deadtime, "{cluster:?}");
    let links = cluster.nodes.iter().map(|node| node.links.len());
    assert!(
        (1..=4).contains(&links.clone().min().unwrap_or(0)) && links.clone().min() == links.max(),
        "{cluster:?}"
    );
    let is_director = |name: &str| cluster.node(name).is_some_and(|node| node.role == Role::Director);
    for vip in vips {
        assert!(vip.prefer.keys().all(|name| is_director(name.as_str())), "{vip:?}");
    }
}
