//! `[[alert]]` and `[downtime]`: who is told of failures, and where they are noted.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;
use toml::de::DeValue;

use super::file::Directory;
use crate::alert::Period;
use crate::config::report::Reported;
use crate::config::section::{Fault, Schema, Section, did_you_mean, nearest, quoted, read, wrong_type};
use crate::config::{Action, After, Alert, Compare, Name, Occasion, VirtualService, value};

const ALERT: Schema = Schema {
    title: "[[alert]]",
    keys: &[
        "on",
        "run",
        "args",
        "webhook",
        "services",
        "after",
        "every",
        "compare",
        "limit",
        "period",
        "up_after",
        "always_up",
    ],
    later: &[],
};

const AFTER: Schema = Schema { title: "after", keys: &["count", "within"], later: &[] };

const DOWNTIME: Schema = Schema { title: "[downtime]", keys: &["log"], later: &[] };

const OCCASIONS: [(&str, Occasion); 3] = [
    (Occasion::Down.name(), Occasion::Down),
    (Occasion::Up.name(), Occasion::Up),
    (Occasion::Startup.name(), Occasion::Startup),
];

const COMPARE: [(&str, Compare); 3] =
    [("summary", Compare::Summary), ("detail", Compare::Detail), ("nothing", Compare::Nothing)];

const AFTER_HELP: &str = "write after = 3 for failed checks in a row, after = \"30s\" for the length of an outage, \
                          or after = { count = 3, within = \"10m\" }";

const PROGRAM_HELP: &str = "name a program, for example \"alert.d/page-oncall\"; a relative path begins where this \
                            file is, and arguments stand in `args`";

/// What the alerts of a file refer to.
pub(super) struct Context<'c> {
    pub(super) directory: Directory<'c>,
    /// The services; unknown if they are wrong.
    pub(super) services: Option<&'c [VirtualService]>,
}

/// Reads every `[[alert]]`.
pub(super) fn alerts(root: &Section<'_>, context: &Context<'_>) -> Result<Vec<Alert>, Reported> {
    let sections = root.tables("alert", &ALERT, "write [[alert]], with its keys on the lines below");
    let alerts: Vec<_> = sections.iter().map(|section| context.alert(section)).collect();
    alerts.into_iter().collect()
}

/// Reads `[downtime]`.
pub(super) fn downtime_log(root: &Section<'_>) -> Result<Option<PathBuf>, Reported> {
    const HELP: &str = "add log = \"/var/log/lvsd/downtime.log\"";
    let Some(value) = root.get("downtime") else {
        return Ok(None);
    };
    let help = "write [downtime], with its keys on the lines below";
    let section = Section::open(&DOWNTIME, value, root.problems, help)?;
    let absolute = |value| {
        let text = value::text(value, HELP)?;
        let path = PathBuf::from(text);
        let relative =
            || Fault::new(format!("{} does not begin with /", quoted(text)), "write the whole path");
        if path.is_absolute() { Ok(path) } else { Err(relative()) }
    };
    Ok(Some(section.required("log", HELP, absolute)?.value))
}

