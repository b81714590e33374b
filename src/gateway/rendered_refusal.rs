//! The everyday refusal: a request that has no session and opens no page. It is rendered once; the next ones differ in their
//! reference alone. Pure.

use std::cell::OnceCell;

use crate::gateway::answer::failed_request::FailedRequest;
use crate::gateway::answer::response::Outgoing;
use crate::gateway::problem::Problem;
use crate::gateway::request::Incoming;

/// What stands in place of the reference while it is rendered.
const PLACE: &str = "the-reference-goes-here";

/// What stands in front of the reference, and behind it.
#[derive(Debug, Default)]
pub struct RenderedRefusal(OnceCell<Option<(String, String)>>);

impl RenderedRefusal {
    /// The refusal of this request as the text that `render` makes of it. None: this one has to be rendered in full.
    pub fn of(
        &self,
        request: &Incoming<'_>,
        problem: &Problem,
        render: impl FnOnce(&Outgoing) -> String,
    ) -> Option<String> {
        let is_everyday = matches!(problem, Problem::LoginRequired) && !request.wants_page();
        let ray = is_everyday.then(|| request.ray()).filter(|ray| needs_no_escape(ray))?;
        let rendered = || {
            let failed = FailedRequest::unreadable(PLACE.to_owned());
            let outgoing = Problem::LoginRequired.response_with_link(&failed, false, None);
            let text = render(&outgoing);
            text.split_once(PLACE).map(|(front, behind)| (front.to_owned(), behind.to_owned()))
        };
        let (front, behind) = self.0.get_or_init(rendered).as_ref()?;
        Some([front, ray.as_str(), behind].concat())
    }
}

/// The answer to a request that a panic took along, in two parts: the request's reference goes between them. `entry.mjs` gives it,
/// as the WebAssembly instance that had the request is gone.
pub fn of_lost(render: impl FnOnce(&Outgoing) -> String) -> Option<(String, String)> {
    let failed = FailedRequest::unreadable(PLACE.to_owned());
    let text = render(&Problem::StoreUnavailable.response_with_link(&failed, false, None));
    text.split_once(PLACE).map(|(front, behind)| (front.to_owned(), behind.to_owned()))
}

fn needs_no_escape(ray: &str) -> bool {
    ray.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}
