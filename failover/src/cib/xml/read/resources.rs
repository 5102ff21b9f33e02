//! Resources: addresses become vips, and what lvsd does by itself is dropped.

mod agent;
mod place;

use std::collections::BTreeMap;
use std::time::Duration;

use super::properties::{failure_stickiness, managed};
use super::{Reader, Target};
use crate::cib::xml::Dialect;
use crate::cib::xml::element::{Element, Pairs};
use crate::cib::xml::word::{self, quoted};
use crate::cib::{Constraint, Location, Resource, Rule, Worth};
use crate::name::MAX_VIPS;
use crate::score::Score;

use agent::Agent;
use place::{Place, place};

/// What a director's file has if it says nothing.
const MIGRATION_THRESHOLD: u32 = 3;
const FAILURE_TIMEOUT: Duration = Duration::from_secs(600);

/// A resource that is no group.
struct Primitive<'n, 'a> {
    id: &'a str,
    agent: Agent,
    pairs: Pairs<'n, 'a>,
}

impl<'n> Reader<'n> {
    pub(super) fn resource(&mut self, resource: &Element<'n, '_>) {
        match resource.name() {
            "primitive" => self.lone(resource),
            "group" => self.group(resource),
            _ => self.copies(resource),
        }
    }

    /// What an id of a resource stands for; nothing, if there is none of it. Instances of clones have a number.
    pub(super) fn target(&self, id: &str) -> Option<Target> {
        let dropped = |target: &&Target| matches!(target, Target::Dropped);
        let instance = || self.targets.get(id.rsplit_once(':')?.0).filter(dropped);
        self.targets.get(id).or_else(instance).cloned()
    }

    fn lone(&mut self, element: &Element<'n, '_>) {
        let Some(primitive) = primitive(element) else { return };
        match primitive.agent {
            Agent::Address => {
                let place = place(element, &primitive);
                self.vip(element, primitive.id, vec![place], 1, primitive.pairs);
            }
            Agent::Pingd | Agent::Dropped(_) => self.drop_it(element, &primitive),
            Agent::Foreign => element.problem(
                format!("lvsd does not run {}", quoted(primitive.id)),
                "take it out: something else has to run it",
            ),
        }
    }

    fn drop_it(&mut self, element: &Element<'n, '_>, primitive: &Primitive<'n, '_>) {
        self.targets.insert(primitive.id.to_owned(), Target::Dropped);
        let why = match primitive.agent {
            Agent::Pingd => {
                let multiplier = primitive.pairs.read(&["multiplier"], word::count);
                self.properties.multiplier = self.properties.multiplier.or(multiplier);
                let name = primitive.pairs.take(&["name"]);
                self.pingd = Some(name.map_or("pingd", |pair| pair.value).to_owned());
                "directors ping by themselves: the hosts are in `ping` of lvsd.toml"
            }
            Agent::Dropped(why) => why,
            Agent::Address | Agent::Foreign => "it is part of a vip that directors share",
        };
        element.note(format!("{} is dropped: {why}", quoted(primitive.id)));
    }

    fn group(&mut self, group: &Element<'n, '_>) {
        let id = group.required(&["id"]);
        let mut pairs = Pairs::default();
        let mut members = Vec::new();
        for child in group.children() {
            match child.name() {
                "meta_attributes" | "instance_attributes" => pairs.add(&child),
                "primitive" => members.push(child),
                _ => child.refuse(),
            }
        }
        let Some(id) = id else { return };
        let collocated =
            [group.read(&["collocated"], word::boolean), pairs.read(&["collocated"], word::boolean)];
        if collocated.contains(&Some(false)) {
            group.problem("the addresses of a vip stay together", "write each resource without <group>");
        }
        group.ignore(&["ordered"]);
        pairs.ignore(&["ordered"]);

        let mut places = Vec::new();
        let target = Target::Vip(self.name(group, id));
        for member in &members {
            let Some(primitive) = primitive(member) else { continue };
            match primitive.agent {
                Agent::Address => {
                    places.push(place(member, &primitive));
                    self.targets.insert(primitive.id.to_owned(), target.clone());
                    primitive.pairs.end(&quoted(primitive.id));
                }
                Agent::Pingd | Agent::Dropped(_) => self.drop_it(member, &primitive),
                Agent::Foreign => {
                    self.targets.insert(primitive.id.to_owned(), target.clone());
                    member.note(format!(
                        "{} is dropped: lvsd runs addresses only, and something else has to run it",
                        quoted(primitive.id)
                    ));
                }
            }
        }
        if places.is_empty() {
            group.problem(format!("group {} has no address", quoted(id)), "take it out");
        } else {
            self.vip(group, id, places, members.len(), pairs);
        }
    }

    /// Resources of which each node has one: nothing of what lvsd places.
    fn copies(&mut self, copies: &Element<'n, '_>) {
        let Some(id) = copies.required(&["id"]) else { return };
        let inner = |element: &Element<'n, '_>| element.name() == "primitive";
        let mut found = false;
        for element in copies.descendants().filter(inner) {
            let Some(primitive) = primitive(&element) else { continue };
            found = true;
            match primitive.agent {
                Agent::Pingd | Agent::Dropped(_) => self.drop_it(&element, &primitive),
                Agent::Address | Agent::Foreign => element.problem(
                    format!("{} is in a <{}>, and lvsd has none", quoted(primitive.id), copies.name()),
                    "take it out",
                ),
            }
        }
        if !found {
            copies.problem(format!("<{}> {} has no <primitive>", copies.name(), quoted(id)), "take it out");
        }
        self.targets.insert(id.to_owned(), Target::Dropped);
    }

