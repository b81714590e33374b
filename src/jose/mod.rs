//! Signed JSON Web Tokens (JOSE: RFC 7515 to 7519): keys, signatures, what a token has to say, and the documents that keys come
//! in. One implementation for ID tokens, logout tokens, access tokens and clients' JWTs.
//!
//! [`jwt`] reads a token, [`policy`] checks its claims, [`key_set`] finds the key that signed it, and the platform checks the
//! signature ([`crate::runtime::Signatures`]). [`published`] keeps documents as [`document`] says. A flaw is named in [`flaw`];
//! the user of a kind of token puts it into words.

pub mod algorithm;
pub mod document;
pub mod flaw;
pub mod jwk;
pub mod jwt;
pub mod key_set;
pub mod policy;
pub mod published;
#[cfg(test)]
pub mod signing;

pub use algorithm::Algorithm;
pub use flaw::Flaw;
pub use jwt::Jwt;
pub use key_set::KeySet;
pub use policy::{Claims, Policy};
