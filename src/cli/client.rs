//! The command line's talk with the daemon.

use std::io;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use reqwest::{Client, Method, RequestBuilder, Response};
use rustls::RootCertStore;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::api::{ReloadQuery, Verdict};
use crate::tls;

/// A daemon that can be asked.
pub(super) struct Daemon {
    client: Client,
}

impl Daemon {
    /// The daemon behind a socket; nothing is sent yet.
    pub(super) fn at(socket: &Path) -> anyhow::Result<Self> {
        // It speaks no TLS; without a word about it, reqwest would read the authorities of this machine.
        let tls = tls::client(RootCertStore::empty())?;
        let client = Client::builder().unix_socket(socket).tls_backend_preconfigured(tls).build();
        let client = client.context("set up the client")?;
        Ok(Self { client })
    }

    /// Reads something.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &impl Serialize,
    ) -> anyhow::Result<T> {
        let response = self.send(Method::GET, path, query).await?;
        response.json().await.context("the daemon's answer makes no sense")
    }

    /// Has something done.
    pub(super) async fn post(&self, path: &str, query: &impl Serialize) -> anyhow::Result<Verdict> {
        let response = self.send(Method::POST, path, query).await?;
        response.json().await.context("the daemon's answer makes no sense")
    }

    /// Reads something that the daemon may refuse.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &impl Serialize,
    ) -> anyhow::Result<T> {
        let response = self.send(Method::GET, path, query).await?;
        let done = response.status().is_success();
        let answer = response.bytes().await.context("the daemon's answer breaks off")?;
        let senseless = "the daemon's answer makes no sense";
        if done {
            return serde_json::from_slice(&answer).context(senseless);
        }
        bail!(serde_json::from_slice::<Verdict>(&answer).context(senseless)?.message)
    }

    /// Hands a text over.
    pub(super) async fn hand_over<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &impl Serialize,
        text: Vec<u8>,
    ) -> anyhow::Result<T> {
        let request = self.request(Method::POST, path, query).body(text);
        request.send().await?.json().await.context("the daemon's answer makes no sense")
    }

    async fn send(&self, method: Method, path: &str, query: &impl Serialize) -> anyhow::Result<Response> {
        Ok(self.request(method, path, query).send().await?)
    }

    fn request(&self, method: Method, path: &str, query: &impl Serialize) -> RequestBuilder {
        self.client.request(method, format!("http://lvsd{path}")).query(query)
    }
}

/// Runs one conversation with the daemon.
pub(super) fn converse<T>(
    socket: &Path,
    conversation: impl AsyncFnOnce(&Daemon) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("start the runtime")?;
    let outcome = runtime.block_on(async { conversation(&Daemon::at(socket)?).await });
    match outcome {
        Err(error) if is_absent(&error) => {
            bail!(
                "no daemon answers at {}; is `lvsd run` running? (--socket names another)",
                socket.display()
            )
        }
        outcome => outcome,
    }
}

/// Whether nobody listens, as against a daemon that failed to answer.
pub(super) fn is_absent(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| matches!(cause.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused))
}

/// Prints a verdict.
pub(super) fn tell(verdict: &Verdict) -> ExitCode {
    if verdict.done {
        println!("{}", verdict.message);
        ExitCode::SUCCESS
    } else {
        eprintln!("{}", verdict.message);
        ExitCode::FAILURE
    }
}

/// `lvsd reload`.
pub(super) fn reload(socket: &Path, now: bool) -> anyhow::Result<ExitCode> {
    let verdict = converse(socket, async |daemon| daemon.post("/v1/reload", &ReloadQuery { now }).await)?;
    Ok(tell(&verdict))
}
