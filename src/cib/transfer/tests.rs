//! Which moves are refused, and what is said of it.

use failover::core::{NodeState, View};
use failover::message::Unfit;

use crate::cib::sample::{TEXT, id, scene};

type Change = fn(&mut View);
const NO_CHANGE: Change = |_| {};

#[test]
fn a_move_that_would_come_to_nothing_is_refused_with_a_remedy() {
    let colocation = |score: &str| {
        format!("[[colocation]]\nid = \"it\"\nvip = \"mail\"\nwith = \"web\"\nscore = \"{score}\"\n")
    };
    let location = |vip: &str, score: &str| {
        format!(
            "[[location]]\nid = \"off\"\nvip = \"{vip}\"\nscore = \"{score}\"\n\
             all = [{{ attribute = \"#uname\", operation = \"eq\", value = \"b\" }}]\n"
        )
    };
    let everywhere = "[[location]]\nid = \"out\"\nvip = \"web\"\nscore = \"never\"\n";
    let order = "[[order]]\nid = \"it\"\nfirst = \"web\"\nthen = \"mail\"\n";
    let take_out = "out of the document (`lvsd cib query`, `lvsd cib replace`)";
    let failed = "[[failure]]\nvip = \"web\"\nnode = \"b\"\ncount = 3\n";
    // (name, what is added to the document, what else is so, the vip, the node, what is said)
    let table: [(&str, String, Change, &str, usize, Option<String>); 19] = [
        ("nothing is against it", String::new(), NO_CHANGE, "web", 1, None),
        ("it is there", String::new(), NO_CHANGE, "web", 0, None),
        ("a witness", String::new(), NO_CHANGE, "web", 2, Some("it is a witness".to_owned())),
        (
            "silence",
            String::new(),
            |view| view.nodes[1].state = NodeState::Dead,
            "web",
            1,
            Some("it is not heard".to_owned()),
        ),
        (
            "checks that know nothing",
            String::new(),
            |view| view.nodes[1].unfit = Some(Unfit::Checks),
            "web",
            1,
            Some("its checks do not know yet how the realservers are".to_owned()),
        ),
        (
            "another file",
            String::new(),
            |view| view.nodes[1].file = Some(8),
            "web",
            1,
            Some(
                "its file differs from that of most nodes; give all directors the same lvsd.toml".to_owned(),
            ),
        ),
        (
            "failures",
            failed.to_owned(),
            NO_CHANGE,
            "web",
            1,
            Some("it failed 3 times; say `lvsd vip cleanup web b` first".to_owned()),
        ),
        (
            "a vip to be with",
            colocation("always"),
            NO_CHANGE,
            "mail",
            1,
            Some(format!("web is not there (it); move web there, or take colocation it {take_out}")),
        ),
        ("where it is to be", colocation("always"), NO_CHANGE, "mail", 0, None),
        ("whoever is followed leads", colocation("always"), NO_CHANGE, "web", 1, None),
        (
            "a vip to be away from",
            colocation("never"),
            NO_CHANGE,
            "mail",
            0,
            Some(format!("apart from web (it); move web elsewhere first, or take colocation it {take_out}")),
        ),
        ("away from it", colocation("never"), NO_CHANGE, "mail", 1, None),
        (
            "a location",
            location("web", "never"),
            NO_CHANGE,
            "web",
            1,
            Some(format!("location off; take location off {take_out}")),
        ),
        ("a location of another", location("mail", "never"), NO_CHANGE, "web", 1, None),
        (
            "what only weighs",
            location("web", "never").replace("\"never\"", "-900"),
            NO_CHANGE,
            "web",
            1,
            None,
        ),
        (
            "a vip that it needs",
            format!("{everywhere}{order}"),
            NO_CHANGE,
            "mail",
            0,
            Some(format!("web is nowhere (it); see why web is nowhere, or take order it {take_out}")),
        ),
        ("that is somewhere", order.to_owned(), NO_CHANGE, "mail", 0, None),
        (
            "two of them",
            format!("{failed}{}", location("web", "never")),
            NO_CHANGE,
            "web",
            1,
            Some(format!(
                "it failed 3 times, location off; say `lvsd vip cleanup web b` first; take location off {take_out}"
            )),
        ),
        (
            "a vip that is none",
            String::new(),
            NO_CHANGE,
            "news",
            1,
            Some(
                "the document in force does not declare it; give all directors the same lvsd.toml".to_owned(),
            ),
        ),
    ];
    for (name, more, change, vip, node, expected) in table {
        let scene = scene(&format!("{TEXT}\n{more}"), change);
        assert_eq!(scene.refuses(vip, id(node)), expected, "{name}");
    }
    let standby = scene(&TEXT.replace("name = \"b\"\n", "name = \"b\"\nstandby = true\n"), NO_CHANGE);
    let expected = "it is in standby; say `lvsd node online b` first";
    assert_eq!(standby.refuses("web", id(1)).as_deref(), Some(expected));
    let avoids = scene(&TEXT.replace("{ a = 200 }", "{ a = 200, b = \"never\" }"), NO_CHANGE);
    let expected = "the file says \"never\"; change `prefer` of web in it";
    assert_eq!(avoids.refuses("web", id(1)).as_deref(), Some(expected));
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
