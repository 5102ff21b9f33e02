//! The document that rules the cluster, on the control socket.

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use failover::cib::Version;
use failover::cib::xml::{Dialect, MAX_BYTES};
use serde::{Deserialize, Serialize};
use serde_with::{DisplayFromStr, serde_as};

use super::{Control, Verdict};
use crate::cib::{Draft, Explanation, Objection, Source};
use crate::director::{Desk, Request};

/// How a document is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// As lvsd does.
    #[default]
    Toml,
    /// As Heartbeat 2 does.
    Heartbeat,
    /// As today's Pacemaker does.
    Pacemaker,
}

/// How the document is to be written.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FormQuery {
    /// The form.
    pub form: Form,
}

/// The document in force, as this director knows it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Committed {
    /// Whether there is a majority with a DC; without one, a later document may be in force elsewhere.
    pub quorate: bool,
    /// How many hosts are pinged.
    pub ping_hosts: u32,
    /// Which times of the director's file do not fit together, and what mends it.
    #[serde(default)]
    pub timing: Vec<String>,
    /// Its text.
    pub text: String,
}

/// How a document is to take the place of the one in force.
#[serde_as]
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReplaceQuery {
    /// What it is written in.
    pub source: Source,
    /// Only say what would come of it.
    pub dry_run: bool,
    /// Vips may be nowhere for it.
    pub force: bool,
    /// The version that it is to replace, if only that.
    #[serde_as(as = "Option<DisplayFromStr>")]
    pub if_version: Option<Version>,
}

/// What came of it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Replaced {
    /// Whether it was done, or would be.
    pub done: bool,
    /// What was done, or why not.
    pub message: String,
    /// What was mended, what was not taken, and what hardly anybody means.
    #[serde(default)]
    pub told: Vec<String>,
    /// What it changes, and what moves.
    #[serde(default)]
    pub preview: Vec<String>,
}

/// What is to be explained.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExplainQuery {
    /// This vip only.
    pub vip: Option<String>,
    /// As if this node went.
    pub without: Option<String>,
}

pub(super) fn router() -> Router<Control> {
    Router::new()
        .route("/v1/cib", get(query).post(replace))
        .route("/v1/vip/explain", get(explain))
        .layer(DefaultBodyLimit::max(MAX_BYTES + 1))
}

async fn query(State(control): State<Control>, Query(FormQuery { form }): Query<FormQuery>) -> Response {
    let Desk { scene, timing, .. } = match control.request(|reply| Request::Desk { reply }).await {
        Ok(desk) => desk,
        Err(no) => return no.into_response(),
    };
    let written = |dialect| scene.committed().to_xml(&scene.status(), dialect);
    let text = match form {
        Form::Toml => scene.view().document.text().to_owned(),
        Form::Heartbeat => written(Dialect::Heartbeat),
        Form::Pacemaker => written(Dialect::Pacemaker),
    };
    let timing = timing.iter().map(ToString::to_string).collect();
    Json(Committed { quorate: scene.view().quorate, ping_hosts: scene.ping_hosts, timing, text })
        .into_response()
}

async fn explain(State(control): State<Control>, Query(query): Query<ExplainQuery>) -> Response {
    let desk = match control.request(|reply| Request::Desk { reply }).await {
        Ok(desk) => desk,
        Err(no) => return no.into_response(),
    };
    match explanations(&desk, &query) {
        Ok(explanations) => Json(explanations).into_response(),
        Err(message) => (StatusCode::CONFLICT, Json(Verdict { done: false, message })).into_response(),
    }
}

fn explanations(desk: &Desk, query: &ExplainQuery) -> Result<Vec<Explanation>, String> {
    let scene = match &query.without {
        None => desk.scene.clone(),
        Some(name) => match desk.names.node_named(name) {
            Some(node) => desk.scene.without(node),
            None => return Err(unknown("node", name, desk.names.nodes().iter().map(String::as_str))),
        },
    };
    let all = scene.explain();
    let Some(name) = &query.vip else { return Ok(all) };
    match all.iter().find(|explanation| explanation.vip == *name) {
        Some(one) => Ok(vec![one.clone()]),
        None => Err(unknown("vip", name, all.iter().map(|one| one.vip.as_str()))),
    }
}

fn unknown<'a>(what: &str, name: &str, present: impl Iterator<Item = &'a str>) -> String {
    format!("there is no {what} {name:?}; there is {}", present.collect::<Vec<_>>().join(", "))
}

async fn replace(State(control): State<Control>, Query(query): Query<ReplaceQuery>, text: Bytes) -> Response {
    let desk = match control.request(|reply| Request::Desk { reply }).await {
        Ok(desk) => desk,
        Err(no) => return no.into_response(),
    };
    let (scene, source, expected) = (desk.scene.clone(), query.source, query.if_version);
    // A large text takes its time.
    let drafted = tokio::task::spawn_blocking(move || scene.draft(&text, source, expected)).await;
    let replaced = match drafted {
        Ok(Ok(draft)) => carry_out(desk, draft, &query).await,
        Ok(Err(objection)) => refused(objection.to_string()),
        Err(error) => refused(format!("the text could not be looked at: {error}")),
    };
    let status = if replaced.done { StatusCode::OK } else { StatusCode::CONFLICT };
    (status, Json(replaced)).into_response()
}

fn refused(message: String) -> Replaced {
    Replaced { done: false, message, told: Vec::new(), preview: Vec::new() }
}

async fn carry_out(desk: Desk, draft: Draft, query: &ReplaceQuery) -> Replaced {
    let outcome = if !draft.outage.is_empty() && !query.force {
        Err(Objection::Outage(draft.outage.clone()).to_string())
    } else if draft.is_idle() {
        Ok(format!("nothing differs: the document stays {}", draft.base))
    } else if query.dry_run {
        Ok(format!(
            "nothing is done: without --dry-run, the document would be {} instead of {}",
            draft.cib.version, draft.base
        ))
    } else {
        let replaced = desk.replace(&draft).await;
        replaced.map(|version| format!("the document is {version} now")).map_err(|why| why.to_string())
    };
    let preview = [draft.changes, draft.moves, draft.outage].concat();
    let (done, message) = match outcome {
        Ok(message) => (true, message),
        Err(message) => (false, message),
    };
    Replaced { done, message, told: draft.told, preview }
}
