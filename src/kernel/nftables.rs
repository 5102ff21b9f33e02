//! nftables, by its program: scripts go in, and what the kernel holds comes out. Notices say when to look.

mod notices;
mod program;
#[cfg(test)]
mod tests;

use std::os::fd::{AsFd, BorrowedFd};

use crate::snat::{Present, Rule, Stale, TABLE, Table, Touched, listed, script};
use notices::Notices;

pub use program::{Error, is_installed};

/// The table of the network namespace in which this was opened.
#[derive(Debug, Default)]
pub struct Nftables {
    /// Nothing while this kernel has not loaded what could tell: then there is no table either.
    notices: Option<Notices>,
}

impl Nftables {
    /// Starts to listen for changes, in the network namespace of the calling thread.
    fn listen(&mut self) {
        if self.notices.is_none() {
            self.notices = Notices::open().ok();
        }
    }
}

/// What the kernel holds of the table now.
pub fn read() -> Result<Vec<Present>, Error> {
    let [family, name] = TABLE.split(' ').collect::<Vec<_>>().try_into().unwrap_or(["inet", TABLE]);
    match program::run(&["list", "table", family, name], "") {
        Ok(text) => Ok(listed(&text)),
        Err(Error::Refused(why)) if why.contains("No such file or directory") => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

impl Table for Nftables {
    fn read(&mut self) -> Result<Vec<Present>, Error> {
        self.listen();
        read()
    }

    fn replace(&mut self, rules: &[Rule]) -> Result<(), Error> {
        self.listen();
        program::run(&["-f", "-"], &script(rules)).map(drop)
    }

    fn forget(&mut self, stale: &Stale) -> Result<usize, String> {
        super::conntrack::forget(stale)
    }

    fn touched(&mut self) -> Result<Touched, String> {
        let drained = self.notices.as_mut().map(Notices::drain).transpose();
        let touched = drained.map_err(|error| format!("hear of changes of nftables: {error}"))?;
        Ok(touched.unwrap_or(Touched::No))
    }

    fn notices(&self) -> Option<BorrowedFd<'_>> {
        self.notices.as_ref().map(AsFd::as_fd)
    }
}
