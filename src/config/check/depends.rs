//! `depends`: what a service cannot do without.

use std::collections::{BTreeMap, BTreeSet};

use toml::de::DeValue;

use crate::config::report::{Problems, Reported};
use crate::config::section::{At, Fault, Section, did_you_mean, nearest, quoted, read};
use crate::config::{Dependency, Name, value};

const HELP: &str = "write depends = [\"http\", \"ping 192.0.2.1\"]";

/// What the services of the file depend on.
pub(super) struct Depends<'a> {
    /// The names of all services, right or wrong: a reference to a wrong one is not a second mistake.
    names: BTreeSet<&'a str>,
    /// Who depends on which services.
    edges: BTreeMap<String, Vec<At<Name>>>,
}

impl<'a> Depends<'a> {
    pub(super) fn new(services: &[Section<'a>]) -> Self {
        let name = |section: &Section<'a>| section.get("name").and_then(|name| name.get_ref().as_str());
        Self { names: services.iter().filter_map(name).collect(), edges: BTreeMap::new() }
    }

    /// Reads the key `depends` of a service.
    pub(super) fn read(&mut self, section: &Section<'_>) -> Result<Vec<Dependency>, Reported> {
        if section.get("depends").is_none() {
            return Ok(Vec::new());
        }
        let own = section.get("name").and_then(|name| name.get_ref().as_str()).unwrap_or_default();
        let element = |value| read(section.problems, value, |value| self.dependency(section, own, value));
        let all: Vec<_> = section.list("depends", HELP)?.iter().map(element).collect();
        let services = all.iter().flatten().filter_map(|at| match &at.value {
            Dependency::Service(name) => Some(At { value: name.clone(), span: at.span }),
            Dependency::Ping(_) => None,
        });
        self.edges.insert(own.to_owned(), services.collect());
        all.into_iter().map(|at| Ok(at?.value)).collect()
    }

    fn dependency(&self, section: &Section<'_>, own: &str, value: &DeValue<'_>) -> Result<Dependency, Fault> {
        let text = value::text(value, HELP)?;
        if let Some(address) = text.strip_prefix("ping ") {
            return Ok(Dependency::Ping(value::parse_address(address)?));
        }
        if text == own {
            return Err(Fault::new("a service cannot depend on itself", "take it out"));
        }
        if let Some(name) = Name::new(text).filter(|_| self.names.contains(text)) {
            return Ok(Dependency::Service(name));
        }
        let near = nearest(section.problems, text, self.names.iter().copied());
        let help = near.map_or_else(|| HELP.to_owned(), did_you_mean);
        Err(Fault::new(format!("there is no [[service]] called {}", quoted(text)), help))
    }

    /// Reports services that depend on each other.
    pub(super) fn are_acyclic(&self, problems: &Problems) -> Result<(), Reported> {
        let mut acyclic = Ok(());
        let mut seen = BTreeSet::new();
        for start in self.edges.keys() {
            // From each service of the path to the next, and which of its dependencies are still to be followed.
            let mut path: Vec<(&str, &[At<Name>])> = Vec::new();
            if seen.insert(start.as_str()) {
                path.push((start, self.of(start)));
            }
            while let Some((_, left)) = path.last_mut() {
                let Some((next, rest)) = left.split_first() else {
                    path.pop();
                    continue;
                };
                *left = rest;
                let name = next.value.as_str();
                if let Some(begin) = path.iter().position(|&(on, _)| on == name) {
                    let round = path.iter().skip(begin).map(|&(on, _)| on).chain([name]);
                    let round: Vec<&str> = round.collect();
                    let what = format!("these services depend on each other: {}", shortened(&round));
                    acyclic = Err(problems.add(next.span, what, "take this one out, or another one"));
                } else if seen.insert(name) {
                    path.push((name, self.of(name)));
                }
            }
        }
        acyclic
    }

    fn of(&self, name: &str) -> &[At<Name>] {
        self.edges.get(name).map_or(&[], Vec::as_slice)
    }
}

/// The way round, without its middle if it is long.
fn shortened(round: &[&str]) -> String {
    match round {
        [first, second, .., before, last] if round.len() > 8 => {
            format!("{first} -> {second} -> ... -> {before} -> {last}")
        }
        all => all.join(" -> "),
    }
}
