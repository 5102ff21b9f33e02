//! Which moves are refused, and what is said of it.

use failover::core::{NodeState, View};
use failover::message::Unfit;

use crate::cib::sample::{TEXT, id, scene};

const TAKE_OUT: &str = "out of the document (`lvsd cib query`, `lvsd cib replace`)";

#[test]
fn a_move_to_a_node_that_cannot_have_it_is_refused() {
    type Row = (&'static str, fn(&mut View), &'static str, usize, Option<&'static str>);
    // (name, what is so, the vip, the node, what is said)
    let table: [Row; 7] = [
        ("nothing is against it", |_| {}, "web", 1, None),
        ("it is there", |_| {}, "web", 0, None),
        ("a witness", |_| {}, "web", 2, Some("it is a witness")),
        ("silence", |view| view.nodes[1].state = NodeState::Dead, "web", 1, Some("it is not heard")),
        (
            "checks that know nothing",
            |view| view.nodes[1].unfit = Some(Unfit::Checks),
            "web",
            1,
            Some("its checks do not know yet how the realservers are"),
        ),
        (
            "another file",
            |view| view.nodes[1].file = Some(8),
            "web",
            1,
            Some("its file differs from that of most nodes; give all directors the same lvsd.toml"),
        ),
        (
            "a vip that is none",
            |_| {},
            "news",
            1,
            Some("the document in force does not declare it; give all directors the same lvsd.toml"),
        ),
    ];
    for (name, change, vip, node, expected) in table {
        assert_eq!(scene(TEXT, change).refuses(vip, id(node)).as_deref(), expected, "{name}");
    }
}

#[test]
fn a_move_that_the_document_forbids_is_refused_with_a_remedy() {
    let with_web =
        |score| format!("[[colocation]]\nid = \"it\"\nvip = \"mail\"\nwith = \"web\"\nscore = \"{score}\"\n");
    let at_b = "all = [{ attribute = \"#uname\", operation = \"eq\", value = \"b\" }]\n";
    let off = |vip, score| format!("[[location]]\nid = \"off\"\nvip = \"{vip}\"\nscore = {score}\n{at_b}");
    let never = "\"never\"";
    let nowhere = "[[location]]\nid = \"out\"\nvip = \"web\"\nscore = \"never\"\n";
    let order = "[[order]]\nid = \"it\"\nfirst = \"web\"\nthen = \"mail\"\n";
    let failed = "[[failure]]\nvip = \"web\"\nnode = \"b\"\ncount = 3\n";
    // (name, what is added to the document, the vip, the node, what is said before the way out)
    let table = [
        (
            "a vip to be with",
            with_web("always"),
            "mail",
            1,
            Some("web is not there (it); move web there, or take colocation it "),
        ),
        ("where that is", with_web("always"), "mail", 0, None),
        ("whoever is followed leads", with_web("always"), "web", 1, None),
        (
            "a vip to be away from",
            with_web("never"),
            "mail",
            0,
            Some("apart from web (it); move web elsewhere first, or take colocation it "),
        ),
        ("away from it", with_web("never"), "mail", 1, None),
        ("a location", off("web", never), "web", 1, Some("location off; take location off ")),
        ("a location of another", off("mail", never), "web", 1, None),
        ("what only weighs", off("web", "-900"), "web", 1, None),
        (
            "a vip that it needs",
            format!("{nowhere}{order}"),
            "mail",
            0,
            Some("web is nowhere (it); see why web is nowhere, or take order it "),
        ),
        ("that is somewhere", order.to_owned(), "mail", 0, None),
        (
            "two of them",
            format!("{failed}{}", off("web", never)),
            "web",
            1,
            Some("it failed 3 times, location off; say `lvsd vip cleanup web b` first; take location off "),
        ),
    ];
    for (name, more, vip, node, expected) in table {
        let told = scene(&format!("{TEXT}\n{more}"), |_| {}).refuses(vip, id(node));
        assert_eq!(told, expected.map(|expected| format!("{expected}{TAKE_OUT}")), "{name}");
    }
    // (what is replaced, by what, what is said)
    let table = [
        (
            "name = \"b\"\n",
            "name = \"b\"\nstandby = true\n",
            "it is in standby; say `lvsd node online b` first",
        ),
        ("{ a = 200 }", "{ b = \"never\" }", "the file says \"never\"; change `prefer` of web in it"),
    ];
    for (from, to, expected) in table {
        let scene = scene(&TEXT.replace(from, to), |_| {});
        assert_eq!(scene.refuses("web", id(1)).as_deref(), Some(expected));
    }
}

#[test]
fn elsewhere_is_the_best_of_the_others() {
    let director = TEXT.replace("role = \"witness\"\n", "");
    let spread = |text: &str| text.replace("{ a = 200 }", "{ a = 200, b = -5 }");
    let moved = format!("{TEXT}\n[[move]]\nvip = \"web\"\nnode = \"a\"\n");
    let apart = "\n[[colocation]]\nid = \"it\"\nvip = \"web\"\nwith = \"mail\"\nscore = \"never\"\n";
    // (name, document, where web would go)
    let table = [
        ("the only other director", TEXT.to_owned(), Ok(id(1))),
        ("whatever it was moved to", moved, Ok(id(1))),
        ("the one with fewer vips", director.clone(), Ok(id(1))),
        ("the one that it does not avoid", spread(&director), Ok(id(2))),
        ("the one that no constraint forbids", format!("{director}{apart}"), Ok(id(2))),
        (
            "none",
            format!("{TEXT}{apart}"),
            Err("no other director can have it (b: apart from mail (it); c: is a witness)".to_owned()),
        ),
    ];
    for (name, text, expected) in table {
        assert_eq!(scene(&text, |_| {}).elsewhere("web"), expected, "{name}");
    }
}
