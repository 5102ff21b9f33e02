//! A table made of values.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex, MutexGuard};

use nix::sys::eventfd::EventFd;

use super::{Present, Rule, Stale, Table, Touched};
use crate::kernel::nftables::Error;

/// A clone is the same table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fake {
    world: Arc<Mutex<World>>,
    notices: Option<Arc<EventFd>>,
}

/// What there is.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) present: Vec<Present>,
    /// Why nothing can be written.
    pub(crate) refuses: Option<String>,
    /// There is no program.
    pub(crate) missing: bool,
    pub(crate) writes: usize,
    /// What was to be forgotten, each time.
    pub(crate) stale: Vec<Stale>,
    pub(crate) touched: Touched,
}

impl Fake {
    /// One that always has a notice, so that its thread never rests.
    pub(crate) fn restless() -> Self {
        Self { notices: Some(Arc::new(EventFd::from_value(1).unwrap())), ..Self::default() }
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }
}

impl Table for Fake {
    fn read(&mut self) -> Result<Vec<Present>, Error> {
        let world = self.world();
        if world.missing { Err(Error::Missing) } else { Ok(world.present.clone()) }
    }

    fn replace(&mut self, rules: &[Rule]) -> Result<(), Error> {
        let mut world = self.world();
        if world.missing {
            return Err(Error::Missing);
        }
        if let Some(why) = &world.refuses {
            return Err(Error::Refused(why.clone()));
        }
        world.writes += 1;
        world.present = rules.iter().map(Present::from).collect();
        Ok(())
    }

    fn forget(&mut self, stale: &Stale) -> Result<usize, String> {
        self.world().stale.push(stale.clone());
        Ok(1)
    }

    fn touched(&mut self) -> Result<Touched, String> {
        Ok(std::mem::take(&mut self.world().touched))
    }

    fn notices(&self) -> Option<BorrowedFd<'_>> {
        self.notices.as_ref().map(|notices| notices.as_fd())
    }
}
