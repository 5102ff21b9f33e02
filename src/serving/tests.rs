//! Who serves.
