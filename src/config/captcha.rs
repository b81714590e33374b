//! `CAPTCHA_…`: the Turnstile widget, and what is derived from its secret.

use url::Url;
use zeroize::Zeroizing;

use super::origin::is_allowed;
use super::reader::Reader;
use super::routes::{CaptchaRule, Route};

/// Where Turnstile's answers are verified.
const TURNSTILE: &str = "https://challenges.cloudflare.com/turnstile/v0/siteverify";

/// The captcha's registration.
#[derive(Clone)]
pub struct Captcha {
    /// `CAPTCHA_SITE_KEY`: goes into the page.
    pub site_key: String,
    /// `CAPTCHA_SECRET`: goes to the verifier, and keys the clearance.
    pub secret: Zeroizing<String>,
    /// `CAPTCHA_ACTION`: goes into the widget and is demanded back.
    pub action: String,
    /// `CAPTCHA_VERIFY_URL`.
    pub verify_url: Url,
}

impl std::fmt::Debug for Captcha {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Captcha")
            .field("site_key", &self.site_key)
            .field("action", &self.action)
            .finish_non_exhaustive()
    }
}

impl<V: Fn(&str) -> Option<String>> Reader<V> {
    /// The captcha; none where no route asks for one and none is registered.
    pub(super) fn captcha(&mut self, routes: &[Route]) -> Option<Captcha> {
        let (site_key, secret) = (self.text("CAPTCHA_SITE_KEY"), self.text("CAPTCHA_SECRET"));
        let action = self.text("CAPTCHA_ACTION").unwrap_or_else(|| "gateway".to_owned());
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        if action.len() > 32 || !action.bytes().all(plain) {
            self.problem("CAPTCHA_ACTION", "must be at most 32 letters, digits, - and _");
        }
        let verify_url = self.text("CAPTCHA_VERIFY_URL").unwrap_or_else(|| TURNSTILE.to_owned());
        let verify_url = Url::parse(&verify_url).ok().filter(is_allowed);
        if verify_url.is_none() {
            self.problem("CAPTCHA_VERIFY_URL", "must be an https URL (http on loopback hosts only)");
        }
        let asked = routes.iter().any(|route| route.captcha != CaptchaRule::Never);
        let half = site_key.is_some() != secret.is_some();
        for (name, value, what) in [
            ("CAPTCHA_SITE_KEY", &site_key, "the widget's site key"),
            ("CAPTCHA_SECRET", &secret, "the widget's secret key"),
        ] {
            if value.is_none() && (asked || half) {
                self.problem(name, &format!("is missing: {what}, from the Turnstile page of the Cloudflare dashboard"));
            }
        }
        Some(Captcha { site_key: site_key?, secret: Zeroizing::new(secret?), action, verify_url: verify_url? })
    }
}
