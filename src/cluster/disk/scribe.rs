//! A thread that writes what it is given.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SendError, Sender};
use std::thread;
use std::time::Duration;

use nix::sys::eventfd::EventFd;

use crate::cluster::realtime;

/// How often a disk that refuses is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// Such a thread. Of what waits for it, only the latest is written: it says all that the others did.
#[derive(Debug)]
pub(in crate::cluster) struct Scribe<T> {
    orders: Sender<T>,
    pub(in crate::cluster) written: Receiver<io::Result<T>>,
}

impl<T: Send + 'static> Scribe<T> {
    /// Starts it. It rings the bell whenever something is written, and when the disk begins to refuse.
    pub(super) fn open(
        name: &str,
        bell: &Arc<EventFd>,
        write: impl Fn(&T) -> io::Result<()> + Send + 'static,
    ) -> io::Result<Self> {
        let (orders, inbox) = mpsc::channel();
        let (done, written) = mpsc::channel();
        let bell = Arc::clone(bell);
        thread::Builder::new().name(name.into()).spawn(move || {
            // The cluster waits for it; where that is not allowed, the cluster thread tells.
            let _ = realtime::go_first();
            let tell = |outcome| {
                let told = done.send(outcome);
                let _ = bell.write(1);
                told
            };
            while let Ok(first) = inbox.recv() {
                let order = inbox.try_iter().last().unwrap_or(first);
                if keep(order, &inbox, &write, tell).is_none() {
                    return;
                }
            }
        })?;
        Ok(Self { orders, written })
    }

    pub(in crate::cluster) fn write(&self, order: T) {
        // The thread lives as long as this.
        let _ = self.orders.send(order);
    }
}

/// Writes something, or what came after it, until the disk takes it. A failure is told once. Nothing if nobody listens.
fn keep<T>(
    mut order: T,
    inbox: &Receiver<T>,
    write: impl Fn(&T) -> io::Result<()>,
    tell: impl Fn(io::Result<T>) -> Result<(), SendError<io::Result<T>>>,
) -> Option<()> {
    let mut failed = false;
    loop {
        match write(&order) {
            Ok(()) => return tell(Ok(order)).ok(),
            Err(error) if !failed => tell(Err(error)).ok()?,
            Err(_) => {}
        }
        failed = true;
        match inbox.recv_timeout(RETRY) {
            Ok(newer) => order = inbox.try_iter().last().unwrap_or(newer),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn scribe(path: std::path::PathBuf) -> Scribe<u32> {
        let bell = Arc::new(EventFd::new().unwrap());
        Scribe::open("scribe", &bell, move |number: &u32| fs::write(&path, number.to_string())).unwrap()
    }

    #[test]
    fn what_the_disk_refuses_is_told_once_and_written_later() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("missing");
        let scribe = scribe(missing.join("file"));
        scribe.write(7);
        scribe.written.recv().unwrap().unwrap_err();
        fs::create_dir(&missing).unwrap();
        assert_eq!(scribe.written.recv_timeout(10 * RETRY).unwrap().unwrap(), 7);
    }

    #[test]
    fn everything_or_what_came_later_is_written_and_told() {
        let directory = tempfile::tempdir().unwrap();
        let scribe = scribe(directory.path().join("file"));
        (1..=20).for_each(|number| scribe.write(number));
        let told = std::iter::repeat_with(|| scribe.written.recv().unwrap().unwrap());
        assert!(told.take(20).any(|number| number == 20));
        assert_eq!(fs::read_to_string(directory.path().join("file")).unwrap(), "20");
    }
}
