//! Why a provider refuses a user's login, in words for that user. Pure.
//!
//! What the provider itself wrote is never quoted but for its error code: anybody can put words into a callback.

use serde::{Deserialize, Serialize};

/// A login that failed for a reason that its user can do something about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("the provider answered {code}")]
pub struct UserError {
    /// The provider's error code.
    pub code: String,
    /// What is the matter: a sentence.
    pub what: String,
    /// What to do: a sentence or two.
    pub next: String,
    /// The ways on that the provider offers.
    pub choices: Vec<Choice>,
}

/// A way on: a login with one parameter more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// What a person reads.
    pub label: String,
    /// The parameter of `/login`.
    pub parameter: String,
    /// Its value.
    pub value: String,
}

impl UserError {
    /// What an error code means for the user; none where it is the operator's or the provider's business.
    pub fn of(code: &str) -> Option<Self> {
        let (what, next) = words(code)?;
        Some(Self::new(code, what, next))
    }

    /// What an authorization response means where it is about the organization that the login was for: Auth0 says so with codes for
    /// many things, and with words. They choose among these sentences and are not quoted. `was_for_one`: the login named one.
    pub fn about_organization(code: &str, description: Option<&str>, was_for_one: bool) -> Option<Self> {
        let names_it = description.is_some_and(|said| said.to_ascii_lowercase().contains("organization"));
        match code {
            "invalid_request" if names_it || was_for_one => Some(Self::new(
                code,
                "The login provider does not accept the organization that this login was for, or this login has to name an organization and did not.",
                "Check the organization in the link that you followed. If you did not choose one, tell the operator of this site the reference below.",
            )),
            "access_denied" | "unauthorized" if names_it => Some(Self::new(
                code,
                "Your account does not belong to the organization that this login was for, or may not use this application there.",
                "Log in again, with another account if you have one, or ask the operator of this site for access.",
            )),
            _ => None,
        }
    }

    /// A login that the provider has not finished, for a reason that is not known here.
    pub fn unfinished(code: &str) -> Self {
        Self::new(
            code,
            "The login provider needs something more from you before you can log in.",
            "Log in again and do what the provider asks. If it asks nothing, tell the operator of this site the reference below.",
        )
    }

    /// Whether another account may get in. The page then offers it, as the provider would say the same to the present one again.
    pub fn is_about_the_account(&self) -> bool {
        matches!(self.code.as_str(), "access_denied" | "unauthorized")
    }

    fn new(code: &str, what: &str, next: &str) -> Self {
        Self { code: code.to_owned(), what: what.to_owned(), next: next.to_owned(), choices: Vec::new() }
    }
}

/// The codes of OAuth 2.0 and OpenID Connect, of Auth0 and of WorkOS.
fn words(code: &str) -> Option<(&'static str, &'static str)> {
    Some(match code {
        "access_denied" => (
            "The login was cancelled, or your account may not use this application.",
            "Log in again, with another account if you have one, or ask the operator of this site for access.",
        ),
        "unauthorized" => (
            "Your account may not use this application, or not yet.",
            "If an e-mail asks you to confirm your address, do so and log in again. Else ask the operator of this site for access.",
        ),
        "login_required" => ("The login provider does not know you any more.", "Log in again."),
        "interaction_required" | "account_selection_required" => {
            ("The login provider has something to ask you.", "Log in again and answer it there.")
        }
        "consent_required" => ("The login provider needs your consent.", "Log in again and give it there."),
        "mfa_required" | "mfa_challenge" | "mfa_verification" => (
            "Your account needs a second step to log in.",
            "Log in again and have your phone or security key at hand. If you have lost it, use a recovery code or ask the operator of this site.",
        ),
        "mfa_enrollment" => (
            "Your account needs a second step to log in, and has none yet.",
            "Log in again and set one up when you are asked: an authenticator app, for instance.",
        ),
        "too_many_attempts" => (
            "There were too many attempts to log in, and the login provider takes no more for now.",
            "Wait some minutes and log in again. If the provider has sent you an e-mail, its link unblocks your account. If you are not sure of your password, reset it first.",
        ),
        "email_verification_required" => (
            "Your e-mail address is not confirmed yet.",
            "Look for the e-mail that the login provider has just sent you, do what it says, and log in again.",
        ),
        "organization_selection_required" => {
            ("Your account belongs to more than one organization.", "Choose the one that you want to log in to.")
        }
        "sso_required" => (
            "Your organization wants you to log in with its own login (single sign-on).",
            "Log in again with the e-mail address that you have there.",
        ),
        "authentication_method_not_allowed"
        | "email_password_auth_disabled"
        | "organization_authentication_methods_required" => (
            "This way of logging in is not allowed for your account.",
            "Log in again in another way, or ask the operator of this site which one to use.",
        ),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_user_can_do_something_about_says_what() {
        for code in
            ["access_denied", "unauthorized", "login_required", "mfa_required", "too_many_attempts", "sso_required"]
        {
            let user_error = UserError::of(code).unwrap();
            assert!(user_error.what.ends_with('.') && user_error.next.ends_with('.'), "{code}");
            assert_eq!(user_error.to_string(), format!("the provider answered {code}"));
            assert_eq!(user_error.is_about_the_account(), matches!(code, "access_denied" | "unauthorized"), "{code}");
        }
    }

    #[test]
    fn what_is_about_the_organization_says_so_and_nothing_else_does() {
        let of = UserError::about_organization;
        for said in [
            "parameter organization is invalid",
            "parameter organization is required for this client",
            "Organization …",
        ] {
            for was_for_one in [false, true] {
                let user_error = of("invalid_request", Some(said), was_for_one).unwrap();
                assert!(user_error.what.contains("organization") && !user_error.what.contains(said), "{said}");
            }
        }
        assert!(of("invalid_request", None, true).is_some());
        let denied = of("access_denied", Some("user a is not part of the org_1 organization"), true).unwrap();
        assert!(denied.is_about_the_account() && denied.what.contains("organization"));
        assert_eq!(of("invalid_request", Some("redirect_uri"), false), None);
        assert_eq!(of("invalid_request", None, false), None);
        assert_eq!(of("access_denied", Some("cancelled"), true), None);
        assert_eq!(of("server_error", Some("organization"), true), None);
    }

    #[test]
    fn what_is_the_operator_s_business_is_not_the_user_s() {
        for code in ["invalid_client", "unauthorized_client", "invalid_scope", "server_error", "", "<b>"] {
            assert_eq!(UserError::of(code), None);
        }
    }
}
