//! Whose tokens are taken. Pure.

use serde_json::Value;

use crate::config::OidcSettings;
use crate::jose::Claims;

/// Whose tokens are taken.
#[derive(Clone, Copy, Debug)]
pub enum Issuer<'a> {
    /// This issuer's.
    Exactly(&'a str),
    /// Those of a tenant that is let in.
    Tenant {
        /// Which are let in.
        settings: &'a OidcSettings,
        /// The issuer that the session, or the authorization response, is from: another tenant's tokens have no place there.
        of: Option<&'a str>,
    },
}

impl<'a> Issuer<'a> {
    /// The issuer of these settings; `of` where it is known which tenant's.
    pub fn of(settings: &'a OidcSettings, of: Option<&'a str>) -> Self {
        match settings.tenants {
            None => Self::Exactly(settings.issuer.as_str()),
            Some(_) => Self::Tenant { settings, of },
        }
    }

    /// Whether a token with these claims and this `iss` is the issuer's, if its signature is good.
    pub fn is(self, iss: &str, claims: &Claims) -> bool {
        match self {
            Self::Exactly(issuer) => iss == issuer,
            Self::Tenant { settings, of } => {
                settings.is_issuer(iss, claims.get("tid").and_then(Value::as_str)) && of.is_none_or(|of| of == iss)
            }
        }
    }

    /// Whether a key whose member `issuer` is this may sign tokens of `iss`. A provider of several tenants publishes the keys of all of them.
    pub fn is_signed_by(self, key_issuer: &Value, iss: &str) -> bool {
        match self {
            Self::Exactly(_) => true,
            Self::Tenant { settings, .. } => key_issuer.as_str().is_some_and(|key| settings.is_key_of(key, iss)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::{Config, ProviderSettings};

    const A: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";
    const B: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";

    fn settings(tenants: &str) -> OidcSettings {
        let config = Config::read(|name| match name {
            "OIDC_ISSUER" => Some("https://op.example/{tenantid}/v2.0".into()),
            "OIDC_TENANTS" => Some(tenants.into()),
            "OIDC_CLIENT_ID" | "OIDC_CLIENT_SECRET" => Some("x".into()),
            "UPSTREAM" => Some("https://app.internal".into()),
            _ => None,
        });
        match config.unwrap().providers.single().unwrap().settings.clone() {
            ProviderSettings::Oidc(oidc) => oidc,
            other => panic!("{other:?}"),
        }
    }

    fn of(tenant: &str) -> String {
        format!("https://op.example/{tenant}/v2.0")
    }

    fn is(issuer: Issuer<'_>, iss: &str, tid: &Value) -> bool {
        let claims = json!({"iss": iss, "tid": tid});
        issuer.is(iss, claims.as_object().unwrap())
    }

    #[test]
    fn a_token_is_of_the_tenant_that_it_names_twice() {
        let settings = settings("");
        let issuer = Issuer::of(&settings, None);
        assert!(is(issuer, &of(A), &json!(A)) && is(issuer, &of(B), &json!(B)));
        assert!(!is(issuer, &of(A), &json!(B)), "iss of one tenant, tid of another");
        for no_tid in [json!(null), json!(""), json!(7), json!([A]), json!("{tenantid}")] {
            assert!(!is(issuer, &of(A), &no_tid), "{no_tid}");
        }
        assert!(!Issuer::of(&settings, None).is(&of(A), json!({"iss": of(A)}).as_object().unwrap()), "no tid at all");
    }

    #[test]
    fn a_tenant_with_characters_that_would_change_the_url_is_none() {
        let settings = settings("");
        let issuer = Issuer::of(&settings, None);
        for odd in [
            "",
            "a/b",
            "a/../b",
            "..",
            "a?b",
            "a#b",
            "a%2fb",
            "{tenantid}",
            "a b",
            "a\n",
            "ä",
            "a.b",
            "a@b",
            &"a".repeat(65),
        ] {
            assert!(!is(issuer, &of(odd), &json!(odd)), "{odd}");
        }
        for iss in [
            "https://op.example/{tenantid}/v2.0",
            "https://evil.example/a/v2.0",
            "https://op.example/a/v2.0/",
            "https://op.example/a",
        ] {
            assert!(!is(issuer, iss, &json!("a")), "{iss}");
        }
        assert!(is(issuer, &of("a"), &json!("a")));
    }

    #[test]
    fn a_key_of_another_tenant_signs_for_no_other() {
        let settings = settings("");
        let issuer = Issuer::of(&settings, None);
        for good in [of(A), of("{tenantid}")] {
            assert!(issuer.is_signed_by(&json!(good), &of(A)), "{good}");
        }
        for bad in [json!(of(B)), json!(""), json!("https://evil.example/{tenantid}/v2.0"), json!([of(A)]), json!(7)] {
            assert!(!issuer.is_signed_by(&bad, &of(A)), "{bad}");
        }
        assert!(!issuer.is_signed_by(&json!(of("{tenantid}")), "https://evil.example"), "no tenant's");
        assert!(Issuer::Exactly("https://op.example").is_signed_by(&json!("x"), "https://op.example"));
    }

    #[test]
    fn a_tenant_that_is_not_listed_is_not_let_in() {
        let settings = settings(&format!("{A}, {}", B.to_uppercase()));
        let issuer = Issuer::of(&settings, None);
        assert!(is(issuer, &of(A), &json!(A)) && is(issuer, &of(B), &json!(B)));
        let other = "11111111-1111-1111-1111-111111111111";
        assert!(!is(issuer, &of(other), &json!(other)));
        assert!(!settings.may_be_issuer(&of(other)) && settings.may_be_issuer(&of(A)));
    }

    #[test]
    fn a_session_is_of_one_tenant() {
        let settings = settings("");
        let session = of(A);
        let issuer = Issuer::of(&settings, Some(&session));
        assert!(is(issuer, &of(A), &json!(A)));
        assert!(!is(issuer, &of(B), &json!(B)));
    }
}
