//! What the log says of a request that failed: one line, with the reference that its page shows. Pure.
//!
//! A problem cannot be rendered without this, and [`crate::platform::reply`] writes the line: so no
//! failing request misses it, and none has two.
//!
//! Architecture Invariant: the line holds no query, body or cookie, and of the headers only Cloudflare's ray.

use std::borrow::Cow;
use std::rc::Rc;

use percent_encoding::percent_decode_str;
use serde::Serialize;

use crate::actors::log;
use crate::config::brand::Brand;
use crate::config::{Config, in_fields};
use crate::gateway::problem::Problem;
use crate::gateway::request::Incoming;
use crate::gateway::request::route::{self, Host, Target};

/// Longer paths are cut: the route says enough.
const MAX_PATH: usize = 512;

/// The request that failed.
#[derive(Debug, Default)]
pub struct FailedRequest {
    /// Finds the line; the page or the problem document shows it.
    pub ray: String,
    /// How its page looks.
    pub brand: Rc<Brand>,
    method: String,
    path: String,
    route: Option<String>,
    remark: Option<String>,
    /// There is a table of providers: its fields are named, and no variables.
    has_table: bool,
}

#[derive(Serialize)]
struct FailedRequestLine<'a> {
    event: &'static str,
    outcome: &'static str,
    status: u16,
    ray: &'a str,
    method: &'a str,
    path: &'a str,
    route: Option<&'a str>,
    detail: &'a str,
    release: &'static str,
}

impl FailedRequest {
    /// A request of which nothing can be read.
    pub fn unreadable(ray: String) -> Self {
        Self { ray, ..Self::default() }
    }

    /// This request, which failed so; `config` is what it was routed by, where there is any. Of one that has no line nothing is
    /// found out but its reference.
    pub fn of(request: &Incoming<'_>, config: Option<&Config>, problem: &Problem) -> Self {
        if !is_told(problem) {
            let brand = config.map(|config| Rc::clone(&config.brand)).unwrap_or_default();
            return Self { brand, ..Self::unreadable(request.ray()) };
        }
        let path = without_subject(config, request.address.path());
        Self {
            ray: request.ray(),
            brand: config.map(|config| Rc::clone(&config.brand)).unwrap_or_default(),
            method: request.method().to_owned(),
            path: path.chars().take(MAX_PATH).collect(),
            route: config.and_then(|config| route_of(request, config)),
            remark: request.remarked(),
            has_table: config.is_some_and(|config| config.providers.is_table()),
        }
    }

    /// What the log, a page or a document says of it, with the names that its operator knows.
    pub fn naming<'a>(&self, words: Cow<'a, str>) -> Cow<'a, str> {
        if self.has_table { in_fields(&words).into() } else { words }
    }

    /// The log line of this problem. None: an operator need not hear of it.
    pub fn line(&self, problem: &Problem) -> Option<String> {
        if !is_told(problem) {
            return None;
        }
        let detail: Vec<String> = [problem.in_full()].into_iter().chain(self.remark.clone()).collect();
        let detail = self.naming(detail.join(" ").into());
        let line = FailedRequestLine {
            event: "request",
            outcome: problem.code(),
            status: problem.status(),
            ray: &self.ray,
            method: &self.method,
            path: &self.path,
            route: self.route.as_deref(),
            detail: &detail,
            release: env!("CARGO_PKG_VERSION"),
        };
        serde_json::to_string(&line).ok()
    }
}

/// Whether a problem gets a log line. An operator need not hear of those that visitors can mend.
fn is_told(problem: &Problem) -> bool {
    let of_interest = ["callback_rejected", "csrf_rejected", "forbidden", "rate_limited"];
    problem.status() >= 500 || of_interest.contains(&problem.code())
}

/// The route's `match`, or the endpoint's address.
fn route_of(request: &Incoming<'_>, config: &Config) -> Option<String> {
    let routed = match route::host(config, &request.address) {
        Host::Administration(_) => route::administration(config, &request.address),
        Host::Ours(_) | Host::Insecure(_) | Host::Foreign => route::route(config, &request.address, request.asked()),
    };
    match routed {
        Target::Own(endpoint) => Some(format!("{}{}", config.auth_prefix, endpoint.path())),
        Target::Application(route) => Some(route.pattern.to_string()),
        Target::NotFound | Target::Refused(_) => None,
    }
}

