//! An SMTP greeting (RFC 5321).

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::attempt::{Attempt, Finding, Found};
use crate::{Code, Smtp};

/// How long a line may be (RFC 5321, 4.5.3.1.5, doubled: servers are careless), and how many a reply may have.
const LONGEST_LINE: usize = 1024;
const MOST_LINES: usize = 128;

pub(super) async fn check(attempt: &Attempt<'_>, smtp: &Smtp) -> Found {
    if smtp.hello.contains(char::is_control) {
        return Err(Finding::new(Code::L7Response, "cannot say hello with a control character"));
    }
    let mut server = BufReader::new(attempt.connect().await?);
    let greeting = attempt.limit(Code::L7Timeout, "no greeting", greet(&mut server, &smtp.hello)).await?;
    // What is said to this is nobody's concern, but a server wants to say it.
    let _ = attempt.limit(Code::L7Timeout, "no farewell", say(&mut server, "QUIT")).await;
    Ok(Finding::new(Code::L7Ok, greeting))
}

/// Hears the greeting and gives ours.
async fn greet(server: &mut BufReader<TcpStream>, hello: &str) -> Found<String> {
    let greeting = hear(server).await?.expect("greeting", 220)?;
    let mut answer = say(server, &format!("EHLO {hello}")).await?;
    if answer.code / 100 == 5 {
        answer = say(server, &format!("HELO {hello}")).await?;
    }
    answer.expect("hello", 250)?;
    Ok(greeting)
}

/// Gives a command and hears the reply.
async fn say(server: &mut BufReader<TcpStream>, command: &str) -> Found<Reply> {
    server.write_all(format!("{command}\r\n").as_bytes()).await.map_err(|error| broken(&error))?;
    hear(server).await
}

/// A server's reply.
#[derive(Debug, PartialEq, Eq)]
struct Reply {
    code: u16,
    /// The last line, which has the code.
    line: String,
}

impl Reply {
    /// The line, if the code is the one that means yes.
    fn expect(self, what: &str, code: u16) -> Found<String> {
        if self.code == code {
            Ok(self.line)
        } else {
            Err(Finding::new(Code::L7Status, format!("{what} refused: {}", self.line)))
        }
    }
}

/// Hears a reply of one or several lines.
async fn hear(server: &mut (impl AsyncBufRead + Unpin)) -> Found<Reply> {
    for _ in 0..MOST_LINES {
        let mut line = Vec::new();
        let limit = LONGEST_LINE as u64;
        server.take(limit).read_until(b'\n', &mut line).await.map_err(|error| broken(&error))?;
        let text = String::from_utf8_lossy(line.trim_ascii_end());
        if !line.ends_with(b"\n") {
            let reason = if line.len() < LONGEST_LINE { "closed inside a reply" } else { "line without end" };
            return Err(Finding::new(Code::L7Response, reason));
        }
        match read(&text) {
            Some((code, Last(true))) => return Ok(Reply { code, line: text.into_owned() }),
            Some((_, Last(false))) => {}
            None => return Err(Finding::new(Code::L7Response, format!("not SMTP: {text}"))),
        }
    }
    Err(Finding::new(Code::L7Response, "reply without end"))
}

/// Whether a line is the last of its reply.
#[derive(Debug, PartialEq, Eq)]
struct Last(bool);

/// Reads a line's code, and whether there is a dash between it and the text: then another line follows.
fn read(line: &str) -> Option<(u16, Last)> {
    let (code, text) = line.split_at_checked(3)?;
    let digits = code.bytes().all(|it| it.is_ascii_digit());
    let last = match text.bytes().next() {
        None | Some(b' ') => Last(true),
        Some(b'-') => Last(false),
        Some(_) => return None,
    };
    digits.then(|| code.parse().ok())?.map(|code| (code, last))
}

fn broken(error: &io::Error) -> Finding {
    Finding::error(Code::L7Response, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_a_code_and_says_whether_it_is_the_last() {
        let cases = [
            ("one line", "220 mail.example ESMTP", Some((220, Last(true)))),
            ("code alone", "250", Some((250, Last(true)))),
            ("more to come", "250-mail.example", Some((250, Last(false)))),
            ("short", "25", None),
            ("sign", "+25 hi", None),
            ("no separator", "2500", None),
            ("inside a character", "25é", None),
            ("empty", "", None),
        ];
        for (name, line, expected) in cases {
            assert_eq!(read(line), expected, "{name}");
        }
    }
}
