//! The error page: what went wrong, what the person can do next, and a link that does it. Pure.

use url::form_urlencoded;

use crate::gateway::answer::failed_request::FailedRequest;
use crate::gateway::answer::german;
use crate::gateway::answer::html::{self, Page};
use crate::gateway::answer::response::Outgoing;
use crate::gateway::problem::Problem;
use crate::provider::user_error::Choice;

/// Where the link of a page leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkTarget {
    /// To the application.
    Home,
    /// Through the provider, and back to where the user wanted to go.
    LogIn,
    /// To the same address once more.
    Again,
}

impl LinkTarget {
    const fn words(self, problem: &Problem) -> &'static str {
        match (self, problem) {
            (Self::Home, _) => "Back to the application",
            (Self::LogIn, Problem::LoginRequired) => "Log in",
            (Self::LogIn, _) => "Log in again",
            (Self::Again, Problem::DeviceProofRequired) => "Open the page again",
            (Self::Again, _) => "Try again",
        }
    }
}

impl Problem {
    /// Where the link of its page leads. None: the page has no link.
    pub fn link_target(&self) -> Option<LinkTarget> {
        match self {
            Self::ForeignHost | Self::AdministratorsHost => None,
            Self::Explained { problem, .. } => problem.link_target(),
            Self::LoginRequired
            | Self::SessionEnded(_)
            | Self::AuthenticationInsufficient(_)
            | Self::CallbackRejected(_)
            | Self::UserError(_) => Some(LinkTarget::LogIn),
            Self::ProviderRejected(_)
            | Self::ProviderUnavailable { .. }
            | Self::UpstreamUnavailable
            | Self::UpstreamTimeout
            | Self::StoreUnavailable
            | Self::KeysUnavailable
            | Self::CaptchaRequired(_)
            | Self::RateLimited
            | Self::DeviceProofRequired
            | Self::DeviceProofDelayed
            | Self::ConfigInvalid(_) => Some(LinkTarget::Again),
            Self::AlreadyEnded(_)
            | Self::InvalidToken(_)
            | Self::Forbidden
            | Self::OtherProvider
            | Self::DeviceRequired { .. }
            | Self::DeviceRefused
            | Self::BotScoreTooLow
            | Self::CsrfRejected
            | Self::CsrfHeaderMissing(_)
            | Self::BadRequest(_)
            | Self::PathRefused(_)
            | Self::ParameterTooLong { .. }
            | Self::NotFound
            | Self::MethodNotAllowed(_)
            | Self::TooLarge
            | Self::HeadersTooLarge => Some(LinkTarget::Home),
        }
    }

    /// The page, with its link.
    pub(crate) fn page(
        &self,
        failed: &FailedRequest,
        status: u16,
        title: &str,
        link: Option<(LinkTarget, &str)>,
        choices: &[(String, &str)],
    ) -> Outgoing {
        let brand = &failed.brand;
        let list = match self {
            Self::ConfigInvalid(problems) => {
                problems.iter().map(|problem| (problem.variable.as_ref(), problem.message.as_str())).collect()
            }
            _ => Vec::new(),
        };
        let another = match link {
            Some((LinkTarget::LogIn, login)) if self.is_about_the_account() => Some(format!("{login}&prompt=login")),
            _ => None,
        };
        let page = Page {
            title,
            detail: &failed.naming(german::detail(brand.language, self)),
            next: self.next(link.map(|(way, _)| way)),
            list,
            ray: &failed.ray,
            choices,
            other: another.as_deref().map(|url| (url, "Log in with another account")),
            link: link.map(|(way, url)| (url, way.words(self))),
            ..Page::default()
        };
        html::page(brand, status, &page)
    }

    /// The other logins that the provider offers in place of the one at this address.
    pub fn logins(&self, login: &str) -> Vec<(String, &str)> {
        let Self::UserError(user_error) = self.plain() else { return Vec::new() };
        let url = |choice: &Choice| {
            let parameter =
                form_urlencoded::Serializer::new(String::new()).append_pair(&choice.parameter, &choice.value).finish();
            format!("{login}&{parameter}")
        };
        user_error.choices.iter().map(|choice| (url(choice), choice.label.as_str())).collect()
    }

    fn is_about_the_account(&self) -> bool {
        matches!(self, Self::UserError(user_error) if user_error.is_about_the_account())
    }

