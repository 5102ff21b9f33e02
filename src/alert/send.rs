//! Delivering messages: programs are run, webhooks are called, and the caller waits for neither.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use healthcheck::child::{self, Program};
use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::convention::{Payload, arguments, environment, input};
use super::message::Delivery;
use super::queue::{Lane, Queue};
use crate::config::{Action, Occasion};
use crate::tls;

/// How many messages wait, at most.
const CAPACITY: usize = 1000;

/// How many deliveries go on at once, at most.
const AT_ONCE: usize = 8;

/// How long a program may take.
const PROGRAM_TIMEOUT: Duration = Duration::from_secs(60);

/// How long one call of a webhook may take.
const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(10);

/// How long to wait before a webhook is tried again.
const BACK_OFF: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];

/// A message that did not reach anybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undelivered {
    /// Whom it was for: a program, or the host of a webhook.
    pub recipient: String,
    /// What it was about.
    pub occasion: Occasion,
    /// The service.
    pub service: String,
    /// Why it was not delivered.
    pub why: String,
}

impl fmt::Display for Undelivered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { recipient, occasion, service, why } = self;
        write!(f, "{recipient} was not told that {service} is {}: {why}", occasion.name())
    }
}

/// Delivers messages in the background, those of one service to one recipient in their order.
///
/// When it is dropped, what is under way is given up.
pub struct Sender {
    shared: Arc<Shared>,
    // Held for its end: a set ends its tasks when it is dropped.
    _tasks: JoinSet<()>,
}

struct Shared {
    node: String,
    queue: Queue,
    client: Client,
    slots: Semaphore,
    dropped: AtomicU64,
    report: Box<dyn Fn(Undelivered) + Send + Sync>,
}

impl Sender {
    /// Starts delivering, within a tokio runtime. `report` hears of every message that was not delivered.
    pub fn start(
        node: impl Into<String>,
        report: impl Fn(Undelivered) + Send + Sync + 'static,
    ) -> anyhow::Result<Self> {
        let client = Client::builder()
            .tls_backend_preconfigured(tls::client(tls::authorities())?)
            .timeout(WEBHOOK_TIMEOUT)
            .redirect(Policy::none())
            .user_agent(concat!("lvsd/", env!("CARGO_PKG_VERSION")))
            .build()
            .context("set up the client for webhooks")?;
        let shared = Arc::new(Shared {
            node: node.into(),
            queue: Queue::new(CAPACITY),
            client,
            slots: Semaphore::new(AT_ONCE),
            dropped: AtomicU64::new(0),
            report: Box::new(report),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(dispatch(Arc::clone(&shared)));
        Ok(Self { shared, _tasks: tasks })
    }

    /// Takes a message. If too many wait, the oldest one is dropped, counted and reported.
    pub fn send(&self, delivery: Delivery) {
        if let Some(oldest) = self.shared.queue.push(delivery) {
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
            self.shared.report(&oldest, format!("more than {CAPACITY} messages waited"));
        }
    }

    /// How many messages were dropped because too many waited.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }
}

async fn dispatch(shared: Arc<Shared>) {
    let mut busy = HashSet::new();
    let mut running = JoinSet::new();
    loop {
        tokio::select! {
            delivery = shared.queue.next(&busy), if running.len() < AT_ONCE => {
                let lane = Lane::of(&delivery);
                busy.insert(lane.clone());
                let shared = Arc::clone(&shared);
                running.spawn(async move {
                    shared.deliver(&delivery).await;
                    lane
                });
            }
            Some(ended) = running.join_next() => {
                // No delivery panics; if one did, its lane would stay closed.
                if let Ok(lane) = ended {
                    busy.remove(&lane);
                }
            }
        }
    }
}

impl Shared {
    async fn deliver(&self, delivery: &Delivery) {
        let result = match &delivery.alert.action {
            Action::Program { path, arguments: own } => {
                let message = &delivery.message;
                let arguments = arguments(&delivery.alert, message, own);
                let (environment, input) = (environment(message), input(message));
                let program = Program {
                    path,
                    arguments: &arguments,
                    environment: &environment,
                    input: input.as_bytes(),
                };
                run(program, &self.slots).await
            }
            Action::Webhook(url) => self.post(url, &Payload::new(&self.node, &delivery.message)).await,
        };
        if let Err(why) = result {
            self.report(delivery, why);
        }
    }

    async fn post(&self, url: &Url, payload: &Payload<'_>) -> Result<(), String> {
        let mut pauses = BACK_OFF.into_iter();
        loop {
            let why = match self.client.post(url.clone()).json(payload).send().await {
                Ok(response) if response.status().is_success() => return Ok(()),
                Ok(response) => format!("it answered {}", response.status()),
                // Its address may be all that keeps a webhook secret.
                Err(error) => format!("{:#}", anyhow::Error::from(error.without_url())),
            };
            match pauses.next() {
                Some(pause) => sleep(pause).await,
                None => return Err(why),
            }
        }
    }

    fn report(&self, delivery: &Delivery, why: String) {
        let recipient = match &delivery.alert.action {
            Action::Program { path, .. } => path.display().to_string(),
            Action::Webhook(url) => format!("the webhook at {}", url.host_str().unwrap_or_default()),
        };
        let (occasion, service) = (delivery.message.occasion, delivery.message.service.clone());
        (self.report)(Undelivered { recipient, occasion, service, why });
    }
}

async fn run(program: Program<'_>, slots: &Semaphore) -> Result<(), String> {
    let run = child::run(program, PROGRAM_TIMEOUT, slots).await;
    if run.end.is_success() {
        return Ok(());
    }
    match String::from_utf8_lossy(&run.output).trim().lines().next() {
        Some(line) => Err(format!("{}: {line:?}", run.end)),
        None => Err(run.end.to_string()),
    }
}
