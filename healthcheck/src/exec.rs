//! A program as a monitor, in the manner of mon's.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use crate::child::{Program, run};
use crate::{Code, Exec, Outcome};

/// Asks the program about a host. It takes one of the slots, and the wait for it is part of the timeout.
///
/// The detail is how the program ended and the first line that it wrote, which mon calls the summary.
pub async fn check(exec: &Exec, host: IpAddr, timeout: Duration, slots: &Semaphore) -> Outcome {
    let start = Instant::now();
    let mut arguments = exec.arguments.clone();
    arguments.extend(exec.append_host.then(|| host.to_string()));
    let program =
        Program { path: &exec.program, arguments: &arguments, environment: &exec.environment, input: &[] };
    let run = run(program, timeout, slots).await;
    let code = if run.end.is_success() { Code::ExecOk } else { Code::ExecFail };
    let output = String::from_utf8_lossy(&run.output);
    let detail = match output.trim().lines().next() {
        Some(summary) => format!("{}: {summary}", run.end),
        None => run.end.to_string(),
    };
    Outcome::new(code, detail, start.elapsed())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `script` makes of 192.0.2.10.
    async fn asked(script: &str, append_host: bool, slots: usize) -> Outcome {
        let exec = Exec {
            program: "/bin/sh".into(),
            arguments: vec!["-c".to_owned(), script.to_owned(), "monitor".to_owned(), "-p".to_owned()],
            append_host,
            environment: vec![("MON_SERVICE".to_owned(), "http".to_owned())],
        };
        // Long where the answer does not depend on it.
        let timeout = Duration::from_secs(if slots == 0 || script.contains("sleep") { 1 } else { 60 });
        check(&exec, [192, 0, 2, 10].into(), timeout, &Semaphore::new(slots)).await
    }

    #[tokio::test]
    async fn a_monitor_gets_what_mon_gives_and_its_end_and_first_line_are_the_outcome() {
        use Code::{ExecFail, ExecOk};
        // (script, host appended, slots, code, detail)
        let table = [
            ("exit 0", true, 1, ExecOk, "exit status 0"),
            ("echo \"$*\"", true, 1, ExecOk, "exit status 0: -p 192.0.2.10"),
            ("echo \"$*\"", false, 1, ExecOk, "exit status 0: -p"),
            ("echo $MON_SERVICE", true, 1, ExecOk, "exit status 0: http"),
            ("echo web1; echo refused; exit 2", true, 1, ExecFail, "exit status 2: web1"),
            ("echo web1 >&2; exit 1", true, 1, ExecFail, "exit status 1: web1"),
            ("kill -9 $$", true, 1, ExecFail, "killed by signal 9"),
            ("exec sleep 600", true, 1, ExecFail, "did not end within 1s"),
            ("exit 0", true, 0, ExecFail, "no free slot for 1s"),
        ];
        for (script, append_host, slots, code, detail) in table {
            let outcome = asked(script, append_host, slots).await;
            assert_eq!((outcome.code, outcome.detail.as_str()), (code, detail), "{script}");
        }
    }
}
