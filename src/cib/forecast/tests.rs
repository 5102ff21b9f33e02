//! Where vips go under another document.

use failover::cib::Cib;

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
