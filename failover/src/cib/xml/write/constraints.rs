//! Constraints, and what Heartbeat has as constraints: preferences and moves.

use super::page::Page;
use super::resources::score;
use crate::cib::xml::Dialect;
use crate::cib::xml::read::{MOVE, PREFER, encoded};
use crate::cib::{Cib, Colocation, Constraint, Expression, Location, Operation, Order, Rule, Worth};
use crate::score::Score;

fn id(cib: &Cib, id: &str, dialect: Dialect) -> String {
    encoded(id, dialect, |taken| cib.declared.vips.iter().any(|vip| vip.name == taken))
}

/// The ids of all that is written as a constraint.
pub(super) fn ids(cib: &Cib, dialect: Dialect) -> impl Iterator<Item = String> {
    let constraints = cib.constraints.keys().map(move |name| id(cib, name, dialect));
    let vips = cib.declared.vips.iter().filter(|vip| !vip.prefer.is_empty());
    let prefer = vips.map(|vip| format!("{PREFER}{}", vip.name));
    constraints.chain(prefer).chain(cib.moves.keys().map(|vip| format!("{MOVE}{vip}")))
}

pub(super) fn write(cib: &Cib, page: &mut Page) {
    for vip in cib.declared.vips.iter().filter(|vip| !vip.prefer.is_empty()) {
        let wishes = vip.prefer.iter();
        let rules: Vec<_> = wishes.map(|(node, score)| (Worth::Score(*score), at(node))).collect();
        location(page, &format!("{PREFER}{}", vip.name), &vip.name, &rules);
    }
    for (vip, node) in &cib.moves {
        location(page, &format!("{MOVE}{vip}"), vip, &[(Worth::Score(Score::INFINITY), at(node))]);
    }
    for (name, constraint) in &cib.constraints {
        let id = id(cib, name, page.dialect);
        match constraint {
            Constraint::Location(Location { vip, worth, rule }) => {
                location(page, &id, vip, &[(worth.clone(), rule.clone())]);
            }
            Constraint::Colocation(it) => colocation(page, &id, it),
            Constraint::Order(order) => self::order(page, &id, order),
        }
    }
}

/// Where a node is the one of this name.
fn at(node: &str) -> Rule {
    Rule::All(vec![uname(Operation::Eq, node)])
}

fn uname(operation: Operation, value: &str) -> Expression {
    Expression { attribute: "#uname".to_owned(), operation, value: value.to_owned() }
}

fn location(page: &mut Page, id: &str, vip: &str, rules: &[(Worth, Rule)]) {
    page.within("rsc_location", &[("id", id), ("rsc", vip)], |page| {
        for (worth, it) in rules {
            rule(page, &format!("{id}-rule"), worth, it);
        }
    });
}

fn rule(page: &mut Page, wanted: &str, worth: &Worth, rule: &Rule) {
    let id = page.id(wanted);
    let (operator, idle, expressions) = match rule {
        Rule::All(expressions) => ("and", Operation::Defined, expressions),
        Rule::Any(expressions) => ("or", Operation::NotDefined, expressions),
    };
    // Rules have to say something: what always holds is said once more than it is meant.
    let idle = uname(idle, "");
    let more = expressions.iter().all(|it| *it == idle).then_some(&idle);
    let worth = match worth {
        Worth::Score(it) => ("score".into(), score(*it)),
        Worth::Attribute(name) => (page.joined("score_attribute"), name.clone()),
    };
    let boolean = page.joined("boolean_op");
    let attributes = [("id", id.as_str()), (&worth.0, &worth.1), (&boolean, operator)];
    page.within("rule", &attributes, |page| {
        for Expression { attribute, operation, value } in expressions.iter().chain(more) {
            let expression = page.id(&format!("{id}-expression"));
            let mut attributes =
                vec![("id", expression.as_str()), ("attribute", attribute), ("operation", operation.name())];
            if operation.compares() {
                attributes.push(("value", value));
            }
            page.leaf("expression", &attributes);
        }
    });
}

fn colocation(page: &mut Page, id: &str, Colocation { vip, with, score: worth }: &Colocation) {
    let score = score(*worth);
    let [one, other] = match page.dialect {
        Dialect::Heartbeat => ["from", "to"],
        Dialect::Pacemaker => ["rsc", "with-rsc"],
    };
    page.leaf("rsc_colocation", &[("id", id), (one, vip), (other, with), ("score", &score)]);
}

fn order(page: &mut Page, id: &str, Order { first, then }: &Order) {
    match page.dialect {
        Dialect::Heartbeat => {
            page.leaf("rsc_order", &[("id", id), ("from", then), ("type", "after"), ("to", first)]);
        }
        Dialect::Pacemaker => page.leaf("rsc_order", &[("id", id), ("first", first), ("then", then)]),
    }
}
