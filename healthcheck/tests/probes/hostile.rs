//! Servers that say anything.

use std::time::Duration;

use healthcheck::{Check, Code, Dns, Http, Kit, Smtp, Statuses, Tls, Trust, Udp};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Runtime;

use crate::server::{accept, answer};
use crate::{contains, monitor};

fn tls() -> Tls {
    Tls { server_name: None, trust: Trust::Anybody }
}

fn http(tls: Option<Tls>) -> Check {
    let statuses = Statuses(vec![100..=599]);
    Check::Http(Box::new(Http {
        tls,
        statuses,
        body: Some(contains("no such thing")),
        ..crate::http::http()
    }))
}

/// What a server may begin with before it goes astray.
fn beginning() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "220 x\r\n250-",
        "\u{16}\u{3}\u{3}\u{0}\u{40}\u{2}\u{0}\u{0}\u{3c}",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_a_server_says_is_a_failure_with_a_name(beginning in beginning(), noise: Vec<u8>) {
        let said = [beginning.as_bytes(), &noise].concat();
        let smtp = Check::Smtp(Smtp { hello: "director.example".to_owned() });
        let streams = [http(None), http(Some(tls())), Check::Tls(tls()), smtp];
        let udp = Check::Udp(Udp { payload: Vec::new(), reply: Some(contains("no such thing")) });
        let dns = Check::Dns(Dns { name: "www.example".to_owned(), record: (1, "A"), address: None });
        Runtime::new().unwrap().block_on(async {
            let datagram = said.clone();
            let datagrams = answer(move |_| vec![datagram.clone()]).await;
            let stream = accept("127.0.0.1:0", move |mut connection| {
                let said = said.clone();
                async move {
                    let _ = connection.write_all(&said).await;
                    let _ = connection.shutdown().await;
                    while connection.read(&mut [0; 512]).await.is_ok_and(|length| length > 0) {}
                }
            })
            .await;
            let kit = Kit::new(8);
            let asked = streams.into_iter().map(|it| (stream, it));
            for (target, check) in asked.chain([(datagrams, udp), (datagrams, dns)]) {
                // Another query's answer is waited for in vain.
                let timeout = Duration::from_millis(if matches!(check, Check::Dns(_)) { 50 } else { 60_000 });
                let outcome = kit.probe(target, &monitor(check.clone(), timeout), |_| {}).await;
                let named = [Code::L6Response, Code::L7Response, Code::L7Status, Code::L7Timeout];
                assert!(named.contains(&outcome.code), "{check:?}: {outcome:?}");
                assert!(!outcome.detail.is_empty(), "{check:?}: {outcome:?}");
            }
        });
    }
}
