//! A login that has to be of a kind, or recent: what asks for it, and how it is told to `/login` (RFC 9470). Pure.
//!
//! A route asks for it by `acr` and `max_age`. `/login` finds that route by where it leads. An application asks for it by a challenge. Its
//! words go to `/login` sealed, so that no visitor puts them there.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::actors::wire;
use crate::config::authentication::Authentication;
use crate::config::routes::Route;
use crate::config::{Config, Origin};
use crate::gateway::request::Incoming;
use crate::gateway::request::headers::Headers;
use crate::runtime::Isolate;

/// The parameter of `/login`.
pub const PARAMETER: &str = "step_up";
/// The longest of its values.
const MAX_VALUE: usize = 1_024;
/// The error of a challenge (RFC 9470 section 3).
pub const ERROR: &str = "insufficient_user_authentication";

/// What a login has to be, as nobody but the gateway tells `/login`.
#[derive(Default, Serialize, Deserialize)]
pub struct StepUp {
    /// Of which kind, and how recent.
    pub authentication: Option<Authentication>,
    /// The provider has logged the user in otherwise already: it is to ask again (`prompt=login`).
    pub asks_anew: bool,
}

/// What a login has to be that leads to this route, and which an application may have asked for.
pub fn of_login(config: &Config, request: &Incoming<'_>, ruled: Option<&Route>, sealed: Option<&str>) -> StepUp {
    let StepUp { authentication: asked, asks_anew } =
        sealed.and_then(|sealed| open(config, &request.origin, sealed)).unwrap_or_default();
    let ruled = ruled.and_then(|route| route.authentication.clone());
    let authentication = match (ruled, asked) {
        (Some(ruled), Some(asked)) => Some(asked.and(ruled)),
        (ruled, asked) => ruled.or(asked),
    };
    StepUp { authentication, asks_anew }
}

/// The value of [`PARAMETER`]. None where there is no key.
pub fn seal(
    config: &Config,
    origin: &Origin,
    isolate: &dyn Isolate,
    wanted: &Authentication,
    asks_anew: bool,
) -> Option<String> {
    let plain = wire::encode(&StepUp { authentication: Some(wanted.clone()), asks_anew }).ok()?;
    let sealed = config.login_keys.seal(isolate.random_bytes()?, &context(origin), &plain)?;
    Some(BASE64_URL_SAFE_NO_PAD.encode(sealed))
}

fn open(config: &Config, origin: &Origin, sealed: &str) -> Option<StepUp> {
    if sealed.len() > MAX_VALUE {
        return None;
    }
    let sealed = BASE64_URL_SAFE_NO_PAD.decode(sealed).ok()?;
    wire::decode(&config.login_keys.open(&context(origin), &sealed)?).ok()
}

fn context(origin: &Origin) -> Vec<u8> {
    format!("{}\n{PARAMETER}", origin.text).into_bytes()
}

/// The challenge for a client.
pub fn challenge(authentication: &Authentication) -> Vec<(&'static str, String)> {
    let acr = (!authentication.acr.is_empty()).then(|| ("acr_values", quoted(&authentication.acr_values())));
    let age = authentication.max_age.map(|age| ("max_age", age.to_string()));
    [("error", quoted(ERROR))].into_iter().chain(acr).chain(age).collect()
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

/// What an application's challenge asks for.
pub fn asked_by_application(seen: &Headers<'_>) -> Option<Authentication> {
    let challenge = seen.get("www-authenticate")?;
    let parameters = challenge
        .trim_start()
        .get(..7)
        .filter(|scheme| scheme.eq_ignore_ascii_case("bearer "))
        .and_then(|_| challenge.trim_start().get(7..))?;
    let of = |wanted: &str| parameter(parameters, wanted);
    if of("error").as_deref() != Some(ERROR) {
        return None;
    }
    let acr = of("acr_values").unwrap_or_default();
    let acr: Vec<&str> = acr.split(' ').filter(|value| !value.is_empty()).collect();
    Authentication::of(&acr, of("max_age").and_then(|age| age.parse().ok()))
}

/// The value of a parameter, which is a token or a quoted string (RFC 9110 section 11.2).
fn parameter(mut rest: &str, wanted: &str) -> Option<String> {
    loop {
        let (name, behind) = rest.split_once('=')?;
        let behind = behind.trim_start();
        let (value, next) = match behind.strip_prefix('"') {
            Some(quoted) => {
                let (value, next) = quoted.split_once('"')?;
                // Nothing that is asked for here has a quote in it.
                (value, next.split_once(',').map_or("", |(_, next)| next))
            }
            None => behind.split_once(',').unwrap_or((behind, "")),
        };
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(value.trim().to_owned());
        }
        rest = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(challenge: &str) -> Option<Authentication> {
        asked_by_application(&Headers::read(&format!("www-authenticate,{challenge}\n")))
    }

    #[test]
    fn an_application_asks_by_the_challenge_of_rfc_9470() {
        let both = Authentication::of(&["mfa", "phr"], Some(5));
        for challenge in [
            r#"Bearer error="insufficient_user_authentication", error_description="A different authentication level is required", acr_values="mfa phr", max_age="5""#,
            r#"bearer max_age=5 , acr_values = "mfa phr",error=insufficient_user_authentication"#,
        ] {
            assert_eq!(asked(challenge), both, "{challenge}");
        }
        for other in [
            "Bearer",
            r#"Bearer error="invalid_token", max_age=5"#,
            r#"Bearer error="insufficient_user_authentication""#,
            r#"Basic error="insufficient_user_authentication", max_age=5"#,
            r#"Bearer error="insufficient_user_authentication", max_age=x"#,
            r#"Bearer error="insufficient_user_authentication, max_age=5"#,
        ] {
            assert_eq!(asked(other), None, "{other}");
        }
    }
}
