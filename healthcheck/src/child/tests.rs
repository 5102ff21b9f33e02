use std::path::PathBuf;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;
use tokio::sync::Semaphore;
use tokio::time::sleep;

use super::{MAX_OUTPUT, Program, Run, run};

/// Where the result does not depend on it.
const LONG: Duration = Duration::from_secs(60);

async fn shell(script: &str, input: &[u8], within: Duration) -> Run {
    let arguments = ["-c".to_owned(), script.to_owned()];
    let environment = [("NAME".to_owned(), "value".to_owned())];
    let program =
        Program { path: "/bin/sh".as_ref(), arguments: &arguments, environment: &environment, input };
    run(program, within, &Semaphore::new(1)).await
}

/// Waits until a process is gone or nothing but an exit status of it is left.
async fn is_gone(process: i32) -> bool {
    for _ in 0..600 {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        let zombie = stat.rsplit_once(')').is_some_and(|(_, rest)| rest.starts_with(" Z"));
        if zombie || kill(Pid::from_raw(process), None) == Err(Errno::ESRCH) {
            return true;
        }
        sleep(Duration::from_millis(100)).await;
    }
    false
}

#[tokio::test]
async fn the_output_is_merged_and_the_end_is_told() {
    // (script, standard input, end, output)
    let table = [
        ("echo out; echo err >&2; echo out", "", "exit status 0", "out\nerr\nout\n"),
        ("exit 7", "", "exit status 7", ""),
        ("echo before; kill -TERM $$", "", "killed by signal 15", "before\n"),
        ("cat", "given", "exit status 0", "given"),
        ("cat", "", "exit status 0", ""),
        ("readlink /proc/self/fd/0", "", "exit status 0", "/dev/null\n"),
        (
            "tr '\\0' '\\n' < /proc/$$/environ | sort",
            "",
            "exit status 0",
            &format!("NAME=value\nPATH={}\n", super::SEARCH_PATH),
        ),
        // Three, and the one that `ls` reads the directory with.
        ("ls /proc/self/fd", "", "exit status 0", "0\n1\n2\n3\n"),
        ("ps -o pgid= -p $$ | tr -d ' ' | grep -qx $$ && echo own group", "", "exit status 0", "own group\n"),
    ];
    for (script, input, end, output) in table {
        let run = shell(script, input.as_bytes(), LONG).await;
        assert_eq!(
            (run.end.to_string().as_str(), str::from_utf8(&run.output)),
            (end, Ok(output)),
            "{script}"
        );
    }
}

#[tokio::test]
async fn input_that_nobody_reads_is_no_failure() {
    let run = shell("exec 0<&-; echo done", &vec![b'x'; 1 << 20], LONG).await;
    assert!(run.end.is_success(), "{}", run.end);
    assert_eq!(run.output, b"done\n");
}

#[tokio::test]
async fn a_flood_is_drained_and_its_beginning_kept() {
    let run = shell("head -c 3000000 /dev/zero; echo end", b"", LONG).await;
    assert!(run.end.is_success(), "{}", run.end);
    assert_eq!(run.output, vec![0; MAX_OUTPUT]);
}

#[tokio::test]
async fn what_cannot_be_started_says_why() {
    let programs = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/child/programs");
    let table = [
        ("absent", "could not be started: No such file or directory (os error 2)"),
        ("not-executable", "could not be started: Permission denied (os error 13)"),
        ("without-shebang", "could not be started: Exec format error (os error 8)"),
    ];
    for (name, end) in table {
        let path = programs.join(name);
        let program = Program { path: &path, arguments: &[], environment: &[], input: &[] };
        assert_eq!(run(program, LONG, &Semaphore::new(1)).await.end.to_string(), end, "{name}");
    }
}

#[tokio::test]
async fn nothing_of_a_hung_program_is_left_after_the_deadline() {
    let script = "trap '' TERM; (trap '' TERM; exec sleep 600) & echo $! $$; wait; sleep 600";
    let run = shell(script, b"", Duration::from_secs(2)).await;
    assert_eq!(run.end.to_string(), "did not end within 2s");
    let output = String::from_utf8(run.output).unwrap();
    let processes: Vec<i32> = output.split_whitespace().map(|it| it.parse().unwrap()).collect();
    assert_eq!(processes.len(), 2, "{output}");
    for process in processes {
        assert!(is_gone(process).await, "{process}");
    }
}

#[tokio::test]
async fn a_program_may_tidy_up_when_it_is_asked_to_end() {
    let run = shell("trap 'echo tidy; exit 0' TERM; sleep 600 & wait", b"", Duration::from_secs(2)).await;
    assert_eq!(run.end.to_string(), "did not end within 2s");
    assert_eq!(run.output, b"tidy\n");
}

#[tokio::test]
async fn what_a_program_leaves_running_ends_with_its_time_and_does_not_change_its_end() {
    let run = shell("sleep 600 & echo $!; exit 3", b"", Duration::from_secs(2)).await;
    assert_eq!(run.end.to_string(), "exit status 3");
    let process = String::from_utf8(run.output).unwrap().trim().parse().unwrap();
    assert!(is_gone(process).await);
}

#[tokio::test]
async fn dropping_the_run_kills_the_group() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("processes");
    let script =
        format!("trap '' TERM; sleep 600 & echo $! $$ > {0}.new; mv {0}.new {0}; wait", path.display());
    let processes = async {
        loop {
            if let Ok(processes) = std::fs::read_to_string(&path) {
                break processes;
            }
            sleep(Duration::from_millis(10)).await;
        }
    };
    let processes = tokio::select! {
        run = shell(&script, b"", LONG) => panic!("{run:?}"),
        processes = processes => processes,
    };
    for process in processes.split_whitespace() {
        assert!(is_gone(process.parse().unwrap()).await, "{process}");
    }
}

#[tokio::test]
async fn no_more_run_at_once_than_there_are_slots() {
    let slots = Semaphore::new(1);
    let arguments = ["-c".to_owned(), "exec sleep 600".to_owned()];
    let hung = Program { path: "/bin/sh".as_ref(), arguments: &arguments, environment: &[], input: &[] };
    let within = Duration::from_secs(1);
    let (first, second) = tokio::join!(run(hung, within * 2, &slots), run(hung, within, &slots));
    assert_eq!(first.end.to_string(), "did not end within 2s");
    assert_eq!(second.end.to_string(), "no free slot for 1s");
    assert_eq!(slots.available_permits(), 1);
}
