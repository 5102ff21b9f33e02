//! Virtual addresses: who owns them, and how the network is told.
