//! The page that asks for a captcha (Cloudflare Turnstile). Pure.

use crate::config::Config;
use crate::credential::Secret;
use crate::gateway::answer::failed_request::FailedRequest;
use crate::gateway::answer::html::{self, Page, Widget};
use crate::gateway::answer::response::Outgoing;
use crate::gateway::problem::Problem;
use crate::gateway::request::Incoming;

/// The page that asks. A person who passes goes on to `return_to`.
pub(crate) fn challenge(config: &Config, problem: &Problem, request: &Incoming<'_>, return_to: &str) -> Outgoing {
    let (Some(captcha), Some(nonce)) = (&config.captcha, request.isolate.random_bytes().map(Secret::from_random))
    else {
        return problem.response(&FailedRequest::of(request, Some(config), problem), true);
    };
    let (title, detail, ray) = (problem.title(), problem.plain().to_string(), request.ray());
    let page = Page {
        title,
        detail: &detail,
        next: "This page continues automatically when the check is done. If you do not see a check here, allow \
               challenges.cloudflare.com in this browser and reload the page.",
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
    problem.with_headers(html::page(&config.brand, problem.status(), &page))
}
