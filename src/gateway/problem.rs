//! What can be wrong with a request, in words. This is the only place that chooses a status.

use crate::actors::end_reason::EndReason;
use crate::config;
use crate::config::authentication::Authentication;
use crate::provider::user_error::UserError;

mod causes;

/// Everything that can be wrong, as the outside sees it. The text is `detail`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// There is no session.
    #[error("This needs a login, and the request came without one.")]
    LoginRequired,
    /// There was one.
    #[error("{}", ended(*.0))]
    SessionEnded(EndReason),
    /// It can no longer be refreshed or moved.
    #[error("{}", ended(*.0))]
    AlreadyEnded(EndReason),
    /// Its session is bound to a device, and nothing proves that it comes from there.
    #[error("The session is bound to a device, and the request does not prove that it comes from that device.")]
    DeviceProofRequired,
    /// The same, and the browser says that it could not prove that just now.
    #[error("The session is bound to a device, and the browser could not prove just now that it is that device.")]
    DeviceProofDelayed,
    /// Its session is bound to no device, and the route demands that.
    #[error("This needs a session that is bound to a device, and yours is not.")]
    DeviceRequired {
        /// The browser may be about to bind it.
        is_awaited: bool,
    },
    /// A browser's device is not accepted. The log says why.
    #[error("The session cannot be bound to this device.")]
    DeviceRefused,
    /// It needs a bearer token (RFC 6750), and has none, or a bad one.
    #[error("{0}")]
    InvalidToken(&'static str),
    /// The keys that clients' and administrators' tokens are verified with cannot be had.
    #[error("Tokens cannot be verified at the moment.")]
    KeysUnavailable,
    /// Its user has to log in in another way, or once more.
    #[error("This needs a login of another kind, or a more recent one.")]
    AuthenticationInsufficient(Authentication),
    /// The session is of another provider than the route takes.
    #[error("This takes logins of another provider than yours.")]
    OtherProvider,
    /// The session, or the token, lacks what the route requires.
    #[error("This needs a permission that you do not have.")]
    Forbidden,
    /// It may come from a machine.
    #[error("{0}")]
    CaptchaRequired(&'static str),
    /// It most likely comes from a machine.
    #[error("The request seems to come from an automated program.")]
    BotScoreTooLow,
    /// Another site may have sent it.
    #[error("The request changes something but does not come from this site.")]
    CsrfRejected,
    /// It lacks the header that the route demands of requests which change something.
    #[error("The request changes something but lacks the header {0}, which this address requires.")]
    CsrfHeaderMissing(String),
    /// It cannot be understood.
    #[error("{0}")]
    BadRequest(&'static str),
    /// Its path could be read in two ways.
    #[error("{0}")]
    PathRefused(String),
    /// A parameter is longer than any sensible one.
    #[error("The parameter {name} is longer than {limit} characters.")]
    ParameterTooLong {
        /// Its name.
        name: &'static str,
        /// How many it may have.
        limit: usize,
    },
    /// A login did not work out.
    #[error("The login could not be completed: {0}.")]
    CallbackRejected(String),
    /// A login did not work out, and its user can do something about it.
    #[error("{} ({})", .0.what, .0.code)]
    UserError(Box<UserError>),
    /// There is nothing here.
    #[error("There is nothing at this address.")]
    NotFound,
    /// There is the console here, and nothing else.
    #[error("This host serves the administrators' console (ADMIN_ORIGIN) and nothing else.")]
    AdministratorsHost,
    /// The host is none of `PUBLIC_ORIGIN`.
    #[error("This gateway does not serve this host.")]
    ForeignHost,
    /// There is, but not for this method.
    #[error("This address accepts only {0}.")]
    MethodNotAllowed(&'static str),
    /// A body is too long.
    #[error("The request is larger than this address accepts.")]
    TooLarge,
    /// Too many logins were begun from the same address.
    #[error("Too many logins were started from this network.")]
    RateLimited,
    /// An address or headers are too long.
    #[error("The request's address, headers or cookies are larger than this gateway accepts.")]
    HeadersTooLarge,
    /// The provider's or the operator's fault.
    #[error("The login provider cannot be used: {0}.")]
    ProviderRejected(String),
    /// The provider does not answer.
    #[error("The login provider does not answer at the moment.")]
    ProviderUnavailable {
        /// Seconds.
        retry_after: u32,
    },
    /// The application does not answer.
    #[error("The application cannot be reached at the moment.")]
    UpstreamUnavailable,
    /// The application is too slow.
    #[error("The application did not answer in time.")]
    UpstreamTimeout,
    /// Sessions cannot be read.
    #[error("Sessions cannot be read at the moment.")]
    StoreUnavailable,
    /// The operator has to do something.
    #[error("The gateway cannot work yet: its configuration needs attention.")]
    ConfigInvalid(Vec<config::ConfigProblem>),
    /// Another one, with what the log alone says of it.
    #[error("{problem}")]
    Explained {
        /// What the visitor is told.
        problem: Box<Self>,
        /// What the operator is told beside that.
        why: String,
    },
}

const fn ended(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Logout => "The session has ended: it was logged out.",
        EndReason::Revoked => "The session has ended: it was revoked.",
        EndReason::Idle => "The session has ended: it was not used for too long.",
        EndReason::Expired => "The session has ended: it reached its maximum duration.",
        EndReason::RefreshRejected => "The session has ended: the login provider no longer renews it.",
        EndReason::Backchannel => "The session has ended: the user logged out at the login provider.",
        EndReason::Superseded => "The session has ended: a newer one took its place.",
        EndReason::Device => "The session has ended: it was used on another device than its own.",
        EndReason::ProviderRemoved => "The session has ended: its login provider is no longer in use here.",
        EndReason::Limit => "The session has ended: its user has started more sessions than are allowed at once.",
    }
}

impl Problem {
    /// The HTTP status, the code for programs, and what it is called.
    pub fn status_code_title(&self) -> (u16, &'static str, &'static str) {
        match self {
            Self::LoginRequired => (401, "login_required", "Login required"),
            Self::AuthenticationInsufficient(_) => (401, "login_required", "Another login required"),
            Self::SessionEnded(_) => (401, "session_ended", "Session ended"),
            Self::AlreadyEnded(_) => (409, "session_ended", "Session ended"),
            Self::DeviceProofRequired => (401, "device_proof_required", "Device not recognized"),
            Self::DeviceProofDelayed => (503, "device_proof_required", "Device not recognized yet"),
            Self::DeviceRequired { .. } => (403, "device_required", "Bound device required"),
            Self::DeviceRefused => (403, "forbidden", "Device refused"),
            Self::InvalidToken(_) => (401, "invalid_token", "Invalid token"),
            Self::Forbidden | Self::OtherProvider => (403, "forbidden", "Not allowed"),
            Self::CaptchaRequired(_) => (403, "captcha_required", "One quick check"),
            Self::BotScoreTooLow => (403, "bot_score_too_low", "Automated request rejected"),
            Self::CsrfRejected => (403, "csrf_rejected", "Cross-site request rejected"),
            Self::CsrfHeaderMissing(_) => (403, "csrf_rejected", "Header missing"),
            Self::BadRequest(_) | Self::PathRefused(_) | Self::ParameterTooLong { .. } => {
                (400, "bad_request", "Bad request")
            }
            Self::CallbackRejected(_) | Self::UserError(_) => (400, "callback_rejected", "Login failed"),
            Self::NotFound | Self::AdministratorsHost | Self::ForeignHost => (404, "not_found", "Not found"),
            Self::MethodNotAllowed(_) => (405, "method_not_allowed", "Method not allowed"),
            Self::TooLarge => (413, "too_large", "Request too large"),
            Self::HeadersTooLarge => (431, "too_large", "Request too large"),
            Self::RateLimited => (429, "rate_limited", "Too many logins"),
            Self::ProviderRejected(_) => (502, "provider_rejected", "Login provider refused"),
            Self::ProviderUnavailable { .. } => (503, "provider_unavailable", "Login provider unavailable"),
            Self::KeysUnavailable => (503, "provider_unavailable", "Keys unavailable"),
            Self::UpstreamUnavailable => (502, "upstream_unavailable", "Application unavailable"),
            Self::UpstreamTimeout => (504, "upstream_timeout", "Application too slow"),
            Self::StoreUnavailable => (503, "store_unavailable", "Sessions unavailable"),
            Self::ConfigInvalid(_) => (500, "config_invalid", "Gateway not configured"),
            Self::Explained { problem, .. } => problem.status_code_title(),
        }
    }

    /// The same, with a sentence for the log alone. It holds no secret; what a provider said in it is cleaned
    /// ([`crate::provider::said`]).
    pub fn explained(self, why: String) -> Self {
        if why.is_empty() { self } else { Self::Explained { problem: Box::new(self), why } }
    }

    /// What the visitor is told.
    pub fn plain(&self) -> &Self {
        match self {
            Self::Explained { problem, .. } => problem.plain(),
            plain => plain,
        }
    }

    /// What the log says: the whole of it.
    pub fn in_full(&self) -> String {
        match self {
            Self::Explained { problem, why } => format!("{} {why}", problem.in_full()),
            Self::ConfigInvalid(problems) => {
                let problems: Vec<String> =
                    problems.iter().map(|problem| format!("{} {}", problem.variable, problem.message)).collect();
                format!("{self} {}", problems.join("; "))
            }
            plain => plain.to_string(),
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.status_code_title().0
    }

    /// Its code, for programs.
    pub fn code(&self) -> &'static str {
        self.status_code_title().1
    }

    /// What it is called.
    pub fn title(&self) -> &'static str {
        self.status_code_title().2
    }

    /// When to come back, in seconds.
    pub fn retry_after(&self) -> Option<u32> {
        match self {
            Self::ProviderUnavailable { retry_after } => Some(*retry_after),
            Self::StoreUnavailable | Self::KeysUnavailable | Self::DeviceProofDelayed => Some(5),
            Self::RateLimited => Some(60),
            Self::Explained { problem, .. } => problem.retry_after(),
            _ => None,
        }
    }
}
