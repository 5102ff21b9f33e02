//! The document in an operator's hands: read, edited, tried, replaced, and explained.

use std::fs;

use super::farm::{CLUSTER, Farm, NAMES, VIPS, config};
use crate::patience::until;

/// What a director says to a command, and whether it did it.
fn lvsd(farm: &Farm, index: usize, arguments: &[&str]) -> (bool, String, String) {
    let output = farm.directors[index].lvsd(arguments.iter().copied());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

/// The document that a director reads.
fn query(farm: &Farm, index: usize) -> String {
    let (done, text, complaint) = lvsd(farm, index, &["cib", "query"]);
    assert!(done, "{complaint}");
    text
}

#[test]
fn an_operator_edits_the_document_and_knows_before_what_moves() {
    let mut farm = Farm::alone();
    farm.start();
    farm.until_settled();
    until("all read the same", || query(&farm, 0) == query(&farm, 1) && query(&farm, 1) == query(&farm, 2));
    let before = query(&farm, 0);
    let version = before.split('"').nth(1).expect("a version").to_owned();
    let file = farm.nodes[1].directory().join("cib.toml");
    let file = file.to_str().expect("a path");

    // What is declared is for the file to say.
    fs::write(file, before.replace("192.168.71.205/24", "192.168.71.206/24")).expect("a file");
    let (done, _, complaint) = lvsd(&farm, 1, &["cib", "replace", file]);
    assert!(!done && complaint.contains("declared by lvsd.toml"), "{complaint}");

    // A location moves the vip; first it is only said.
    let location = format!(
        "\n[[location]]\nid = \"away\"\nvip = \"web\"\nscore = 500\n\
         all = [{{ attribute = \"#uname\", operation = \"eq\", value = \"{}\" }}]\n",
        NAMES[1]
    );
    fs::write(file, before.clone() + &location).expect("a file");
    let moves = format!("this would move web from {} to {}, because", NAMES[0], NAMES[1]);
    let (done, preview, complaint) = lvsd(&farm, 1, &["cib", "replace", file, "--dry-run"]);
    assert!(done && preview.contains(&moves), "{preview}{complaint}");
    assert_eq!(query(&farm, 1), before);
    assert!(farm.carries(0));
    let (done, preview, complaint) = lvsd(&farm, 1, &["cib", "replace", file, "--if-version", &version]);
    assert!(done && preview.contains(&moves), "{preview}{complaint}");
    farm.until_owner(1);
    until("all read it", || (0..3).all(|index| query(&farm, index).contains("id = \"away\"")));

    // Whoever edits what is no longer in force is told so.
    let (done, _, complaint) = lvsd(&farm, 2, &["cib", "replace", file, "--if-version", &version]);
    assert!(!done && complaint.contains(&format!("not {version}")), "{complaint}");
    let (done, _, complaint) = lvsd(&farm, 2, &["cib", "replace", file]);
    assert!(!done && complaint.contains("made from an earlier one"), "{complaint}");
    let (_, changes, _) = lvsd(&farm, 2, &["cib", "diff", file]);
    assert!(changes.contains("document: version"), "{changes}");

    // Why it is there, and where it would go.
    until("the sentence follows", || {
        let (_, said, _) = lvsd(&farm, 2, &["vip", "explain", "web"]);
        said.starts_with(&format!(
            "web is at {}, because {} is worth 500 (location away 500",
            NAMES[1], NAMES[1]
        ))
    });
    let (_, said, _) = lvsd(&farm, 2, &["vip", "explain", "--without", NAMES[1]]);
    let expected = format!("without {}, web moves from {} to {}, because", NAMES[1], NAMES[1], NAMES[0]);
    assert!(said.starts_with(&expected), "{said}");

    // What is written as XML comes back as the same document.
    let (done, xml, _) = lvsd(&farm, 0, &["cib", "query", "--xml"]);
    assert!(done && xml.contains("<status>"), "{xml}");
    fs::write(file, &xml).expect("a file");
    let (done, preview, complaint) = lvsd(&farm, 1, &["cib", "replace", file, "--xml", "--dry-run"]);
    assert!(done && preview.contains("nothing differs: the document stays"), "{preview}{complaint}");
    let (done, changes, complaint) = lvsd(&farm, 1, &["cib", "diff", file, "--xml"]);
    assert!(done && changes.is_empty(), "{changes}{complaint}");

    // A minority reads, and does not write.
    farm.cut_off(0);
    until("it knows itself alone", || !farm.status(0).cluster.expect("a cluster").quorate);
    let (done, text, complaint) = lvsd(&farm, 0, &["cib", "query"]);
    assert!(done && text.contains("id = \"away\"") && complaint.contains("no quorum"), "{complaint}");
    fs::write(file, text.replacen("score = 500", "score = 600", 1)).expect("a file");
    let (done, _, complaint) = lvsd(&farm, 0, &["cib", "replace", file]);
    assert!(!done && complaint.contains("cannot change it"), "{complaint}");
    farm.reconnect(0);
}

#[test]
fn a_move_that_a_constraint_forbids_is_refused_at_once_and_changes_nothing() {
    let mut farm = Farm::alone();
    let mail = "[[vip]]\nname = \"mail\"\naddresses = [\"192.168.71.206/24\"]\ninterface = \"eth0\"\n\
                prefer = { litsha21 = 200 }\n";
    farm.start_with(&config(CLUSTER, &format!("{VIPS}{mail}")));
    farm.until_settled();
    until("both vips are declared", || query(&farm, 1).contains("name = \"mail\""));
    let file = farm.nodes[1].directory().join("cib.toml");
    let file = file.to_str().expect("a path");
    let constraint =
        "\n[[colocation]]\nid = \"together\"\nvip = \"mail\"\nwith = \"web\"\nscore = \"always\"\n";
    fs::write(file, query(&farm, 1) + constraint).expect("a file");
    let (done, _, complaint) = lvsd(&farm, 1, &["cib", "replace", file]);
    assert!(done, "{complaint}");
    let places = |index: usize| {
        let vips = farm.status(index).vips;
        vips.into_iter().map(|vip| vip.owner).collect::<Vec<_>>()
    };
    let both_at = |index: usize| vec![Some(NAMES[index].to_owned()); 2];
    until("both are at one director", || (0..3).all(|index| places(index) == both_at(0)));
    until("all read it", || (0..3).all(|index| query(&farm, index) == query(&farm, 1)));

    let before = query(&farm, 2);
    let (done, _, complaint) = lvsd(&farm, 2, &["vip", "move", "mail", NAMES[1]]);
    let expected = format!(
        "vip mail cannot go to {}: web is not there (together); move web there, or take colocation together",
        NAMES[1]
    );
    assert!(!done && complaint.contains(&expected), "{complaint}");
    let (done, _, complaint) = lvsd(&farm, 2, &["vip", "move", "mail"]);
    assert!(!done && complaint.contains("web is not there (together)"), "{complaint}");
    assert_eq!(query(&farm, 2), before);

    // What it says helps.
    let (done, _, complaint) = lvsd(&farm, 2, &["vip", "move", "web", NAMES[1]]);
    assert!(done, "{complaint}");
    until("both follow", || (0..3).all(|index| places(index) == both_at(1)));
}