impl Context<'_> {
    fn alert(&self, section: &Section<'_>) -> Result<Alert, Reported> {
        let on = occasions(section);
        let action = self.action(section);
        let services = self.services(section);
        let after = after(section);
        let every = section.optional("every", interval);
        let compare = section.optional("compare", |value| value::word(value, &COMPARE));
        let limit = section.optional("limit", |value| value::integer(value, 1..=u32::MAX));
        let period = section.optional("period", period);
        let up_after = section.optional("up_after", value::duration);
        let always_up = section.optional("always_up", value::boolean);
        let (on, every, compare) = (on?, every?, compare?);
        if let Some(at) = compare.filter(|at| at.value == Compare::Nothing && every.is_none()) {
            let what = "without `every`, an alert that compares nothing would be sent once and never again";
            return Err(section.problems.add(at.span, what, "add every = \"10m\""));
        }
        Ok(Alert {
            on,
            action: action?,
            services: services?,
            after: after?,
            every: every.map(|at| at.value),
            compare: compare.map_or_else(Compare::default, |at| at.value),
            limit: limit?.and_then(|at| NonZeroU32::new(at.value)),
            period: period?.map_or_else(Period::default, |at| at.value),
            up_after: up_after?.map_or(Duration::ZERO, |at| at.value),
            always_up: always_up?.is_some_and(|at| at.value),
        })
    }

    fn action(&self, section: &Section<'_>) -> Result<Action, Reported> {
        let problems = section.problems;
        let own = section.each("args", "write args = [\"--to\", \"oncall\"]", value::argument);
        match (section.key_span("run"), section.key_span("webhook")) {
            (Some(run), Some(webhook)) => {
                let (earlier, later) = if run < webhook { (run, webhook) } else { (webhook, run) };
                let what = "`run` and `webhook` exclude each other";
                Err(problems.add_collision(later, earlier, what, "keep one, and write another [[alert]]"))
            }
            (None, None) => {
                let help =
                    "add run = \"alert.d/page-oncall\", or webhook = \"https://alerts.example.com/lvsd\"";
                Err(section.missing_one_of(&["run", "webhook"], "[[alert]] tells nobody", help))
            }
            (Some(_), None) => {
                let path = section.required("run", "", |value| {
                    self.directory.program(value::text(value, PROGRAM_HELP)?, PROGRAM_HELP)
                });
                Ok(Action::Program { path: path?.value, arguments: own?.unwrap_or_default() })
            }
            (None, Some(_)) => {
                let url = section.required("webhook", "", webhook);
                match section.key_span("args") {
                    Some(span) => Err(problems.add(span, "a webhook has no arguments", "take `args` out")),
                    None => Ok(Action::Webhook(url?.value)),
                }
            }
        }
    }

    /// The services that an alert is for, if it is not for all.
    fn services(&self, section: &Section<'_>) -> Result<Option<BTreeSet<Name>>, Reported> {
        const HELP: &str = "write services = [\"http\"], or take it out: then the alert is for all services";
        let Some(names) = section.each("services", HELP, |value| self.service(section, value))? else {
            return Ok(None);
        };
        if names.is_empty() {
            let span = section.key_span("services").unwrap_or(section.span);
            return Err(section.problems.add(span, "this alert is for no service", HELP));
        }
        Ok(Some(names.into_iter().collect()))
    }

    fn service(&self, section: &Section<'_>, value: &DeValue<'_>) -> Result<Name, Fault> {
        let name = value::name(value)?;
        let Some(services) = self.services else {
            return Ok(name);
        };
        let mut known = services.iter().map(|service| service.name.as_str());
        if known.clone().any(|known| known == name.as_str()) {
            return Ok(name);
        }
        let near = nearest(section.problems, name.as_str(), &mut known);
        let help = near.map_or_else(|| "use the name of one in the file".to_owned(), did_you_mean);
        Err(Fault::new(format!("there is no [[service]] called {}", quoted(name.as_str())), help))
    }
}

fn occasions(section: &Section<'_>) -> Result<BTreeSet<Occasion>, Reported> {
    const HELP: &str = "write on = [\"down\", \"up\"]";
    let occasions = section.each("on", HELP, |value| value::word(value, &OCCASIONS))?;
    let occasions = occasions.unwrap_or_else(|| vec![Occasion::Down, Occasion::Up]);
    if occasions.is_empty() {
        let span = section.key_span("on").unwrap_or(section.span);
        return Err(section.problems.add(span, "this alert is for no occasion", HELP));
    }
    Ok(occasions.into_iter().collect())
}

fn after(section: &Section<'_>) -> Result<After, Reported> {
    let Some(value) = section.get("after") else {
        return Ok(After::default());
    };
    let Some(table) = Section::of(&AFTER, value, section.problems) else {
        return Ok(read(section.problems, value, simple_after)?.value);
    };
    let count = table.required("count", "add count = 3", |value| value::integer(value, 1..=After::MOST));
    let within = table.required("within", "add within = \"10m\"", interval);
    Ok(After::FailuresWithin(count?.value, within?.value))
}

fn simple_after(value: &DeValue<'_>) -> Result<After, Fault> {
    match value {
        DeValue::Integer(_) => Ok(After::Failures(value::integer(value, 1..=u32::MAX)?)),
        DeValue::String(_) => Ok(After::Time(value::duration(value)?)),
        other => Err(Fault::new(wrong_type("a number or a time", other), AFTER_HELP)),
    }
}

/// A time that is not shorter than the pace at which services are looked at.
fn interval(value: &DeValue<'_>) -> Result<Duration, Fault> {
    match value::duration(value)? {
        time if time < Duration::from_secs(1) => {
            Err(Fault::new("this is shorter than a second", "use \"1s\" to \"31d\""))
        }
        time => Ok(time),
    }
}

fn period(value: &DeValue<'_>) -> Result<Period, Fault> {
    const HELP: &str = "write it as mon does, for example \"wd {Mon-Fri} hr {9am-5pm}\"; \"none\" is never";
    Period::parse(value::text(value, HELP)?).map_err(|malformed| Fault::new(malformed.to_string(), HELP))
}

fn webhook(value: &DeValue<'_>) -> Result<Url, Fault> {
    const HELP: &str = "write a URL, for example \"https://alerts.example.com/lvsd\"";
    let text = value::text(value, HELP)?;
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(url),
        Ok(url) => Err(Fault::new(format!("{} is neither http nor https", quoted(url.scheme())), HELP)),
        Err(cause) => Err(Fault::new(format!("{} is not a URL: {cause}", quoted(text)), HELP)),
    }
}