    fn vip(
        &mut self,
        element: &Element<'n, '_>,
        id: &str,
        places: Vec<Option<Place>>,
        members: usize,
        pairs: Pairs<'n, '_>,
    ) {
        let name = self.name(element, id);
        self.targets.insert(id.to_owned(), Target::Vip(name.clone()));
        let stickiness = self.stickiness(element, members, &pairs);
        let threshold = self.threshold(&pairs);
        let timeout = pairs.read(&["failure-timeout"], word::time).unwrap_or(FAILURE_TIMEOUT);
        if let Some(value) = element.optional(&["is_managed"]) {
            managed(element, value);
        }
        if let Some(pair) = pairs.take(&["is_managed", "is-managed"]) {
            managed(&pair.element, pair.value);
        }
        if let Some(pair) = pairs.take(&["target_role", "target-role"]) {
            self.role(&pair.element, &name, pair.value);
        }
        pairs.end(&format!("vip {name}"));
        element.ignore(&["description", "restart_type", "multiple_active"]);
        element.end();

        let places: Vec<Place> = places.into_iter().flatten().collect();
        let interface = places.first().map(|place| place.interface.clone()).unwrap_or_default();
        if let Some(other) = places.iter().find(|place| place.interface != interface) {
            element.problem(
                format!("addresses of vip {name} are on {interface} and {}", other.interface),
                "write two groups, and a rsc_colocation of them",
            );
        }
        let vips = &self.cib.declared.vips;
        if vips.iter().any(|known| known.name == name) {
            return element.problem(format!("there is already a vip called {name}"), "give each its own id");
        }
        if vips.len() == MAX_VIPS {
            return element.problem(format!("there are more than {MAX_VIPS} vips"), "take the others out");
        }
        self.cib.declared.vips.push(Resource {
            name,
            addresses: places.into_iter().map(|place| place.address).collect(),
            interface,
            prefer: BTreeMap::new(),
            stickiness,
            migration_threshold: threshold,
            failure_timeout: timeout,
        });
    }

    /// What counts in the end for the first member of a group.
    fn stickiness(&self, element: &Element<'n, '_>, members: usize, pairs: &Pairs<'n, '_>) -> Score {
        const NAMES: &[&str] = &["resource_stickiness", "resource-stickiness"];
        let exact = pairs.read(&["lvsd_stickiness"], word::score);
        let own = [element.read(NAMES, word::score), pairs.read(NAMES, word::score)];
        let each = own.into_iter().flatten().next().unwrap_or(self.properties.stickiness);
        let times = counted(self.dialect, members);
        let total = i64::from(each.get()).saturating_mul(times);
        let most = i64::from(Score::INFINITY.get());
        let total = Score::new(i32::try_from(total.clamp(-most, most)).unwrap_or_default());
        if exact.is_none() && total != each {
            element.note(format!(
                "{} counts the stickiness of a group of {members} {times} times: {} becomes {}",
                self.dialect.program(),
                each.get(),
                total.get()
            ));
        }
        exact.unwrap_or(total)
    }

    fn threshold(&self, pairs: &Pairs<'n, '_>) -> u32 {
        let fatal = pairs.take(&["resource_failure_stickiness", "resource-failure-stickiness"]);
        let fatal = fatal.map(|pair| failure_stickiness(&pair.element, pair.value));
        let threshold = pairs.take(&["migration-threshold"]).and_then(|pair| match pair.value {
            // So many that it is never reached.
            "INFINITY" | "+INFINITY" => Some(0),
            value => pair.element.value(value, word::count),
        });
        let usual = if fatal.unwrap_or(self.properties.fatal) { 1 } else { MIGRATION_THRESHOLD };
        threshold.unwrap_or(usual)
    }

    /// Whether a vip is to be anywhere at all.
    fn role(&mut self, element: &Element<'n, '_>, vip: &str, role: &str) {
        match role.to_ascii_lowercase().as_str() {
            "started" | "default" | "#default" => {}
            "stopped" => {
                let id = format!("target_role-{vip}");
                element.note(format!("vip {vip} is stopped by location {id}"));
                let never = Worth::Score(Score::NEG_INFINITY);
                let location = Location { vip: vip.to_owned(), worth: never, rule: Rule::All(Vec::new()) };
                self.add_constraint(element, id, Constraint::Location(location));
            }
            _ => element.problem(format!("there is no role {}", quoted(role)), "use Started or Stopped"),
        }
    }
}

/// How often the stickiness of a group counts for its first member.
pub(in crate::cib::xml) fn counted(dialect: Dialect, members: usize) -> i64 {
    let members = i64::try_from(members).unwrap_or(i64::MAX);
    match dialect {
        Dialect::Heartbeat => members.saturating_mul(members),
        Dialect::Pacemaker => members,
    }
}

fn primitive<'n, 'a>(element: &Element<'n, 'a>) -> Option<Primitive<'n, 'a>> {
    let id = element.required(&["id"]);
    let class = element.required(&["class"]);
    let kind = element.required(&["type"]);
    element.ignore(&["provider"]);
    let mut pairs = Pairs::default();
    for child in element.children() {
        match child.name() {
            "instance_attributes" | "meta_attributes" => pairs.add(&child),
            "operations" => operations(&child),
            _ => child.refuse(),
        }
    }
    let agent = Agent::of(class?, kind?);
    Some(Primitive { id: id?, agent, pairs })
}

/// lvsd watches addresses by itself; what is to be done when that fails is the same for all.
fn operations(operations: &Element<'_, '_>) {
    for op in operations.children() {
        if op.name() != "op" {
            op.refuse();
            continue;
        }
        let usual = ["restart", "ignore", "stop"];
        if let Some(what) = op.optional(&["on_fail", "on-fail"]).filter(|what| !usual.contains(what)) {
            op.note(format!("on_fail={} is not taken: a vip that fails is put elsewhere", quoted(what)));
        }
    }
}
