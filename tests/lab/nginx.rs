//! A web server as people run it.

use std::{fs, io, process::Command};

use crate::{
    network::{Node, Process},
    patience::until,
};

/// Answers `NAME by nginx` on this port of every address, until dropped.
pub(crate) fn start(node: &Node, port: u16) -> Process {
    let directory = node.directory();
    let config = directory.join("nginx.conf");
    let text = format!(
        r#"
        daemon off;
        master_process off;
        pid nginx.pid;
        events {{}}
        http {{
            access_log off;
            server {{
                listen {port};
                listen [::]:{port};
                return 200 "{name} by nginx\n";
            }}
        }}
        "#,
        name = node.name()
    );
    fs::write(&config, text).expect("the lab's directory is writable");
    let mut command = Command::new("nginx");
    command.args(["-e", "stderr", "-p"]).arg(directory).arg("-c").arg(config);
    let mut nginx = node.spawn("nginx", command);
    until("nginx listens", || {
        assert_eq!(nginx.exited(), None, "nginx of {}", node.name());
        let answer = node.ask(&format!("127.0.0.1:{port}"));
        !answer.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
    });
    nginx
}
