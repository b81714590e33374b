//! `/captcha`: a browser says that it solved a challenge of Cloudflare Turnstile's. The verifier says whether that is true.

use openidconnect::HttpRequest;
use serde::Deserialize;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use url::form_urlencoded;

use crate::config::captcha::Captcha;
use crate::gateway::answer::captcha_page::challenge;
use crate::gateway::answer::refusal;
use crate::gateway::answer::response::Outgoing;
use crate::gateway::context::Gateway;
use crate::gateway::forward::captcha::bearer;
use crate::gateway::forward::clearance;
use crate::gateway::problem::Problem;
use crate::gateway::request::Incoming;
use crate::http;
use crate::runtime::Http;

/// Longer tokens are none of Turnstile's.
const MAX_TOKEN: usize = 2048;
/// How old a solved challenge may be.
const MAX_AGE: Duration = Duration::minutes(5);
/// How far the verifier's clock may be ahead.
const LEEWAY: Duration = Duration::minutes(1);

const AGAIN: Problem = Problem::CaptchaRequired("The check failed. Please try again.");

/// The members of the verifier's answer that matter here.
#[derive(Deserialize)]
struct Verification {
    success: bool,
    hostname: Option<String>,
    action: Option<String>,
    challenge_ts: Option<String>,
}

/// `POST /captcha`: a challenge was solved.
pub(crate) async fn serve(gateway: &Gateway, request: &Incoming<'_>) -> Result<Outgoing, Problem> {
    let captcha = gateway.config.captcha.as_ref().ok_or(Problem::NotFound)?;
    let form = request.form().await?;
    let return_to = form.get("return_to").filter(|to| !to.is_empty()).unwrap_or(gateway.config.home());
    let return_to = refusal::return_to(&gateway.config, request, return_to)?;
    let token = form.get("cf-turnstile-response").unwrap_or_default();
    if !verify(&*gateway.link.http, captcha, request, token).await {
        return if request.wants_page() {
            Ok(challenge(&gateway.config, &AGAIN, request, &return_to))
        } else {
            Err(AGAIN)
        };
    }
    let value = bearer(request).issue(&captcha.secret, request.now()).ok_or(AGAIN)?;
    let cookie = request.jar().set_clearance(value, clearance::LIFE);
    Ok(Outgoing::redirect(303, &return_to).cookie(&cookie))
}

/// Asks the verifier. Without an answer the token counts as bad.
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
            let (host, _) = request.address.origin.host_and_port();
            serde_json::from_slice(response.body())
                .is_ok_and(|verification: Verification| verification.is_good(host, &captcha.action, request.now()))
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

impl Verification {
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
    fn a_verification_is_good_for_this_host_and_action_and_for_five_minutes() {
        let now = OffsetDateTime::UNIX_EPOCH.saturating_add(Duration::minutes(4));
        let good = || Verification {
            success: true,
            hostname: Some("app.example".into()),
            action: Some("gateway".into()),
            challenge_ts: Some("1970-01-01T00:00:00.000Z".into()),
        };
        let is_good = |verification: Verification| verification.is_good("app.example", "gateway", now);
        assert!(is_good(good()));
        assert!(!is_good(Verification { success: false, ..good() }));
        assert!(!is_good(Verification { hostname: Some("evil.example".into()), ..good() }));
        assert!(!is_good(Verification { hostname: None, ..good() }));
        assert!(!is_good(Verification { action: Some("signup".into()), ..good() }));
        assert!(!is_good(Verification { action: None, ..good() }));
        for at in [None, Some("1969-12-31T23:59:00Z"), Some("1970-01-01T00:10:00Z"), Some("now")] {
            assert!(!is_good(Verification { challenge_ts: at.map(str::to_owned), ..good() }), "{at:?}");
        }
    }
}
