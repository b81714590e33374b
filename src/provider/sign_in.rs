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
    /// What went wrong without harm: a UserInfo endpoint that did not answer.
    pub remark: Option<String>,
    /// Where no refresh token came: so, and what an operator can do about it.
    pub no_refresh_token: Option<&'static str>,
    /// What UserInfo has yet to say: the login does not wait for it any longer.
    pub user_info: Option<Asking>,
}
