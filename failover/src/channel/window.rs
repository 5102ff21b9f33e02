//! Which numbers came already.

/// Takes each number once. It remembers the highest and the 63 below it; what is older counts as taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Window {
    highest: Option<u64>,
    /// The lowest bit is for the highest number.
    taken: u64,
}

impl Window {
    pub(super) fn take(&mut self, number: u64) -> bool {
        let ahead = match self.highest {
            None => Some(0),
            Some(highest) => number.checked_sub(highest).filter(|&ahead| ahead > 0),
        };
        if let Some(ahead) = ahead {
            self.taken = shifted(self.taken, ahead) | 1;
            self.highest = Some(number);
            return true;
        }
        let bit = shifted(1, self.highest.unwrap_or_default() - number);
        let new = bit != 0 && self.taken & bit == 0;
        self.taken |= bit;
        new
    }
}

/// The bits moved up; those beyond the last one are lost.
fn shifted(bits: u64, by: u64) -> u64 {
    u32::try_from(by).ok().and_then(|by| bits.checked_shl(by)).unwrap_or(0)
}
