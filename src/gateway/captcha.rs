//! The captcha (Cloudflare Turnstile): who is asked to solve one, the page that asks, and `/captcha`, which checks.

use openidconnect::HttpRequest;
use serde::Deserialize;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use url::form_urlencoded;

use super::Gateway;
use super::clearance::{self, Bearer};
use super::pages::{self, Page, Widget};
use super::problem::Problem;
use super::refusal;
use super::request::Incoming;
use super::response::Outgoing;
use crate::config::Config;
use crate::config::captcha::Captcha;
use crate::config::routes::{CaptchaRule, Route};
use crate::credential::Secret;
use crate::http;
use crate::runtime::Http;

/// Longer tokens are none of Turnstile's.
const MAX_TOKEN: usize = 2048;
/// How old a solved challenge may be.
const MAX_AGE: Duration = Duration::minutes(5);
/// How far the verifier's clock may be ahead.
const LEEWAY: Duration = Duration::minutes(1);

const ASK: Problem = Problem::CaptchaRequired("Before you go on, this site makes sure that you are no machine.");
const AGAIN: Problem = Problem::CaptchaRequired("That did not work out. Please try again.");

/// What the verifier answers, as far as it matters.
#[derive(Deserialize)]
struct Verdict {
    success: bool,
    hostname: Option<String>,
    action: Option<String>,
    challenge_ts: Option<String>,
}

/// Refuses what may come from a machine, as the route says. `cleared_at`: when a captcha was solved.
pub(super) fn check_bot(
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

/// When this browser solved a captcha, where that still counts.
pub(super) fn cleared_at(config: &Config, request: &Incoming<'_>) -> Option<OffsetDateTime> {
    let (captcha, value) = (config.captcha.as_ref()?, request.cookies.clearance.as_ref()?);
    bearer(request).passed_at(&captcha.secret, value, request.now())
}

/// What becomes of an application's answer that asks for a captcha: none where that was solved a moment ago.
pub(super) fn asked_by_application(
    config: &Config,
    cleared_at: Option<OffsetDateTime>,
    now: OffsetDateTime,
) -> Option<Problem> {
    let fresh = cleared_at.is_some_and(|at| now < at.saturating_add(clearance::PATIENCE));
    (config.captcha.is_some() && !fresh).then_some(ASK)
}

/// The page that asks, for a person who wanted to go to `return_to`.
pub(super) fn challenge(config: &Config, problem: &Problem, request: &Incoming<'_>, return_to: &str) -> Outgoing {
    let (Some(captcha), Some(nonce)) = (&config.captcha, request.isolate.random_bytes().map(Secret::from_random))
    else {
        return problem.response(&refusal::failed(config, request, problem), true);
    };
    let (title, detail, ray) = (problem.title(), problem.to_string(), request.ray());
    let page = Page {
        title,
        detail: &detail,
        next: "This page goes on by itself as soon as the check is done. If you see none here, allow challenges.cloudflare.com \
               in this browser and load this page again.",
        ray: &ray,
        widget: Some(Widget {
            url: &format!("{}/captcha", config.auth_prefix),
            site_key: &captcha.site_key,
            action: &captcha.action,
            return_to,
            nonce: &nonce.expose(),
        }),
        ..Page::default()
    };
    problem.with_headers(pages::page(problem.status(), &page))
}

impl Gateway {
    /// `POST /captcha`: a challenge was solved.
    pub(super) async fn captcha(&self, request: &Incoming<'_>) -> Result<Outgoing, Problem> {
        let captcha = self.config.captcha.as_ref().ok_or(Problem::NotFound)?;
        let form = request.form().await?;
        let return_to = form.get("return_to").filter(|to| !to.is_empty()).unwrap_or("/");
        let return_to = refusal::return_to(&self.config, request, return_to)?;
        let token = form.get("cf-turnstile-response").unwrap_or_default();
        if !verify(&*self.link.http, captcha, request, token).await {
            return if request.wants_page() {
                Ok(challenge(&self.config, &AGAIN, request, &return_to))
            } else {
                Err(AGAIN)
            };
        }
        let value = bearer(request).issue(&captcha.secret, request.now()).ok_or(AGAIN)?;
        let cookie = request.jar().set_clearance(value, clearance::LIFE);
        Ok(Outgoing::redirect(303, &return_to).cookie(&cookie))
    }
}

fn bearer<'a>(request: &'a Incoming<'_>) -> Bearer<'a> {
    Bearer {
        host: &request.origin.host,
        network: request.head.visitor.network(),
        user_agent: request.header("user-agent").unwrap_or_default(),
    }
}

/// Asks the verifier. A token that cannot be verified is not good: no answer is a no.
async fn verify(calls: &dyn Http, captcha: &Captcha, request: &Incoming<'_>, token: &str) -> bool {
    if token.is_empty() || token.len() > MAX_TOKEN {
        return false;
    }
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("secret", &captcha.secret).append_pair("response", token);
    if let Some(address) = request.header("cf-connecting-ip") {
        form.append_pair("remoteip", address);
    }
    let outgoing = ::http::Request::builder()
        .method(::http::Method::POST)
        .uri(captcha.verify_url.as_str())
        .header("accept", "application/json")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form.finish().into_bytes());
    let Ok(outgoing): Result<HttpRequest, _> = outgoing else { return false };
    match http::send(calls, outgoing).await {
        Ok(response) if response.status().is_success() => {
            let host = request.url.host_str().unwrap_or_default();
            serde_json::from_slice(response.body())
                .is_ok_and(|verdict: Verdict| verdict.is_good(host, &captcha.action, request.now()))
        }
        Ok(response) => {
            request
                .isolate
                .error(&format!("the captcha could not be verified: the verifier answered {}", response.status()));
            false
        }
        Err(error) => {
            request.isolate.error(&format!("the captcha could not be verified at CAPTCHA_VERIFY_URL: {error}"));
            false
        }
    }
}

impl Verdict {
    fn is_good(&self, host: &str, action: &str, now: OffsetDateTime) -> bool {
        let solved_at = self.challenge_ts.as_deref().and_then(|at| OffsetDateTime::parse(at, &Rfc3339).ok());
        self.success
            && self.hostname.as_deref() == Some(host)
            && self.action.as_deref() == Some(action)
            && solved_at.is_some_and(|at| now < at.saturating_add(MAX_AGE) && at <= now.saturating_add(LEEWAY))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_is_good_for_this_host_and_action_and_for_five_minutes() {
        let now = OffsetDateTime::UNIX_EPOCH.saturating_add(Duration::minutes(4));
        let good = || Verdict {
            success: true,
            hostname: Some("app.example".into()),
            action: Some("gateway".into()),
            challenge_ts: Some("1970-01-01T00:00:00.000Z".into()),
        };
        let is_good = |verdict: Verdict| verdict.is_good("app.example", "gateway", now);
        assert!(is_good(good()));
        assert!(!is_good(Verdict { success: false, ..good() }));
        assert!(!is_good(Verdict { hostname: Some("evil.example".into()), ..good() }));
        assert!(!is_good(Verdict { hostname: None, ..good() }));
        assert!(!is_good(Verdict { action: Some("signup".into()), ..good() }));
        assert!(!is_good(Verdict { action: None, ..good() }));
        for at in [None, Some("1969-12-31T23:59:00Z"), Some("1970-01-01T00:10:00Z"), Some("now")] {
            assert!(!is_good(Verdict { challenge_ts: at.map(str::to_owned), ..good() }), "{at:?}");
        }
    }
}
