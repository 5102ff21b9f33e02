//! SMTP greetings.

use healthcheck::{Check, Code, Smtp};

use crate::closed_port;
use crate::server::Deed::{Drip, Flood, Hang, Hear, Reset, Say};
use crate::server::{Script, accept, serve};

fn smtp() -> Check {
    Check::Smtp(Smtp { hello: "director.example".to_owned() })
}

#[tokio::test]
async fn a_greeting_is_heard_and_returned() {
    // (name, script, code, detail)
    let cases: [(_, Script, _, _); 16] = [
        (
            "all well",
            &[Say("220 mail.example\r\n"), Hear, Say("250-hi\r\n250 HELP\r\n"), Hear, Say("221 bye\r\n")],
            Code::L7Ok,
            "220 mail.example",
        ),
        (
            "greeting of several lines",
            &[Say("220-welcome\r\n220 mail.example\r\n"), Hear, Say("250 hi\r\n"), Hear],
            Code::L7Ok,
            "220 mail.example",
        ),
        (
            "only HELO",
            &[Say("220 old\r\n"), Hear, Say("500 what?\r\n"), Hear, Say("250 hi\r\n"), Hear],
            Code::L7Ok,
            "220 old",
        ),
        ("bare line feeds", &[Say("220 x\n"), Hear, Say("250 hi\n"), Hear], Code::L7Ok, "220 x"),
        ("no service", &[Say("554 go away\r\n")], Code::L7Status, "greeting refused: 554 go away"),
        (
            "hello refused for now",
            &[Say("220 x\r\n"), Hear, Say("421 later\r\n")],
            Code::L7Status,
            "hello refused: 421 later",
        ),
        (
            "hello refused twice",
            &[Say("220 x\r\n"), Hear, Say("550 no\r\n"), Hear, Say("550 never\r\n")],
            Code::L7Status,
            "hello refused: 550 never",
        ),
        ("not SMTP", &[Say("SSH-2.0-x\r\n")], Code::L7Response, "not SMTP: SSH-2.0-x"),
        ("closed", &[], Code::L7Response, "closed inside a reply"),
        ("closed inside a line", &[Say("220 mail")], Code::L7Response, "closed inside a reply"),
        ("reset", &[Say("220 x\r\n"), Hear, Reset], Code::L7Response, "connection reset by peer"),
        ("line without end", &[Flood("220 ")], Code::L7Response, "line without end"),
        ("reply without end", &[Flood("220-more\r\n")], Code::L7Response, "reply without end"),
        ("silence", &[Hang], Code::L7Timeout, "no greeting within 700ms"),
        (
            "silence after the greeting",
            &[Say("220 x\r\n"), Hang],
            Code::L7Timeout,
            "no greeting within 700ms",
        ),
        ("drip", &[Drip("220-hello\r\n")], Code::L7Timeout, "no greeting within 700ms"),
    ];
    for (name, script, code, detail) in cases {
        let outcome = crate::check(serve(script).await, smtp(), code).await;
        assert_eq!((outcome.code, outcome.detail.as_str()), (code, detail), "{name}");
    }
    assert_eq!(crate::check(closed_port(), smtp(), Code::L4Connection).await.code, Code::L4Connection);
}

#[tokio::test]
async fn a_hello_is_one_line() {
    let check = Check::Smtp(Smtp { hello: "x\r\nMAIL FROM:<x>".to_owned() });
    let target = accept("127.0.0.1:0", |_| async { panic!("must not be asked") }).await;
    assert_eq!(crate::check(target, check, Code::L7Response).await.code, Code::L7Response);
}
