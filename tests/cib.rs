//! `lvsd cib` on files, as an operator meets it: no daemon is asked.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// A document of two directors and a witness.
const GOOD: &str = include_str!("../src/cib/sample.toml");

fn lvsd(directory: &Path, arguments: &[&str], input: &[u8]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lvsd"));
    command.current_dir(directory).args(["--socket", "no-daemon", "cib"]).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("lvsd runs");
    // Whoever reads no standard input closes it.
    let _ = child.stdin.take().expect("a pipe").write_all(input);
    let Output { status, stdout, stderr } = child.wait_with_output().expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("it is text");
    (status.code(), text(stdout), text(stderr))
}

fn whole(inside: &str) -> String {
    format!(
        "<cib admin_epoch=\"0\" epoch=\"1\" num_updates=\"0\"><configuration><crm_config/>\n<nodes>\
         <node id=\"a\" uname=\"a\" type=\"normal\"/></nodes>\n{inside}<constraints/></configuration><status/></cib>\n"
    )
}

#[test]
fn a_file_is_looked_at_and_what_is_wrong_is_told_with_its_place() {
    let directory = tempfile::tempdir().expect("there is room");
    let write =
        |name: &str, text: &[u8]| fs::write(directory.path().join(name), text).expect("there is room");
    let move_to = |node: &str| format!("{GOOD}\n[[move]]\nvip = \"web\"\nnode = \"{node}\"\n");
    write("good.toml", GOOD.as_bytes());
    write("even.toml", GOOD.replace("[[node]]\nname = \"b\"\n\n", "").as_bytes());
    write("unknown.toml", move_to("x").as_bytes());
    write("typo.toml", GOOD.replace("version", "vresion").as_bytes());
    write("large.toml", "#".repeat(10 << 20).as_bytes());
    write("good.xml", whole("<resources/>\n").as_bytes());
    write("dtd.xml", format!("<!DOCTYPE cib [<!ENTITY a \"b\">]>\n{}", whole("<resources/>")).as_bytes());
    write("entity.xml", whole("<resources>&a;</resources>\n").as_bytes());
    write("element.xml", whole("<resources/>\n<fencing/>\n").as_bytes());
    write("slash.xml", whole("<resources>\n<resources>\n").as_bytes());
    write("part.xml", b"<node id=\"a\" uname=\"a\" type=\"normal\"/>\n");
    write("large.xml", format!("{}{}", whole("<resources/>"), " ".repeat(10 << 20)).as_bytes());

    // (arguments, exit status, on standard output, part of standard error)
    let table: [(&[&str], i32, &str, &str); 14] = [
        (&["good.toml"], 0, "good.toml: version 0.5.0, 3 nodes, 2 vips, 0 constraints, 0 moves\n", ""),
        (
            &["even.toml"],
            0,
            "even.toml: version 0.5.0, 2 nodes, 2 vips, 0 constraints, 0 moves\n",
            "even.toml: warning[even-voters] nodes: 2 voters",
        ),
        (
            &["unknown.toml"],
            1,
            "",
            "unknown.toml: error[unknown-node] move of web: there is no node called \"x\"; the directors are a, b\n",
        ),
        (&["typo.toml"], 1, "", "typo.toml: error: line 1: "),
        (&["large.toml"], 1, "", "large.toml: error: "),
        (&["nowhere.toml"], 1, "", "lvsd: read nowhere.toml: No such file"),
        (&["good.xml", "--xml"], 0, "good.xml: version 0.1.0, 1 node, 0 vips, 0 constraints, 0 moves\n", ""),
        (&["dtd.xml", "--xml"], 1, "", "dtd.xml: error: line 1: "),
        (&["entity.xml", "--xml"], 1, "", "entity.xml: error: line 3: "),
        (&["element.xml", "--xml"], 1, "", "element.xml: error: line 4: "),
        (
            &["slash.xml", "--xml"],
            0,
            "slash.xml: version 0.1.0, 1 node, 0 vips, 0 constraints, 0 moves\n",
            "slash.xml: mended 1 x: a closing tag has lost its slash (line 4)\n",
        ),
        (
            &["slash.xml", "--xml", "--strict"],
            1,
            "",
            "slash.xml: error: line 4: a closing tag has lost its slash",
        ),
        (&["part.xml", "--xml"], 0, "", "part.xml: a part of a document"),
        (&["large.xml", "--xml"], 1, "", "large.xml: error: "),
    ];
    for (arguments, status, said, part) in table {
        let arguments = [&["verify"], arguments].concat();
        let (code, stdout, stderr) = lvsd(directory.path(), &arguments, b"");
        assert_eq!((code, stdout.as_str()), (Some(status), said), "{arguments:?}: {stderr}");
        assert!(stderr.contains(part) && stderr.is_empty() == part.is_empty(), "{arguments:?}: {stderr}");
    }
    let (code, stdout, _) = lvsd(directory.path(), &["verify", "-"], GOOD.as_bytes());
    assert_eq!(code, Some(0));
    assert_eq!(stdout, "standard input: version 0.5.0, 3 nodes, 2 vips, 0 constraints, 0 moves\n");
}

#[test]
fn two_files_are_compared() {
    let directory = tempfile::tempdir().expect("there is room");
    let write = |name: &str, text: &str| fs::write(directory.path().join(name), text).expect("there is room");
    write("old", GOOD);
    write("new", &GOOD.replace("name = \"a\"", "name = \"a\"\nstandby = true"));
    write("bad", "what");
    // (arguments, exit status, on standard output)
    let table: [(&[&str], i32, &str); 4] = [
        (&["diff", "old", "old"], 0, ""),
        (&["diff", "old", "new"], 1, "~ node a: standby = false -> true\n"),
        (&["diff", "new", "old"], 1, "~ node a: standby = true -> false\n"),
        (&["diff", "old", "bad"], 1, ""),
    ];
    for (arguments, status, said) in table {
        let (code, stdout, stderr) = lvsd(directory.path(), arguments, b"");
        assert_eq!((code, stdout.as_str()), (Some(status), said), "{arguments:?}: {stderr}");
        assert_eq!(stderr.is_empty(), arguments[2] != "bad", "{stderr}");
    }
}

#[test]
fn the_one_in_force_is_for_a_daemon_to_tell() {
    let directory = tempfile::tempdir().expect("there is room");
    fs::write(directory.path().join("new"), GOOD).expect("there is room");
    for arguments in [&["query"][..], &["verify"], &["diff", "new"], &["replace", "new"]] {
        let (code, stdout, stderr) = lvsd(directory.path(), arguments, b"");
        assert_eq!((code, stdout.as_str()), (Some(1), ""));
        assert!(stderr.contains("no daemon answers at no-daemon"), "{arguments:?}: {stderr}");
    }
}
