//! What is done with the document that rules the cluster: shown, explained, tried and replaced, and what moves come to. All of it is pure.

mod explain;
mod forecast;
mod replace;
#[cfg(test)]
pub(crate) mod sample;
mod scene;
mod transfer;

pub use explain::{Explanation, Seat, Weight};
pub use forecast::{Chance, Prospect};
pub use replace::{Draft, Objection, Read, Source, adopt, read};
pub use scene::Scene;
