//! Where vips go under another document.

use failover::cib::Cib;
use failover::core::View;

use crate::cib::sample::{TEXT, id, scene};

#[test]
fn the_document_decides_and_vips_follow_each_other() {
    // (what is added, where web and mail would be)
    let table = [
        ("", [Some(0), Some(1)]),
        (
            "[[colocation]]\nid = \"together\"\nvip = \"mail\"\nwith = \"web\"\nscore = \"always\"\n",
            [Some(0), Some(0)],
        ),
        ("[[location]]\nid = \"away\"\nvip = \"web\"\nscore = \"never\"\nall = []\n", [None, Some(1)]),
        (
            "[[location]]\nid = \"away\"\nvip = \"web\"\nscore = \"never\"\nall = []\n\
             [[order]]\nid = \"it\"\nfirst = \"web\"\nthen = \"mail\"\n",
            [None, None],
        ),
        (
            "[[location]]\nid = \"pinged\"\nvip = \"web\"\nscore = 500\n\
             all = [{ attribute = \"#uname\", operation = \"eq\", value = \"b\" }]\n",
            [Some(1), Some(1)],
        ),
    ];
    for (more, expected) in table {
        let text = format!("{TEXT}\n{more}");
        let cib = Cib::read(text.as_bytes()).unwrap();
        let then: Vec<_> = scene(TEXT, |_| {}).forecast(&cib).iter().map(|it| it.then).collect();
        assert_eq!(then, expected.map(|place| place.map(id)), "{more}");
    }
}

#[test]
fn whose_file_counts_is_as_the_dc_counts() {
    type Change = fn(&mut View);
    let others_differ: Change = |view| {
        (view.leader, view.nodes[1].file, view.nodes[2].file) = (Some(id(1)), Some(8), None);
    };
    let deaf: Change = |view| {
        (view.nodes[0].file, view.nodes[2].hears) = (Some(8), [id(1), id(2)].into_iter().collect());
    };
    // (name, what is so, who may take mail over from b)
    let table = [
        ("all have one", (|_| {}) as Change, Some("a")),
        ("of two, the DC's", others_differ, None),
        ("of two, what one had that does not hear the DC", deaf, None),
    ];
    for (name, change, taker) in table {
        let prospects = scene(TEXT, change).forecast(&Cib::read(TEXT.as_bytes()).unwrap());
        let able = prospects[1].chances.iter().filter(|chance| chance.obstacle.is_none());
        let able: Vec<&str> = able.map(|chance| chance.name.as_str()).collect();
        assert_eq!(able, taker.into_iter().chain(["b"]).collect::<Vec<_>>(), "{name}");
    }
}
