//! The daemon: brings the director, the kernel thread, the control socket and the signals together.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

use crate::api::{self, Socket, View};
use crate::cluster::{self, Names, Plan};
use crate::config::Config;
use crate::director::{Director, Request, Surroundings, Watch};
use crate::events::{Events, Kind};
use crate::kernel::nftables::Nftables;
use crate::kernel::{self, Linux};
use crate::snat::Keeper;
use crate::state::Store;

/// How long the director may take to end, and answers to reach whoever asked.
const FAREWELL: Duration = Duration::from_secs(1);

/// How the daemon is to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it is spoken to.
    pub socket: PathBuf,
    /// Services of the file that somebody else made are taken over.
    pub adopt: bool,
    /// The node that it is; none is the one of the host's name.
    pub node: Option<String>,
}

/// Runs until SIGTERM, SIGINT or a release, or until the cluster thread fails. The kernel keeps what it has.
pub fn run(config: Config, options: &Options) -> anyhow::Result<()> {
    let Options { socket, adopt, node } = options;
    let node = node.clone().map_or_else(host_name, Ok)?;
    let directory = Store::default_directory();
    let store = Store::open(&directory)?;
    let plan = Plan::new(&config, &node)?;
    let warnings = plan.as_ref().map(Plan::warnings).unwrap_or_default();
    let node = plan.as_ref().map_or(node, |plan| plan.node().to_owned());
    let rules = Keeper::start(Nftables::default()).context("start the thread that keeps the rules")?;
    let prepare = |plan| cluster::prepare(plan, Names::of(&config), &directory, rules.rules.clone());
    let cluster = plan.map(prepare).transpose()?;
    let kernel = Linux::open()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("start the runtime")?;
    runtime.block_on(async {
        let socket = Socket::bind(socket).with_context(|| format!("listen at {}", socket.display()))?;
        let page = match config.status {
            Some(address) => {
                let listener = TcpListener::bind(address).await;
                Some(listener.with_context(|| format!("listen at {address} for the status page"))?)
            }
            None => None,
        };
        let (mut hangup, mut terminate, mut interrupt) = (
            signal(SignalKind::hangup())?,
            signal(SignalKind::terminate())?,
            signal(SignalKind::interrupt())?,
        );

        let events = Events::default();
        for warning in warnings {
            events.record(Kind::Warned, "keys", warning, "start");
        }
        let surroundings = Surroundings {
            store,
            kernel: kernel::start(kernel)?,
            events: events.clone(),
            watch: Watch::start().context("start the checks")?,
            node,
            adopt: *adopt,
            cluster,
            rules,
        };
        let handover = FAREWELL + Director::handover(&config);
        let director = Director::start(config, surroundings).await?;

        // Requests wait for the director one after another; whoever asks waits for the answer anyway.
        let (requests, inbox) = mpsc::channel(16);
        let view = View::new(director.snapshots(), events).asking(requests.clone());
        let (end, ended) = watch::channel(());
        let until_end = || {
            let mut ended = ended.clone();
            async move { while ended.changed().await.is_ok() {} }
        };
        let mut tasks = JoinSet::new();
        if let Some(listener) = page {
            tasks.spawn(api::show(listener, view.clone(), until_end()));
        }
        tasks.spawn(socket.serve(requests.clone(), view, until_end()));
        let director = tokio::spawn(director.run(inbox));
        tell_manager(&[sd_notify::NotifyState::Ready]);

        loop {
            tokio::select! {
                // The director ended by itself.
                () = requests.closed() => break,
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
                _ = hangup.recv() => {
                    // The verdict is in the log.
                    let (reply, _) = oneshot::channel();
                    drop(requests.try_send(Request::Reload { cut: false, reply }));
                }
            }
        }
        tell_manager(&[sd_notify::NotifyState::Stopping]);
        drop(tokio::time::timeout(FAREWELL, requests.send(Request::End)).await);
        drop(tokio::time::timeout(handover, requests.closed()).await);
        drop((end, requests));
        drop(tokio::time::timeout(FAREWELL, tasks.join_all()).await);
        // One that does not end in time is left behind.
        tokio::time::timeout(FAREWELL, director)
            .await
            .map_or(Ok(()), |ended| ended.context("the director")?)
    })
}

/// This machine's name, which is the director's if nothing else is said.
fn host_name() -> anyhow::Result<String> {
    let name = nix::unistd::gethostname().context("ask for the host name")?;
    Ok(name.to_string_lossy().into_owned())
}

fn tell_manager(states: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "cannot tell the service manager");
    }
}
