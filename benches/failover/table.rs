//! What was seen, for people.

use std::time::Duration;

use crate::Figures;
use crate::asker::Interruption;
use crate::daemon::Timing;

pub(crate) fn print(timing: &Timing, ours: &Figures, theirs: &Figures) {
    println!(
        "heartbeat {:?}, deadtime {:?}         lvsd                      keepalived                ratio",
        timing.heartbeat, timing.deadtime
    );
    interruptions("cut off", &ours.cut, &theirs.cut, "not longer than keepalived's");
    interruptions("stopped", &ours.stop, &theirs.stop, "at most 50 ms");
    let requests =
        |it: &Figures| format!("{} of {}", it.requests.failed, it.requests.answered + it.requests.failed);
    row("stopped: requests failed", &requests(ours), &requests(theirs), "", "0");
    pair("two owners, of 8 s (s)", ours.twice.as_secs_f64(), theirs.twice.as_secs_f64(), "0");
    pair("heartbeats (bytes/s)", ours.bytes, theirs.bytes, "");
    pair("CPU at idle (% of one)", 100.0 * ours.busy, 100.0 * theirs.busy, "");
    println!();
}

fn interruptions(what: &str, ours: &[Interruption], theirs: &[Interruption], bar: &str) {
    let gaps = |all: &[Interruption]| sorted(all.iter().map(|it| it.gap));
    let (our_gaps, their_gaps) = (gaps(ours), gaps(theirs));
    let ratio = median(&our_gaps) / median(&their_gaps);
    row(&format!("{what}: gap (ms)"), &spread(&our_gaps), &spread(&their_gaps), &format!("{ratio:.2}"), bar);
    let lost = |all: &[Interruption]| {
        let sum = |count: fn(&Interruption) -> usize| all.iter().map(count).sum::<usize>();
        format!("{}, {} outside the gap", sum(|it| it.lost), sum(|it| it.stray))
    };
    row(&format!("{what}: datagrams lost"), &lost(ours), &lost(theirs), "", "");
}

fn sorted(gaps: impl Iterator<Item = Duration>) -> Vec<f64> {
    let mut gaps: Vec<f64> = gaps.map(|gap| 1e3 * gap.as_secs_f64()).collect();
    gaps.sort_by(f64::total_cmp);
    gaps
}

fn median(sorted: &[f64]) -> f64 {
    sorted[sorted.len() / 2]
}

fn spread(sorted: &[f64]) -> String {
    format!("{:.0} ({:.0}..{:.0})", median(sorted), sorted[0], sorted[sorted.len() - 1])
}

fn pair(what: &str, ours: f64, theirs: f64, bar: &str) {
    let ratio = if theirs > 0.0 { format!("{:.2}", ours / theirs) } else { String::new() };
    row(what, &format!("{ours:.2}"), &format!("{theirs:.2}"), &ratio, bar);
}

fn row(what: &str, ours: &str, theirs: &str, ratio: &str, bar: &str) {
    let bar = if bar.is_empty() { String::new() } else { format!("  (bar: {bar})") };
    println!("  {what:<26}  {ours:<24}  {theirs:<24}  {ratio:>5}{bar}");
}
