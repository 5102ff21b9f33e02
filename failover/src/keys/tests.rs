use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::*;

fn node(index: usize) -> NodeId {
    NodeId::new(index).unwrap()
}

fn numbers(ring: &KeyRing) -> Vec<u8> {
    ring.keys().iter().map(Key::number).collect()
}

#[test]
fn files_that_are_taken() {
    // name, file, the key that signs, all keys
    let cases: &[(&str, &str, u8, &[u8])] = &[
        ("one key", "auth 1\n1 sha256 secret", 1, &[1]),
        ("Heartbeat's own example", "auth 1\n1 sha1 HI!\n", 1, &[1]),
        ("the key before `auth`", "2 sha1 old\n15 sha256 new\nauth 15\n", 15, &[2, 15]),
        ("several numbers", "auth 2 1\n1 sha1 old\n2 sha256 new\n", 2, &[1, 2]),
        ("comments and blanks", "# keys\n\n \t# more\n  auth\t1 \r\n\t1  sha256   secret \r\n", 1, &[1]),
    ];
    for (name, text, signer, all) in cases {
        let ring = KeyRing::parse(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(ring.signer().number(), *signer, "{name}");
        assert_eq!(numbers(&ring), *all, "{name}");
    }
}

#[test]
fn a_secret_is_all_to_the_end_of_the_line() {
    let ring = KeyRing::parse("auth 1\n1 sha256   two words # and more \t\r\n").unwrap();
    assert_eq!(ring.signer().secret, "two words # and more");
    assert_eq!(ring.signer().method, Method::Sha256);
}

#[test]
fn every_refusal_names_the_line_and_the_remedy() {
    // name, file, refusal
    let cases: &[(&str, &str, &str)] = &[
        ("nothing", "", "line 1: nothing says which key signs; write `auth NUMBER`"),
        ("no auth", "# keys\n\n1 sha256 hidden", "line 3: nothing says which key signs; write `auth NUMBER`"),
        ("auth of nothing", "auth\n1 sha256 hidden", "line 1: a key has a number from 1 to 15; write one"),
        ("auth of a word", "auth one", "line 1: a key has a number from 1 to 15; write one"),
        ("auth of 0", "auth 0", "line 1: a key has a number from 1 to 15; write one"),
        (
            "auth of a key that is not there",
            "auth 2\n1 sha256 hidden",
            "line 1: there is no key 2; add `2 sha256 SECRET`, or name another key",
        ),
        (
            "a further one that is not there",
            "1 sha256 hidden\nauth 1 3",
            "line 2: there is no key 3; add `3 sha256 SECRET`, or name another key",
        ),
        (
            "auth twice",
            "auth 1\nauth 1\n1 sha256 hidden",
            "line 2: line 1 says already which key signs; remove one of the two",
        ),
        (
            "a key twice",
            "auth 1\n1 sha256 hidden\n1 sha256 hidden",
            "line 3: key 1 is on line 2 already; give this one another number",
        ),
        ("key 16", "16 sha256 hidden", "line 1: a key has a number from 1 to 15; write one"),
        ("key 1st", "1st sha256 hidden", "line 1: a key has a number from 1 to 15; write one"),
        (
            "crc",
            "auth 1\n1 crc",
            "line 2: the method `crc` has no secret, so anybody can sign with it; write `1 sha256 SECRET`",
        ),
        ("md5", "auth 1\n1 md5 hidden", "line 2: the method `md5` is obsolete; write `1 sha256 SECRET`"),
        (
            "no method",
            "auth 1\n1 hidden",
            "line 2: the method of key 1 is neither sha256 nor sha1; write `1 sha256 SECRET`",
        ),
        ("no secret", "auth 1\n1 sha256 ", "line 2: key 1 has no secret; write it after the method"),
        (
            "something else",
            "auth 1\nhidden",
            "line 2: it is neither `auth NUMBER` nor `NUMBER METHOD SECRET`; write one of them, or # before a \
             comment",
        ),
    ];
    for (name, text, refusal) in cases {
        let error = KeyRing::parse(text).expect_err(name);
        assert_eq!(error.to_string(), *refusal, "{name}");
        assert!(!format!("{error:?}").contains("hidden"), "{name}");
    }
}

#[test]
fn a_short_secret_is_warned_of() {
    let ring = KeyRing::parse("auth 2\n1 sha256 fifteen letters\n2 sha256 sixteen letters.\n").unwrap();
    assert_eq!(
        ring.warnings(),
        ["line 2: the secret of key 1 is shorter than 16 bytes; \
          take the output of `head -c 32 /dev/urandom | base64`"]
    );
}

#[test]
fn no_secret_is_shown() {
    let ring = KeyRing::parse("auth 1\n1 sha256 hidden").unwrap();
    assert_eq!(format!("{:?}", ring.signer()), "key 1 (Sha256)");
    assert!(!format!("{ring:?}").contains("hidden"));
    let mac = ring.signer().derive(ClusterId::of("web"), node(0), node(1));
    assert_eq!(format!("{mac:?}"), "HMAC-SHA-256");
}

#[test]
fn codes_are_those_of_rfc_2202_and_rfc_4231() {
    // name, method, key, bytes, code
    let bytes = b"what do ya want for nothing?";
    // name, method, code
    let cases = [
        ("RFC 2202, 3", Method::Sha1, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
        ("RFC 4231, 4.3", Method::Sha256, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
    ];
    for (name, method, hex) in cases {
        let pairs = (0..hex.len()).step_by(2).map(|at| &hex[at..at + 2]);
        let expected: Vec<_> = pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect();
        let mac = Mac::new(method, b"Jefe");
        assert_eq!(mac.sign(bytes), expected, "{name}");
        assert!(mac.verify(bytes, &expected), "{name}");
        assert!(!mac.verify(bytes, &expected[1..]) && !mac.verify(&bytes[1..], &expected), "{name}");
        assert!(!mac.verify(bytes, &[]), "{name}");
    }
}

#[test]
fn a_direction_has_the_key_that_is_documented() {
    let ring = KeyRing::parse("auth 1\n1 sha256 secret").unwrap();
    let hmac = |key: &[u8], bytes: &[u8]| {
        let mac = Hmac::<Sha256>::new_from_slice(key).unwrap().chain_update(bytes);
        mac.finalize().into_bytes().to_vec()
    };
    let context = [&b"lvsd"[..], &ClusterId::of("web").bits().to_be_bytes(), &[2, 1]].concat();
    let expected = hmac(&hmac(b"secret", &context), b"bytes");
    assert_eq!(ring.signer().derive(ClusterId::of("web"), node(2), node(1)).sign(b"bytes"), expected);
}

#[test]
fn each_direction_of_each_cluster_has_its_own_key() {
    let ring = KeyRing::parse("auth 1\n1 sha256 secret").unwrap();
    let code =
        |cluster, from, to| ring.signer().derive(ClusterId::of(cluster), node(from), node(to)).sign(b"bytes");
    let codes = [code("web", 0, 1), code("web", 1, 0), code("web", 0, 2), code("mail", 0, 1)];
    for (index, code) in codes.iter().enumerate() {
        assert!(!codes[index + 1..].contains(code), "{index}");
    }
}
