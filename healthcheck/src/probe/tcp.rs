//! A connection, and no more.

use super::attempt::{Attempt, Finding, Found};
use crate::Code;

pub(super) async fn check(attempt: &Attempt<'_>) -> Found {
    attempt.connect().await?;
    Ok(Finding::new(Code::L4Ok, "connected"))
}
