//! The simulator: the real actors, stores and provider code, natively, against models of the platform and of its neighbours. One thread, virtual
//! time, seeded randomness: a run repeats exactly.
//!
//! Each file is one model, one driver or one check, and a model's rules stand at its top. `world` puts the models together. `refresh`, `endings`,
//! `crashes`, `moves`, `succession`, `targets`, `devices`, `proofs` and `listening` are tests of one story each; `chaos` runs all drivers with all
//! faults, and `simulate` seed after seed of it. `faults/` plants faults in a copy of the product, which the checks have to find.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    reason = "a test may panic"
)]

mod actors;
mod chaos;
mod clocks;
mod crashes;
mod device;
mod devices;
mod endings;
mod executor;
mod faults;
mod gateway;
mod hot_path;
mod http;
mod kv;
mod layers;
mod listeners;
mod listening;
mod messages;
mod moves;
mod parity;
mod parked;
mod postgres;
mod proofs;
mod provider;
mod refresh;
mod signatures;
mod simulate;
mod storage;
mod stores;
mod succession;
mod tally;
mod targets;
mod world;
