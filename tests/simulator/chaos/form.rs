//! Forms: each arrives at most once, as its user filled it in, and for that user alone; also one that waits for a login.
//!
//! The boundary of a form's parts is its number.

use std::rc::Rc;

use edge_oauth_sessions::gateway::parked_form::MARK;

use super::super::gateway::Seen;
use super::Run;
use super::browser::Browser;
use super::request::Request;
use super::truth::{FilledIn, Known, Truth};

const PARTS: &str = "multipart/form-data; boundary=f";

/// The number of the form in this body.
fn number_of(content_type: &str) -> Option<u64> {
    content_type.strip_prefix(PARTS)?.parse().ok()
}

fn post(content_type: &str, body: &str) -> Request {
    Request::navigation("POST", "/form", "same-origin")
        .header("content-length", &body.len().to_string())
        .body(content_type, body)
}

impl Truth {
    /// A form is sent for the first time.
    pub fn note_form(&self, request: &Request, known: Option<&Known>) {
        let mut types = request.headers.iter().filter(|(name, _)| *name == "content-type");
        let number = types.next().and_then(|(_, content_type)| number_of(content_type));
        if let Some(number) = number {
            let user = known.map(|known| known.user.clone());
            self.forms.borrow_mut().insert(number, FilledIn { user, has_arrived: false });
        }
    }

    /// Judges what reaches the application of a session's.
    pub fn judge_form(&self, seen: &Seen, known: &Known) {
        let Some(content_type) = seen.headers.get("content-type") else { return };
        let tally = &self.world.tally;
        tally.must(content_type != "text/plain", "what stands for a form goes upstream", || seen.what.clone());
        let mut forms = self.forms.borrow_mut();
        let Some(form) = number_of(content_type).and_then(|number| forms.get_mut(&number)) else { return };
        tally.must(!form.has_arrived, "a form is sent twice", || content_type.clone());
        tally.must(form.user.as_ref() == Some(&known.user), "a form is sent for another user", || {
            format!("{content_type} of {:?} for {}", form.user, known.user)
        });
        form.has_arrived = true;
    }
}

impl Run {
    /// The user sends a form. Where it has to wait, a page sends it on once they have logged in, and sometimes two tabs do.
    pub async fn submit(&self, browser: Rc<Browser>) {
        if self.world.executor.below(2) == 0 {
            // Its session ends while the user fills it in.
            let known = browser.session().and_then(|cookie| self.truth.of_cookie(&cookie));
            if let Some(known) = known {
                self.revoke(&known.user).await;
            }
        }
        let number = self.world.executor.number();
        let form = post(&format!("{PARTS}{number}"), "the fields");
        let Some(seen) = self.navigate(Rc::clone(&browser), "/form", Some(form)).await else { return };
        // The mark's name is that of a field.
        if !MARK.split_once('=').is_some_and(|(name, _)| seen.body.contains(name)) {
            return;
        }
        self.tell(|| format!("{} sends form {number} on", browser.name));
        let again = || post("text/plain", &format!("{MARK}\r\n"));
        if self.world.executor.below(3) == 0 {
            let (run, browser) = (self.clone(), Rc::clone(&browser));
            self.begin(async move { drop(run.navigate(browser, "/form", Some(again())).await) });
        }
        drop(self.navigate(browser, "/form", Some(again())).await);
    }
}
