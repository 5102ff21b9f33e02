//! Monitors: whether a realserver can serve.

/// How a realserver is watched. A service must name one; there is no default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Monitor {
    /// Not watched: the realserver counts as up, always. It has to be said.
    None,
}
