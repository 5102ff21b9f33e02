//! The one text of a document.

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use super::value::UNITS;
use crate::cib::{Cib, Colocation, Expression, Location, Order, Resource, Rule, Worth};
use crate::score::Score;

impl Display for Cib {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "version = {}", Text(&self.version.to_string()))?;
        writeln!(f, "\n[properties]")?;
        writeln!(f, "no_quorum_policy = {}", Text(self.declared.policy.name()))?;
        writeln!(f, "ping_multiplier = {}", self.declared.multiplier)?;
        for (name, role) in &self.declared.nodes {
            writeln!(f, "\n[[node]]\nname = {}", Text(name))?;
            writeln!(f, "role = {}\nstandby = {}", Text(role.name()), self.standby.contains(name))?;
        }
        self.declared.vips.iter().try_for_each(|vip| vip.write(f))?;
        self.locations().try_for_each(|(id, location)| location.write(f, id))?;
        for (id, Colocation { vip, with, score }) in self.colocations() {
            writeln!(f, "\n[[colocation]]\nid = {}\nvip = {}", Text(id), Text(vip))?;
            writeln!(f, "with = {}\nscore = {}", Text(with), Wish(*score))?;
        }
        for (id, Order { first, then }) in self.orders() {
            writeln!(f, "\n[[order]]\nid = {}", Text(id))?;
            writeln!(f, "first = {}\nthen = {}", Text(first), Text(then))?;
        }
        for (vip, node) in &self.moves {
            writeln!(f, "\n[[move]]\nvip = {}\nnode = {}", Text(vip), Text(node))?;
        }
        for ((vip, node), count) in &self.failures {
            writeln!(f, "\n[[failure]]\nvip = {}\nnode = {}\ncount = {count}", Text(vip), Text(node))?;
        }
        Ok(())
    }
}

impl Resource {
    fn write(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n[[vip]]\nname = {}", Text(&self.name))?;
        writeln!(f, "addresses = [{}]", Listed(self.addresses.iter().map(|address| Text(address))))?;
        writeln!(f, "interface = {}", Text(&self.interface))?;
        if !self.prefer.is_empty() {
            let wishes = self.prefer.iter().map(|(node, score)| format!("{} = {}", Key(node), Wish(*score)));
            writeln!(f, "prefer = {{ {} }}", Listed(wishes))?;
        }
        writeln!(f, "stickiness = {}", Wish(self.stickiness))?;
        writeln!(f, "migration_threshold = {}", self.migration_threshold)?;
        writeln!(f, "failure_timeout = {}", Text(&Time(self.failure_timeout).to_string()))
    }
}

impl Location {
    fn write(&self, f: &mut Formatter<'_>, id: &str) -> fmt::Result {
        writeln!(f, "\n[[location]]\nid = {}\nvip = {}", Text(id), Text(&self.vip))?;
        match &self.worth {
            Worth::Score(score) => writeln!(f, "score = {}", Wish(*score))?,
            Worth::Attribute(attribute) => writeln!(f, "score_attribute = {}", Text(attribute))?,
        }
        let (key, expressions) = match &self.rule {
            Rule::All(expressions) if expressions.is_empty() => return Ok(()),
            Rule::All(expressions) => ("all", expressions),
            Rule::Any(expressions) => ("any", expressions),
        };
        writeln!(f, "{key} = [{}]", Listed(expressions.iter().map(Asked)))
    }
}

/// Elements with commas between them.
struct Listed<I>(I);

impl<I: Iterator<Item: Display> + Clone> Display for Listed<I> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut between = "";
        for element in self.0.clone() {
            write!(f, "{between}{element}")?;
            between = ", ";
        }
        Ok(())
    }
}

struct Asked<'a>(&'a Expression);

impl Display for Asked<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Expression { attribute, operation, value } = self.0;
        write!(f, "{{ attribute = {}, operation = {}", Text(attribute), Text(operation.name()))?;
        if operation.compares() {
            write!(f, ", value = {}", Text(value))?;
        }
        f.write_str(" }")
    }
}

/// A basic string.
struct Text<'a>(&'a str);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for c in self.0.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                c if c.is_control() => write!(f, "\\u{:04X}", u32::from(c))?,
                c => write!(f, "{c}")?,
            }
        }
        f.write_str("\"")
    }
}

/// A key, bare where it can be.
struct Key<'a>(&'a str);

impl Display for Key<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let bare = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if !self.0.is_empty() && self.0.bytes().all(bare) {
            return f.write_str(self.0);
        }
        Text(self.0).fmt(f)
    }
}

/// A score as the file has it.
struct Wish(Score);

impl Display for Wish {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Score::INFINITY => f.write_str("\"always\""),
            Score::NEG_INFINITY => f.write_str("\"never\""),
            score => write!(f, "{}", score.get()),
        }
    }
}

/// A time as files have it: whole milliseconds, in the longest unit that divides them. What is less is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time(pub Duration);

impl Display for Time {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let milliseconds = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        match UNITS.into_iter().find(|(_, unit)| milliseconds > 0 && milliseconds % unit == 0) {
            Some((name, unit)) => write!(f, "{}{name}", milliseconds / unit),
            None => f.write_str("0s"),
        }
    }
}
