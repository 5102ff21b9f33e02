//! Whether somebody changed the IPVS table. IPVS notifies nobody, and reading a large table costs much.
//!
//! Where the kernel lets us, it notes every return from two of its functions, through which all changes go, by
//! netlink or by socket option, in memory that is shared with us: a look costs no system call. There is a ring for
//! each CPU, and they see all network namespaces: a change elsewhere costs one needless look. Elsewhere
//! (`CAP_PERFMON` missing, a kernel without kprobes, other function names) the text of `/proc/net/ip_vs` is
//! compared; it shows neither thresholds nor tunnels, which the regular audit then finds.

use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::io::{self, BufRead, BufReader};

use perf_event::events::KProbe;
use perf_event::{Builder, Sampler};

/// Through these functions of `net/netfilter/ipvs/ip_vs_ctl.c` the table is changed.
const WRITERS: [&str; 2] = ["ip_vs_genl_set_cmd", "do_ip_vs_set_ctl"];

/// Bytes of a ring; a note takes 8. What does not fit is noted as lost.
const RING: usize = 1 << 16;

/// `PERF_RECORD_SAMPLE` of the kernel's `include/uapi/linux/perf_event.h`: one return from one of the functions.
const SAMPLE: u32 = 9;

/// What any other note counts (lost notes, a throttled probe): more than there will ever be commands.
const UNCERTAIN: u64 = 1 << 40;

/// Detects changes of the table.
pub(super) enum Changes {
    /// Reads what the kernel notes.
    Noted {
        /// The notes, by CPU and function.
        rings: Vec<Sampler>,
        /// How many there have been.
        count: u64,
    },
    /// Compares what the kernel prints.
    Compared,
}

/// A moment to compare with a later one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark(u64);

impl Mark {
    /// The mark after `commands` of our own, if nobody else does anything.
    pub(super) fn after(self, changes: &Changes, commands: u64) -> Option<Self> {
        match changes {
            Changes::Noted { .. } => Some(Self(self.0.wrapping_add(commands))),
            Changes::Compared => None,
        }
    }
}

impl Changes {
    /// Takes the cheapest way that this kernel offers.
    pub(super) fn open() -> Self {
        match rings() {
            Ok(rings) => Self::Noted { rings, count: 0 },
            Err(error) => {
                tracing::info!(%error, "the kernel does not note IPVS commands; comparing /proc/net/ip_vs instead");
                Self::Compared
            }
        }
    }

    /// The present moment.
    pub(super) fn mark(&mut self) -> io::Result<Mark> {
        match self {
            Self::Noted { rings, count } => {
                for ring in rings {
                    while let Some(note) = ring.next_record() {
                        *count = count.wrapping_add(if note.ty() == SAMPLE { 1 } else { UNCERTAIN });
                    }
                }
                Ok(Mark(*count))
            }
            Self::Compared => digest().map(Mark),
        }
    }
}

fn rings() -> io::Result<Vec<Sampler>> {
    let mut rings = Vec::new();
    for cpu in online_cpus()? {
        for function in WRITERS {
            let probe = KProbe::retprobe(function, 0)?;
            let mut event = Builder::new(probe);
            let mut ring =
                event.any_pid().one_cpu(cpu).include_kernel().sample_period(1).build()?.sampled(RING)?;
            ring.as_counter_mut().enable()?;
            rings.push(ring);
        }
    }
    Ok(rings)
}

fn online_cpus() -> io::Result<Vec<usize>> {
    let text = fs::read_to_string("/sys/devices/system/cpu/online")?;
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.parse().ok()?..=last.parse().ok()?)
    };
    let ranges: Option<Vec<_>> = text.trim().split(',').map(range).collect();
    Ok(ranges.ok_or(io::ErrorKind::InvalidData)?.into_iter().flatten().collect())
}

/// A digest of the table's text without the connection counts, which are the last two columns of a destination.
fn digest() -> io::Result<u64> {
    let mut hasher = DefaultHasher::new();
    let mut table = BufReader::with_capacity(1 << 16, fs::File::open("/proc/thread-self/net/ip_vs")?);
    let mut line = Vec::new();
    while table.read_until(b'\n', &mut line)? > 0 {
        hasher.write(without_counts(&line));
        line.clear();
    }
    Ok(hasher.finish())
}

fn without_counts(line: &[u8]) -> &[u8] {
    let mut rest = line;
    if rest.starts_with(b"  -> ") {
        for _ in 0..2 {
            rest = rest.trim_ascii_end();
            let column = rest.iter().rposition(u8::is_ascii_whitespace).unwrap_or(0);
            rest = rest.split_at(column).0;
        }
    }
    rest.trim_ascii_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connection_counts_are_no_change() {
        let idle = b"  -> C0A847DC:0050      Masq    1      0          0         \n";
        let busy = b"  -> C0A847DC:0050      Masq    1      12         345       \n";
        let heavier = b"  -> C0A847DC:0050      Masq    2      0          0         \n";
        assert_eq!(without_counts(idle), without_counts(busy));
        assert_ne!(without_counts(idle), without_counts(heavier));
    }

    #[test]
    fn services_and_odd_lines_are_taken_whole() {
        for line in [&b"TCP  C0A847CD:0050 rr persistent 300 FFFFFFFF"[..], b"", b"\n", b"  -> ", b"  ->"] {
            assert_eq!(without_counts(line), if line == b"  -> " { b"" } else { line.trim_ascii_end() });
        }
    }
}
