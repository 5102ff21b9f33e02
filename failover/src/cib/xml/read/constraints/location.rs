//! Locations, and what tools for operators write as locations: preferences and moves.

use std::collections::BTreeSet;

use super::{MOVE, PREFER, started};
use crate::cib::xml::element::Element;
use crate::cib::xml::read::Reader;
use crate::cib::xml::word::{self, quoted};
use crate::cib::{Constraint, Expression, Location, Operation, Rule, Worth};
use crate::score::Score;

/// A rule of a location.
struct Wish {
    id: Option<String>,
    worth: Worth,
    rule: Rule,
}

impl Wish {
    /// The node that it is about, if it gives one node a score.
    fn node(&self) -> Option<(&str, Score)> {
        match (&self.worth, &self.rule) {
            (Worth::Score(score), Rule::All(expressions)) => match expressions.as_slice() {
                [Expression { attribute, operation: Operation::Eq, value }] if attribute == "#uname" => {
                    Some((value, *score))
                }
                _ => None,
            },
            _ => None,
        }
    }
}

impl<'n> Reader<'n> {
    /// Which attribute says what a node pings, where the text does not: that which counts as a score.
    pub(in crate::cib::xml::read) fn find_pingd(&mut self, constraints: &[Element<'n, '_>]) {
        if self.pingd.is_some() || self.properties.multiplier.is_some() {
            return;
        }
        let rules = constraints.iter().flat_map(Element::descendants);
        let counted = rules.filter_map(|rule| {
            let name = rule.peek("score_attribute").or_else(|| rule.peek("score-attribute"))?;
            (!name.starts_with('#') && !self.fixed.contains(name)).then_some((name, rule.line))
        });
        let counted: Vec<(&str, usize)> = counted.collect();
        let names: BTreeSet<&str> = counted.iter().map(|(name, _)| *name).collect();
        if let (Some((name, line)), 1) = (counted.first(), names.len()) {
            self.pingd = Some((*name).to_owned());
            if *name != "pingd" {
                self.ledger.note(*line, format!("{} is what nodes ping, and becomes pingd", quoted(name)));
            }
            if self.whole {
                self.ledger.note(
                    *line,
                    "what a ping is worth is not in this file but in ha.cf (pingd -m): 1 is taken",
                );
            }
        }
    }

    pub(super) fn location(&mut self, location: &Element<'n, '_>) {
        let raw = location.peek("id");
        let id = self.id_of(location);
        let rsc = location.required(&["rsc"]);
        started(location, &["role"]);
        location.ignore(&["description"]);
        let node = location.optional(&["node"]).map(|node| self.node_name(0, node));
        let score = location.optional(&["score"]);
        let children = location.children();
        let rules: Vec<Element<'n, '_>> = children
            .into_iter()
            .filter(|child| {
                let known = child.name() == "rule";
                if !known {
                    child.refuse();
                }
                known
            })
            .collect();
        let mut wishes: Vec<Wish> = rules.iter().filter_map(|rule| self.rule(rule)).collect();
        let problems = wishes.len() < rules.len();
        match (node, score) {
            (Some(node), Some(score)) => {
                let worth = location.value(score, word::score).map(Worth::Score);
                wishes.extend(worth.map(|worth| Wish {
                    id: None,
                    worth,
                    rule: Rule::All(vec![named(node)]),
                }));
            }
            (Some(_), None) => return location.problem("a node without a score", "add score=\"...\""),
            (None, _) => {}
        }
        let Some(rsc) = rsc else { return };
        if wishes.is_empty() && !problems {
            return location.problem("this location says nothing", "add a <rule>, or take it out");
        }
        let Some(vip) = self.vip_of(location, rsc) else { return };

        let is = |prefix: &str| raw.and_then(|raw| raw.strip_prefix(prefix)) == Some(rsc);
        if is(MOVE)
            && let [wish] = wishes.as_slice()
            && let Some((node, Score::INFINITY)) = wish.node().filter(|(node, _)| word::is_name(node))
        {
            location.note(format!("vip {vip} is moved to {node}, as by `lvsd vip move`"));
            self.cib.moves.insert(vip, node.to_owned());
            return;
        }
        if is(PREFER)
            && wishes.iter().all(|wish| wish.node().is_some_and(|(node, _)| word::is_name(node)))
            && let Some(known) = self.cib.declared.vips.iter_mut().find(|known| known.name == vip)
        {
            for (node, score) in wishes.iter().filter_map(Wish::node) {
                let sum = known.prefer.entry(node.to_owned()).or_default();
                *sum = *sum + score;
            }
            return;
        }
        let several = wishes.len() > 1;
        for wish in wishes {
            let own = wish.id.filter(|_| several).map(|own| self.name(location, &own));
            let id = own.unwrap_or_else(|| id.clone());
            let constraint = Location { vip: vip.clone(), worth: wish.worth, rule: wish.rule };
            self.add_constraint(location, id, Constraint::Location(constraint));
        }
    }

