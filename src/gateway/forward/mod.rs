//! The way to the application: which requests may pass, what goes on, and what comes back.

pub mod access;
pub mod addresses;
pub mod caller;
pub mod captcha;
pub mod clearance;
pub mod edits;
pub mod hygiene;
pub mod identity_headers;
pub mod parking;
pub mod proxy;
pub mod reply;
pub mod require;
pub mod watch;
