//! The realservers: one nginx with all their addresses, which counts.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::Outcome;

/// Where it says how often it was asked.
const STATUS: &str = "10.1.0.1:81";

/// An nginx, which ends with this value.
pub(super) struct Nginx(Child);

impl Nginx {
    /// Starts it within a new network namespace.
    pub(super) fn start(directory: &Path) -> Outcome<Self> {
        super::empty_kernel()?;
        let config = directory.join("nginx.conf");
        fs::write(
            &config,
            format!(
                "daemon off; master_process off; error_log stderr; pid {}/nginx.pid;\n\
                 events {{ worker_connections 4096; }}\n\
                 http {{\n access_log off;\n\
                 server {{ listen 80 backlog=4096; location / {{ return 200 \"up\"; }} }}\n\
                 server {{ listen 81; location / {{ stub_status; }} }}\n}}\n",
                directory.display()
            ),
        )?;
        let process = Command::new("nginx").arg("-c").arg(config).stderr(Stdio::inherit()).spawn()?;
        let mut nginx = Self(process);
        while nginx.requests().is_err() {
            if let Some(status) = nginx.0.try_wait()? {
                return Err(format!("nginx ended: {status}").into());
            }
            sleep(Duration::from_millis(100));
        }
        Ok(nginx)
    }

    /// How many requests there were, with the one that asks.
    #[expect(clippy::unused_self, reason = "without an nginx there is nobody to ask")]
    pub(super) fn requests(&self) -> Outcome<u32> {
        let mut connection = TcpStream::connect(STATUS)?;
        connection.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
        let mut text = String::new();
        connection.read_to_string(&mut text)?;
        let (_, counts) = text.split_once("requests\n").ok_or("no counts")?;
        Ok(counts.split_whitespace().nth(2).ok_or("no count of requests")?.parse()?)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
