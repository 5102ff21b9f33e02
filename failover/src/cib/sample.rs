//! A document for tests.

/// Two directors and a witness; `mail` keeps away from `web`, which counts its pings.
pub(super) const TEXT: &str = r#"version = "0.1.0"

[properties]
no_quorum_policy = "stop"
ping_multiplier = 300

[[node]]
name = "a"

[[node]]
name = "b"

[[node]]
name = "w"
role = "witness"

[[vip]]
name = "web"
addresses = ["192.0.2.1/24"]
interface = "eth0"
prefer = { a = 200 }
migration_threshold = 3
failure_timeout = "10m"

[[vip]]
name = "mail"
addresses = ["192.0.2.2/24"]
interface = "eth0"
stickiness = 50
migration_threshold = 3
failure_timeout = "10m"

[[location]]
id = "up"
vip = "web"
score_attribute = "pingd"
all = [{ attribute = "pingd", operation = "defined" }]

[[colocation]]
id = "apart"
vip = "mail"
with = "web"
score = "never"
"#;
