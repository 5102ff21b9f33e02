//! The file and its errors, as an operator meets them: `lvsd check`.
//!
//! Every `tests/config/bad/NAME.toml` has what is said about it beside it, in `NAME.stderr`; so have files in
//! `tests/config/good` with warnings. After a change that is meant, write those anew with
//! `UPDATE=1 cargo test --test config` and read the difference.

mod mutation;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn check(directory: &Path, file: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lvsd"))
        .arg("check")
        .arg(file)
        .current_dir(directory)
        .output()
        .expect("lvsd runs")
}

fn toml_files(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).expect("the directory is there");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("it can be listed").path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    assert!(!files.is_empty(), "{}", directory.display());
    files
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What stands beside a file about it, written anew if that is wanted; nothing if nothing does.
fn beside(path: &Path, said: &str) -> String {
    let golden = path.with_extension("stderr");
    if std::env::var_os("UPDATE").is_some() && !said.is_empty() {
        std::fs::write(&golden, said).expect("it can be written");
    }
    std::fs::read_to_string(&golden).unwrap_or_default()
}

#[test]
fn every_bad_file_is_refused_with_the_words_beside_it() {
    for path in toml_files(&root().join("tests/config/bad")) {
        let name = path.file_name().unwrap().to_str().unwrap();
        let output = check(path.parent().unwrap(), name);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{name}: {said}");
        assert_eq!(output.stdout, b"", "{name}");
        let expected = beside(&path, &said);
        assert!(said == expected, "{name} said:\n{said}\nnot:\n{expected}");
    }
}

#[test]
fn every_good_file_and_every_example_is_taken() {
    for directory in ["tests/config/good", "configs"] {
        for path in toml_files(&root().join(directory)) {
            let name = path.file_name().unwrap().to_str().unwrap();
            let output = check(path.parent().unwrap(), name);
            let said = String::from_utf8(output.stderr).unwrap();
            // Only where there are warnings.
            let expected = beside(&path, &said);
            assert_eq!((output.status.code(), said), (Some(0), expected), "{name}");
            let summary = String::from_utf8(output.stdout).unwrap();
            let (file, counts) = summary.trim_end().split_once(": ").unwrap();
            assert_eq!(file, name);
            assert!(counts.contains("service") && counts.contains("realserver"), "{summary}");
        }
    }
}

#[test]
fn what_is_no_file_of_ours_is_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(directory.path().join(name), bytes).unwrap();
    std::fs::create_dir(directory.path().join("directory")).unwrap();
    write("empty", b"");
    write("latin1", b"[[vip]]\nname = \"caf\xe9\"\n");
    write("huge", &vec![b'#'; 16 * 1024 * 1024 + 1]);
    write("binary", &[0x7f, b'E', b'L', b'F', 0, 1, 2, 3]);
    // (file, how the report begins)
    let table = [
        ("absent", "absent: cannot read the file: No such file or directory"),
        ("directory", "directory: cannot read the file: Is a directory"),
        ("empty", "empty: nothing is configured"),
        ("latin1", "latin1:2:12: this is not UTF-8"),
        ("huge", "huge: the file is larger than 16 MiB"),
        ("binary", "binary:1:1: "),
    ];
    for (name, beginning) in table {
        let output = check(directory.path(), name);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{name}");
        assert!(said.starts_with(beginning), "{name}: {said}");
        assert!(said.contains("help: "), "{name}: {said}");
    }
}

#[test]
fn the_reference_has_every_key_and_its_examples_are_right() {
    let reference = std::fs::read_to_string(root().join("docs/reference/configuration.md")).unwrap();
    let said = "tests/config/bad/unknown-key-in-every-table.stderr";
    let said = std::fs::read_to_string(root().join(said)).unwrap();
    let lists: Vec<&str> =
        said.lines().filter_map(|line| line.split_once("its keys: ")).map(|(_, keys)| keys).collect();
    assert_eq!(lists.len(), 19, "a table is missing: {said}");
    // Of "`a`, `b` and `c`", every second piece.
    for key in lists.iter().flat_map(|keys| keys.split('`').skip(1).step_by(2)) {
        assert!(
            reference.contains(&format!("| `{key}` |")) || reference.contains(&format!("[{key}]")),
            "{key}"
        );
    }

    let directory = tempfile::tempdir().unwrap();
    let blocks: Vec<&str> =
        reference.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(!blocks.is_empty());
    for block in blocks {
        std::fs::write(directory.path().join("block"), block).unwrap();
        let output = check(directory.path(), "block");
        assert!(output.status.success(), "{}\n{block}", String::from_utf8_lossy(&output.stderr));
    }
}
