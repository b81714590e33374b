//! The gateway's own endpoints. Each handler has a file.

pub mod admin;
pub mod backchannel;
pub mod callback;
pub mod captcha;
pub(crate) mod device;
pub(crate) mod events;
pub(crate) mod failed_login;
pub(crate) mod frontchannel;
pub mod healthz;
pub mod login;
mod login_hints;
pub mod login_limit;
mod login_provider;
pub mod logout;
pub mod session;
pub mod sessions;
