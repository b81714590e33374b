//! Who has to solve a captcha (Cloudflare Turnstile). Pure.

use time::OffsetDateTime;

use crate::config::Config;
use crate::config::routes::{CaptchaRule, Route};
use crate::gateway::forward::clearance::{self, Bearer};
use crate::gateway::problem::Problem;
use crate::gateway::request::Incoming;

const ASK: Problem = Problem::CaptchaRequired("Before you go on, this site checks that you are not a robot.");

/// Refuses what may come from a machine, as the route says. `cleared_at`: when a captcha was solved.
pub(crate) fn check_bot(
    request: &Incoming<'_>,
    route: &Route,
    cleared_at: Option<OffsetDateTime>,
) -> Result<(), Problem> {
    let is_below = route.bot_score_min > 0 && request.head.visitor.bot_score() < route.bot_score_min.into();
    let asks = match route.captcha {
        CaptchaRule::Never => false,
        CaptchaRule::Always => true,
        CaptchaRule::Bots => is_below,
    };
    if is_below && route.captcha != CaptchaRule::Bots {
        return Err(Problem::BotScoreTooLow);
    }
    if asks && cleared_at.is_none() { Err(ASK) } else { Ok(()) }
}

/// When this browser solved a captcha. None: it did not, or that no longer counts.
pub(crate) fn cleared_at(config: &Config, request: &Incoming<'_>) -> Option<OffsetDateTime> {
    let (captcha, value) = (config.captcha.as_ref()?, request.cookies.clearance.as_ref()?);
    bearer(request).passed_at(&captcha.secret, value, request.now())
}

/// The problem of an application's response that asks for a captcha. None: a captcha was solved lately.
pub(crate) fn asked_by_application(
    config: &Config,
    cleared_at: Option<OffsetDateTime>,
    now: OffsetDateTime,
) -> Option<Problem> {
    let fresh = cleared_at.is_some_and(|at| now < at.saturating_add(clearance::ASKS_AGAIN_AFTER));
    (config.captcha.is_some() && !fresh).then_some(ASK)
}

/// Whom a clearance of this request's is for.
pub(crate) fn bearer<'a>(request: &'a Incoming<'_>) -> Bearer<'a> {
    Bearer {
        host: &request.origin.host,
        network: request.head.visitor.network(),
        user_agent: request.header("user-agent").unwrap_or_default(),
    }
}