    fn rule(&self, rule: &Element<'n, '_>) -> Option<Wish> {
        let id = rule.label().map(str::to_owned);
        started(rule, &["role"]);
        let score = rule.optional(&["score"]);
        let attribute = rule.optional(&["score_attribute", "score-attribute"]);
        let any = match rule.optional(&["boolean_op", "boolean-op"]) {
            None | Some("and") => false,
            Some("or") => true,
            Some(other) => {
                rule.problem(format!("there is no boolean_op {}", quoted(other)), "use and, or");
                false
            }
        };
        rule.end();
        let worth = match (attribute, score) {
            (Some(name), _) => self.attribute(rule, name).map(Worth::Attribute),
            (None, Some(score)) => rule.value(score, word::score).map(Worth::Score),
            (None, None) => {
                rule.problem("this rule has no score", "add score=\"...\"");
                None
            }
        };
        let mut expressions = Vec::new();
        let mut complete = true;
        for child in rule.children() {
            if child.name() == "expression" {
                match self.expression(&child) {
                    Some(expression) => expressions.push(expression),
                    None => complete = false,
                }
            } else {
                child.refuse();
                complete = false;
            }
        }
        // What always holds is said once more than it is meant, as a rule has to say something.
        let idle = if any { Operation::NotDefined } else { Operation::Defined };
        if expressions.iter().all(|it| it.attribute == "#uname" && it.operation == idle) {
            expressions.pop();
        }
        let rule = if any { Rule::Any(expressions) } else { Rule::All(expressions) };
        Some(Wish { id, worth: worth?, rule }).filter(|_| complete)
    }

    fn expression(&self, expression: &Element<'n, '_>) -> Option<Expression> {
        expression.label();
        let attribute = expression.required(&["attribute"]);
        let operation = expression.required(&["operation"]);
        let operation = operation.and_then(|text| expression.value(text, word::operation));
        let value = expression.optional(&["value"]);
        match expression.optional(&["type"]) {
            None | Some("string" | "number" | "integer") => {}
            Some(other) => expression.problem(
                format!("values are not compared as {}", quoted(other)),
                "use type=\"string\" or type=\"number\"",
            ),
        }
        expression.end();
        let operation = operation?;
        let value = match (value, operation.compares()) {
            (_, false) => String::new(),
            (Some(value), true) if word::is_comparand(value) => match attribute {
                Some("#uname") => self.node_name(0, value),
                Some("#id") => self.node_name(1, value),
                _ => value.to_owned(),
            },
            (value, true) => {
                let what = format!("{} cannot be compared with", quoted(value.unwrap_or_default()));
                expression.problem(what, "write 1 to 256 characters");
                return None;
            }
        };
        Some(Expression { attribute: self.attribute(expression, attribute?)?, operation, value })
    }

    /// An attribute as lvsd calls it.
    fn attribute(&self, element: &Element<'n, '_>, name: &str) -> Option<String> {
        if self.pingd.as_deref() == Some(name) {
            return Some("pingd".to_owned());
        }
        if !word::is_attribute(name) {
            let what = format!("{} is not the name of an attribute", quoted(name));
            element.problem(what, "attributes are called by 1 to 128 letters, digits and signs");
            return None;
        }
        Some(name.to_owned())
    }

    /// What lvsd calls a node that the text calls so (0), or by this id (1).
    fn node_name(&self, by: usize, node: &str) -> String {
        let known = self.nodes.get(by).and_then(|names| names.get(node));
        known.cloned().unwrap_or_else(|| node.to_owned())
    }

    /// Where nothing may be anywhere unless a location says so, the other nodes are barred.
    pub(in crate::cib::xml::read) fn opt_in(&mut self) {
        if self.properties.symmetric {
            return;
        }
        for vip in self.cib.declared.vips.clone() {
            let mut admitted: BTreeSet<String> = vip.prefer.into_keys().collect();
            for (_, Location { vip: of, worth, rule }) in self.cib.locations() {
                let wish = Wish { id: None, worth: worth.clone(), rule: rule.clone() };
                if let Some((node, _)) = wish.node().filter(|_| *of == vip.name) {
                    admitted.insert(node.to_owned());
                }
            }
            let id = format!("symmetric-cluster-{}", vip.name);
            let named: Vec<&str> = admitted.iter().map(String::as_str).collect();
            self.ledger.note(
                1,
                format!(
                    "symmetric-cluster is false: by location {id} vip {} is at [{}] only",
                    vip.name,
                    named.join(" ")
                ),
            );
            let other = |value: &String| Expression {
                attribute: "#uname".to_owned(),
                operation: Operation::Ne,
                value: value.clone(),
            };
            let rule = Rule::All(admitted.iter().map(other).collect());
            let worth = Worth::Score(Score::NEG_INFINITY);
            self.cib.constraints.insert(id, Constraint::Location(Location { vip: vip.name, worth, rule }));
        }
    }
}

/// That a node is the one of this name.
fn named(node: String) -> Expression {
    Expression { attribute: "#uname".to_owned(), operation: Operation::Eq, value: node }
}
