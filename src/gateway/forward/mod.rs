//! The way to the application: who may pass, what goes on, and what comes back.

pub mod access;
pub mod caller;
pub mod captcha;
pub mod clearance;
pub mod edits;
pub mod hygiene;
pub mod identity;
pub mod proxy;
pub mod reply;
pub mod watch;
