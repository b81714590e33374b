//! The simulator: the real actors, stores and provider code, natively, against models of the platform and of its neighbours. One thread, virtual
//! time, seeded randomness: a run repeats exactly.
//!
//! Each file is one model, and its rules stand at its top. `world` puts them together; `refresh`, `endings`, `crashes`, `moves` and `chaos` are the tests.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may panic"
)]

mod actors;
mod chaos;
mod clocks;
mod crashes;
mod endings;
mod executor;
mod faults;
mod gateway;
mod hot_path;
mod http;
mod kv;
mod layers;
mod messages;
mod moves;
mod postgres;
mod provider;
mod refresh;
mod signatures;
mod simulate;
mod storage;
mod succession;
mod tally;
mod world;
