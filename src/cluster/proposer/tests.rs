use std::sync::mpsc::sync_channel;
use std::thread;

use failover::core::View;
use failover::message::Term;

use super::*;
use crate::cib::sample::{TEXT, scene};

/// A proposer to a cluster that says this of a document that is to replace the one of that version; the cluster listens
/// as long as the other half is there.
pub(crate) fn proposer(
    report: watch::Receiver<Arc<Report>>,
    cluster: impl Fn(Version, &Document) -> Result<Version, Declined> + Send + 'static,
) -> (Proposer, Arc<SyncSender<Command>>) {
    let (commands, orders) = sync_channel(1);
    let commands = Arc::new(commands);
    thread::spawn(move || {
        while let Ok(command) = orders.recv() {
            if let Command::Propose { base, document, reply } = command {
                let _ = reply.send(cluster(base, &document));
            }
        }
    });
    let bell = Arc::new(EventFd::new().unwrap());
    (Proposer { commands: Arc::downgrade(&commands), bell, report }, commands)
}

/// The sample, in its next version, with a node in standby.
fn standby() -> Document {
    let text = TEXT.replace("name = \"a\"\n", "name = \"a\"\nstandby = true\n").replace("0.5.0", "0.6.0");
    Document::read(Term(7), text.as_bytes()).unwrap()
}

#[tokio::test]
async fn nothing_to_change_in_a_document_that_is_not_the_latest_is_changed_in_the_latest() {
    let (reports, report) = watch::channel(scene(TEXT, |_: &mut View| {}).report);
    let latest = standby();
    let (mut proposer, _commands) = proposer(report, move |base, document| {
        if base == latest.version() {
            assert!(document.cib().standby.is_empty());
            return Ok(document.version());
        }
        reports.send_modify(|report| Arc::make_mut(report).view.document = latest.clone());
        Err(Declined::Conflict(latest.version()))
    });
    let online = |cib: &mut Cib| {
        cib.standby.remove("a");
    };
    let version = proposer.edit(online).await;
    assert_eq!(version.unwrap(), "0.7.0".parse().unwrap());
}

#[tokio::test]
async fn nothing_to_change_in_the_latest_document_leaves_it_as_it_is() {
    let (_reports, report) = watch::channel(scene(TEXT, |_: &mut View| {}).report);
    let committed = report.borrow().view.document.clone();
    let digest = committed.digest();
    let (mut proposer, _commands) = proposer(report, move |_, document| {
        assert_eq!(document.digest(), digest);
        Ok(document.version())
    });
    assert_eq!(proposer.edit(|_| {}).await.unwrap(), committed.version());
}