/// A path in which a user is named as log lines name users. If the issuer is not known, `-` stands for the user.
fn without_subject(config: Option<&Config>, path: &str) -> String {
    let users =
        config.map_or_else(|| "/admin/users/".to_owned(), |config| format!("{}/admin/users/", config.auth_prefix));
    let found = match config {
        Some(_) => path.strip_prefix(&users).map(|rest| ("", rest)),
        None => path.split_once(&users),
    };
    let Some((before, (subject, rest))) =
        found.map(|(before, behind)| (before, behind.split_once('/').unwrap_or((behind, ""))))
    else {
        return path.to_owned();
    };
    let subject = percent_decode_str(subject).decode_utf8_lossy();
    let user = config
        .and_then(|config| Some(log::user(config.providers.only_issuer()?, &subject, config.log_subject)))
        .unwrap_or_else(|| "-".to_owned());
    format!("{before}{users}{user}/{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actors::end_reason::EndReason;
    use crate::gateway::answer::response::Body;

    fn failed() -> FailedRequest {
        FailedRequest {
            brand: Rc::default(),
            ray: "ray-1".into(),
            method: "GET".into(),
            path: "/auth/callback".into(),
            route: Some("/auth/callback".into()),
            remark: None,
            has_table: false,
        }
    }

    #[test]
    fn a_path_in_the_log_names_no_user() {
        let config = Config::read(|name| match name {
            "OIDC_ISSUER" => Some("https://op.example".into()),
            "OIDC_CLIENT_ID" => Some("gateway".into()),
            "OIDC_CLIENT_SECRET" => Some("secret".into()),
            "UPSTREAM" => Some("https://app.internal".into()),
            _ => None,
        })
        .unwrap();
        let hash = log::user("https://op.example", "auth0|ada", crate::config::LogSubject::Hash);
        for (path, logged) in [
            ("/auth/admin/users/auth0%7Cada/sessions", format!("/auth/admin/users/{hash}/sessions")),
            ("/auth/admin/users/auth0%7Cada", format!("/auth/admin/users/{hash}/")),
            ("/admin/users/7/sessions", "/admin/users/7/sessions".into()),
            ("/orders", "/orders".into()),
        ] {
            assert_eq!(without_subject(Some(&config), path), logged);
        }
        assert_eq!(without_subject(None, "/gate/admin/users/ada/sessions"), "/gate/admin/users/-/sessions");
        assert_eq!(without_subject(None, "/orders"), "/orders");
    }

    #[test]
    fn beside_a_table_of_providers_the_log_the_page_and_the_document_name_its_fields() {
        let problem = Problem::ProviderRejected("it refuses this client. Check OIDC_CLIENT_ID".into());
        let said = |has_table, page| {
            let failed = FailedRequest { has_table, ..failed() };
            let response = problem.response(&failed, page);
            let (Body::Html(body) | Body::Problem(body)) = response.body else { panic!("neither page nor document") };
            [body, response.line.unwrap()]
        };
        for page in [true, false] {
            assert!(said(true, page).iter().all(|text| text.contains("Check client_id")), "{page}");
            assert!(said(false, page).iter().all(|text| text.contains("Check OIDC_CLIENT_ID")), "{page}");
        }
    }

    #[test]
    fn a_failed_request_is_one_json_object_in_the_documented_shape() {
        let problem = Problem::CallbackRejected("it was \"cancelled\"\n".into())
            .explained("the provider said: access_denied".to_owned());
        assert_eq!(
            failed().line(&problem).unwrap(),
            format!(
                concat!(
                    r#"{{"event":"request","outcome":"callback_rejected","status":400,"ray":"ray-1","method":"GET","#,
                    r#""path":"/auth/callback","route":"/auth/callback","detail":"The login could not be completed: "#,
                    r#"it was \"cancelled\"\n. the provider said: access_denied","release":"{}"}}"#
                ),
                env!("CARGO_PKG_VERSION")
            )
        );
    }

    #[test]
    fn what_a_visitor_can_mend_has_no_line_and_what_an_operator_should_know_has_one() {
        for none in [
            Problem::LoginRequired,
            Problem::SessionEnded(EndReason::Idle),
            Problem::InvalidToken("x"),
            Problem::NotFound,
            Problem::MethodNotAllowed("GET"),
            Problem::BadRequest("x"),
            Problem::HeadersTooLarge,
            Problem::BotScoreTooLow,
        ] {
            assert_eq!(failed().line(&none), None, "{none:?}");
        }
        for some in [
            Problem::CsrfRejected,
            Problem::Forbidden,
            Problem::ProviderRejected("x".into()),
            Problem::ProviderUnavailable { retry_after: 1 },
            Problem::KeysUnavailable,
            Problem::UpstreamUnavailable,
            Problem::UpstreamTimeout,
            Problem::StoreUnavailable,
            Problem::ConfigInvalid(Vec::new()),
        ] {
            assert!(failed().line(&some).is_some(), "{some:?}");
        }
    }

    #[test]
    fn what_entry_mjs_logs_itself_has_the_version_of_the_code() {
        let package: serde_json::Value = serde_json::from_str(include_str!("../../../package.json")).unwrap();
        assert_eq!(package["version"], env!("CARGO_PKG_VERSION"));
    }

    #[test]
    fn an_invalid_configuration_is_told_by_the_names_of_its_variables() {
        let problems = vec![crate::config::ConfigProblem { variable: "UPSTREAM".into(), message: "is missing".into() }];
        let line = failed().line(&Problem::ConfigInvalid(problems)).unwrap();
        assert!(line.contains("UPSTREAM is missing"), "{line}");
    }
}
