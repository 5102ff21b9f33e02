//! Locations: whether one holds at a node, and what it is worth there.

use crate::cib::{Expression, Location, Operation, Rule, Worth};
use crate::score::Score;

/// What a node is asked for.
pub(super) struct Asked<'a> {
    pub(super) name: &'a str,
    /// What its pings are worth, if that is known.
    pub(super) pingd: Option<i64>,
    pub(super) leads: bool,
}

/// What nodes can be asked for. They have no other attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cib) enum Attribute {
    Name,
    Leads,
    Pingd,
}

impl Attribute {
    /// The attribute of this name. A node's id is its name.
    pub(in crate::cib) fn of(name: &str) -> Option<Self> {
        match name {
            "#uname" | "#id" => Some(Self::Name),
            "#is_dc" => Some(Self::Leads),
            "pingd" => Some(Self::Pingd),
            _ => None,
        }
    }
}

/// A location, ready to be asked.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) id: String,
    /// The attribute that it counts, by its name and its meaning; or else a score.
    worth: Result<Score, (String, Option<Attribute>)>,
    all: bool,
    questions: Vec<Question>,
}

#[derive(Clone, Debug)]
struct Question {
    attribute: Option<Attribute>,
    operation: Operation,
    text: String,
    number: Option<i64>,
}

/// What an attribute is at a node.
enum Value<'a> {
    Text(&'a str),
    Number(i64),
}

impl Place {
    pub(super) fn of(id: &str, location: &Location) -> Self {
        let (all, expressions) = match &location.rule {
            Rule::All(expressions) => (true, expressions),
            Rule::Any(expressions) => (false, expressions),
        };
        let worth = match &location.worth {
            Worth::Score(score) => Ok(*score),
            Worth::Attribute(name) => Err((name.clone(), Attribute::of(name))),
        };
        Self { id: id.to_owned(), worth, all, questions: expressions.iter().map(Question::of).collect() }
    }

    pub(super) fn counts_pings(&self) -> bool {
        let asked = self.questions.iter().map(|question| question.attribute);
        let counted = self.worth.as_ref().err().and_then(|(_, attribute)| *attribute);
        asked.chain([counted]).any(|attribute| attribute == Some(Attribute::Pingd))
    }

    pub(super) fn holds(&self, node: &Asked<'_>) -> bool {
        let mut questions = self.questions.iter();
        if self.all {
            questions.all(|question| question.holds(node))
        } else {
            questions.any(|question| question.holds(node))
        }
    }

    /// What it is worth, and the attribute that it counts. One that is not known counts nothing.
    pub(super) fn worth(&self, node: &Asked<'_>) -> (Option<(&str, Option<Score>)>, Score) {
        match &self.worth {
            Ok(score) => (None, *score),
            Err((name, attribute)) => {
                let score =
                    attribute.and_then(|attribute| node.value(attribute)).and_then(|value| value.score());
                (Some((name, score)), score.unwrap_or_default())
            }
        }
    }
}

impl Question {
    fn of(expression: &Expression) -> Self {
        let Expression { attribute, operation, value } = expression;
        Self {
            attribute: Attribute::of(attribute),
            operation: *operation,
            text: value.clone(),
            number: value.parse().ok(),
        }
    }

    /// What a node does not have is not equal to anything, and neither less nor greater.
    fn holds(&self, node: &Asked<'_>) -> bool {
        let value = self.attribute.and_then(|attribute| node.value(attribute));
        let Some(value) = value else {
            return matches!(self.operation, Operation::NotDefined | Operation::Ne);
        };
        let order = match (&value, self.number) {
            (Value::Number(value), Some(number)) => value.cmp(&number),
            (Value::Number(value), None) => value.to_string().as_str().cmp(&self.text),
            (Value::Text(value), number) => match (value.parse::<i64>(), number) {
                (Ok(value), Some(number)) => value.cmp(&number),
                _ => (*value).cmp(&self.text),
            },
        };
        match self.operation {
            Operation::Lt => order.is_lt(),
            Operation::Gt => order.is_gt(),
            Operation::Lte => order.is_le(),
            Operation::Gte => order.is_ge(),
            Operation::Eq => order.is_eq(),
            Operation::Ne => order.is_ne(),
            Operation::Defined => true,
            Operation::NotDefined => false,
        }
    }
}

impl Asked<'_> {
    fn value(&self, attribute: Attribute) -> Option<Value<'_>> {
        match attribute {
            Attribute::Name => Some(Value::Text(self.name)),
            Attribute::Leads => Some(Value::Text(if self.leads { "true" } else { "false" })),
            Attribute::Pingd => self.pingd.map(Value::Number),
        }
    }
}

impl Value<'_> {
    fn score(&self) -> Option<Score> {
        match self {
            Self::Text(_) => None,
            Self::Number(number) => {
                let most = i64::from(Score::INFINITY.get());
                i32::try_from((*number).clamp(-most, most)).ok().map(Score::new)
            }
        }
    }
}