    /// What a person can do.
    fn next(&self, link_target: Option<LinkTarget>) -> &str {
        match (self, link_target) {
            (Self::CallbackRejected(_) | Self::UserError(_), Some(LinkTarget::Home)) => {
                "You are still logged in as before."
            }
            (Self::UserError(user_error), _) => &user_error.next,
            (Self::CallbackRejected(_), _) => {
                "You can log in again. If it fails again, tell the operator of this site the reference below."
            }
            (Self::LoginRequired | Self::AuthenticationInsufficient(_), _) => "Log in first. Your data was not saved.",
            (Self::SessionEnded(_), _) => "Log in again. Your data was not saved.",
            (Self::DeviceProofRequired, _) => {
                "Open the page again. If that does not help, log in again on this device. Your data was not saved."
            }
            (Self::DeviceRequired { .. }, _) => {
                "Open this in a browser that supports Device Bound Session Credentials, such as Chrome on Windows, and log in there. If you \
                use one already, log out and log in again."
            }
            (
                Self::DeviceProofDelayed
                | Self::ProviderUnavailable { .. }
                | Self::StoreUnavailable
                | Self::KeysUnavailable
                | Self::UpstreamUnavailable
                | Self::UpstreamTimeout,
                _,
            ) => "Please try again in a moment.",
            (Self::RateLimited, _) => "Please try again in a minute.",
            (Self::ProviderRejected(_), _) => {
                "Tell the operator of this site: its registration at the login provider needs attention."
            }
            (Self::ConfigInvalid(_), _) => "If this is your site, set these variables and deploy again:",
            (Self::ForeignHost, _) => "Check the address. If this is your site, PUBLIC_ORIGIN must name this host.",
            (Self::CaptchaRequired(_), _) => "Open the previous page again, pass the check, and try again.",
            (Self::Forbidden, _) => {
                "Ask the operator of this site for this permission, or log in with an account that has it."
            }
            (Self::OtherProvider, _) => "You can log in there. Your present session ends then.",
            (Self::BotScoreTooLow, _) => {
                "Try another browser or another network. If it fails again, tell the operator of this site the reference below."
            }
            (Self::HeadersTooLarge, _) => "Delete the cookies of this site, then open it again.",
            (Self::CsrfHeaderMissing(_), _) => {
                "Nothing was changed. If this is your application, let it send the header."
            }
            (Self::CsrfRejected, _) => "Nothing was changed. If you meant to do this, do it in the application itself.",
            (Self::Explained { problem, .. }, link_target) => problem.next(link_target),
            (
                Self::AlreadyEnded(_)
                | Self::InvalidToken(_)
                | Self::DeviceRefused
                | Self::BadRequest(_)
                | Self::PathRefused(_)
                | Self::ParameterTooLong { .. }
                | Self::NotFound
                | Self::AdministratorsHost
                | Self::MethodNotAllowed(_)
                | Self::TooLarge,
                _,
            ) => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::response::Body;
    use super::*;
    use crate::provider::user_error::UserError;

    fn html(problem: &Problem, link: Option<(LinkTarget, &str)>) -> String {
        let Body::Html(body) = problem.response_with_link(&FailedRequest::unreadable("ray-1".into()), true, link).body
        else {
            panic!("not a page")
        };
        body
    }

    #[test]
    fn a_page_has_its_link_and_escapes_it() {
        let body = html(&Problem::LoginRequired, Some((LinkTarget::LogIn, "/auth/login?a=\"&b")));
        assert!(body.contains("<a href=\"/auth/login?a=&quot;&amp;b\">Log in</a>"), "{body}");
        assert!(!html(&Problem::ForeignHost, None).contains("<a "));
    }

    #[test]
    fn a_failed_login_beside_a_living_session_says_that_it_lives() {
        let failed = Problem::CallbackRejected("it was cancelled".into());
        assert!(html(&failed, Some((LinkTarget::Home, "/"))).contains("still logged in"));
        assert!(html(&failed, Some((LinkTarget::LogIn, "/auth/login"))).contains("Log in again"));
    }

    #[test]
    fn whose_account_is_refused_can_log_in_with_another() {
        let of = |code: &str| Problem::UserError(Box::new(UserError::of(code).unwrap()));
        let login = Some((LinkTarget::LogIn, "/auth/login?return_to=%2F"));
        let another = "<a href=\"/auth/login?return_to=%2F&amp;prompt=login\">Log in with another account</a>";
        let body = html(&of("access_denied"), login);
        assert!(body.contains(&format!("Log in again</a>{another}")), "{body}");
        assert!(!html(&of("mfa_required"), login).contains("another account</a>"));
        assert!(!html(&of("access_denied"), Some((LinkTarget::Home, "/"))).contains("another account</a>"));
    }
}
