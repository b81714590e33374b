//! The response to a request that does not get what it asked for: an RFC 9457 problem document, or a page with the same words
//! where a person reads it.

use serde::Serialize;

use crate::config;
use crate::gateway::answer::error_page::LinkTarget;
use crate::gateway::answer::failed_request::FailedRequest;
use crate::gateway::answer::response::{Body, Outgoing};
use crate::gateway::problem::Problem;
use crate::gateway::step_up;

impl Problem {
    /// The response: a page if a person will read it, else a document.
    pub fn response(&self, failed: &FailedRequest, page: bool) -> Outgoing {
        self.response_with_link(failed, page, None)
    }

    /// The same, with a link on the page.
    pub fn response_with_link(&self, failed: &FailedRequest, page: bool, link: Option<(LinkTarget, &str)>) -> Outgoing {
        self.response_with_links(failed, page, link, &[])
    }

    /// The same; a problem document names the link where that is a login. A page has others to choose among, too: the URL and the words of
    /// each.
    pub fn response_with_links(
        &self,
        failed: &FailedRequest,
        page: bool,
        link: Option<(LinkTarget, &str)>,
        choices: &[(String, &str)],
    ) -> Outgoing {
        let (status, code, title) = self.status_code_title();
        let ray = failed.ray.as_str();
        let mut response = if page {
            self.plain().page(failed, status, title, link, choices)
        } else {
            let document = ProblemDocument {
                kind: "about:blank",
                title,
                status,
                code,
                detail: &failed.naming(self.to_string().into()),
                reason: match self.plain() {
                    Self::SessionEnded(reason) | Self::AlreadyEnded(reason) => Some(reason.as_str()),
                    _ => None,
                },
                problems: match self.plain() {
                    Self::ConfigInvalid(problems) => Some(problems),
                    _ => None,
                },
                login: link.filter(|(way, _)| matches!(way, LinkTarget::LogIn)).map(|(_, url)| url),
                ray,
            };
            Outgoing::new(status, Body::Problem(serde_json::to_string(&document).unwrap_or_default()))
        };
        response.line = failed.line(self);
        self.with_headers(response)
    }

    /// The response with the headers that belong to the problem, whatever its body is.
    pub fn with_headers(&self, mut response: Outgoing) -> Outgoing {
        if let Some(seconds) = self.retry_after() {
            response = response.header("retry-after", &seconds.max(1).to_string());
        }
        match self.plain() {
            Self::MethodNotAllowed(methods) => response.header("allow", methods),
            Self::InvalidToken(_) => response.header("www-authenticate", "Bearer error=\"invalid_token\""),
            Self::AuthenticationInsufficient(authentication) => {
                response.header("www-authenticate", &bearer_challenge(&step_up::challenge(authentication)))
            }
            Self::CaptchaRequired(_) => response.header("cf-challenge", "captcha"),
            _ => response,
        }
    }
}

/// A challenge for a bearer token (RFC 6750 section 3) with these parameters.
pub fn bearer_challenge(parameters: &[(&str, String)]) -> String {
    let parameters: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("Bearer {}", parameters.join(", "))
}

/// A problem document (RFC 9457 section 3), with the gateway's own members.
#[derive(Serialize)]
struct ProblemDocument<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    code: &'static str,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problems: Option<&'a [config::ConfigProblem]>,
    /// Where the login begins that the request needs; `return_to` is still to be added.
    #[serde(skip_serializing_if = "Option::is_none")]
    login: Option<&'a str>,
    ray: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actors::end_reason::EndReason;

    fn failed(ray: &str) -> FailedRequest {
        FailedRequest::unreadable(ray.to_owned())
    }

    #[test]
    fn a_problem_document_has_the_documented_fields() {
        let response = Problem::SessionEnded(EndReason::Idle).response(&failed("ray-1"), false);
        let Body::Problem(body) = &response.body else { panic!("not a problem document") };
        let document: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(response.status, 401);
        assert_eq!(document["code"], "session_ended");
        assert_eq!(document["reason"], "idle");
        assert_eq!(document["ray"], "ray-1");
        assert_eq!(document["status"], 401);
    }

    #[test]
    fn what_passes_says_when_to_come_back() {
        let response = Problem::ProviderUnavailable { retry_after: 30 }.response(&failed(""), false);
        assert!(response.headers.contains(&("retry-after", "30".to_owned())));
        let response = Problem::MethodNotAllowed("GET").response(&failed(""), true);
        assert!(response.headers.contains(&("allow", "GET".to_owned())));
    }

    #[test]
    fn a_page_escapes_what_it_quotes() {
        let response = Problem::CallbackRejected("<script>".into()).response(&failed("\"ray\""), true);
        let Body::Html(body) = &response.body else { panic!("not a page") };
        assert!(!body.contains("<script>") && body.contains("&lt;script&gt;"));
    }

    #[test]
    fn what_the_log_alone_says_is_in_no_answer() {
        let why = "the provider said: invalid_request (prompt=consent is needed)";
        let plain = Problem::ProviderUnavailable { retry_after: 7 };
        let problem = plain.clone().explained(why.to_owned()).explained("and more".to_owned());
        for page in [false, true] {
            let (response, as_before) = (problem.response(&failed("1"), page), plain.response(&failed("1"), page));
            assert_eq!((response.status, &response.headers), (as_before.status, &as_before.headers));
            let text = |outgoing: &Outgoing| match &outgoing.body {
                Body::Problem(text) | Body::Html(text) => text.clone(),
                Body::Empty | Body::Json(_) => panic!("neither a document nor a page"),
            };
            assert_eq!(text(&response), text(&as_before));
            assert!(response.line.unwrap().contains("(prompt=consent is needed) and more"));
        }
    }
}
