//! What a completed login brings from the provider.

use super::tokens::Tokens;
use super::user_info::Asking;
use crate::identity::Identity;

/// A completed login.
#[derive(Debug)]
pub struct SignIn {
    /// Who.
    pub identity: Identity,
    /// With what.
    pub tokens: Tokens,
    /// What went wrong without harm, such as a UserInfo endpoint that did not answer.
    pub remark: Option<String>,
    /// Set if no refresh token came: that, and what an operator can do about it.
    pub no_refresh_token: Option<&'static str>,
    /// The question to UserInfo, if it is still open. The login does not wait for it.
    pub user_info: Option<Asking>,
}
