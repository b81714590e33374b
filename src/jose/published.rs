//! The documents that are kept in this isolate, and the calls that fetch them: [`super::document`] decides, this does.
//!
//! The documents of an isolate are its requests' and its actors' alike. A future cannot be shared between requests of the
//! stateless Worker, and so those who wait look again every few milliseconds.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use futures::future::{Either, LocalBoxFuture, select};
use time::OffsetDateTime;

use super::document::{Document, DocumentAnswer, DocumentStep, KeptDocument, Presenter, Version};
use crate::ambient;
use crate::runtime::Isolate;

/// How often a waiting caller looks whether the call is done.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How often a call gives a sign of life.
const SIGN_EVERY: Duration = Duration::from_secs(1);
/// How long a caller waits at most: for a call and its repeat, and a little more.
const FETCH_LIMIT: time::Duration = time::Duration::seconds(25);
/// What a probe takes for now.
const RECENTLY: time::Duration = time::Duration::seconds(2);

/// The documents of one kind, by their address.
pub type Published<T> = RefCell<HashMap<String, Document<Rc<T>, Missing>>>;

/// What a call brings: the document, and when it was what it is.
pub type FetchResult<T> = Result<(T, OffsetDateTime), Missing>;

/// Why a document cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// It is there, and nothing in it is of use.
    #[error("the provider publishes no key that a signature can be checked with")]
    Useless,
    /// Nobody answers, or the answer is: later.
    #[error("{0}")]
    Unavailable(String),
    /// The answer is something else.
    #[error("{0}")]
    Rejected(String),
}

/// A document: where it is kept, and how it is fetched.
pub struct DocumentSource<'a, T: 'static> {
    /// The documents of its kind.
    pub documents: &'a Rc<Published<T>>,
    /// Its address.
    pub address: &'a str,
    /// A call for it.
    pub call: &'a dyn Fn() -> LocalBoxFuture<'static, FetchResult<T>>,
    /// Runs the call on when its caller has left.
    pub isolate: &'a Rc<dyn Isolate>,
}

impl<T> DocumentSource<'_, T> {
    /// The document.
    pub async fn current(&self, now: OffsetDateTime) -> Result<KeptDocument<Rc<T>>, Missing> {
        self.settle(now, Document::ask).await
    }

    /// The document after `than`, which lacked something for a token of `presenter`'s that was wanted at `since`; none where there is no newer one for now.
    pub async fn newer_than(
        &self,
        than: Version,
        presenter: Presenter,
        since: OffsetDateTime,
    ) -> Result<Option<KeptDocument<Rc<T>>>, Missing> {
        let newest =
            self.settle(self.isolate.now(), |document, now| document.ask_newer(than, presenter, since, now)).await?;
        Ok(Some(newest).filter(|newest| newest.version() != than))
    }

    /// Whether it was asked for, could not be had, and nothing serves in its place.
    pub fn has_failed(&self) -> bool {
        let now = self.isolate.now();
        with(self.documents, self.address, |document| document.failure(now).is_some())
    }

    /// Whether a GET for it is answered now, even with something else.
    pub async fn answers(&self) -> bool {
        let probed = self.settle(self.isolate.now(), |document, now| document.probe(RECENTLY, now)).await;
        !matches!(probed, Err(Missing::Unavailable(_)))
    }

    async fn settle(
        &self,
        mut now: OffsetDateTime,
        ask: impl Fn(&mut Document<Rc<T>, Missing>, OffsetDateTime) -> DocumentAnswer<Rc<T>, Missing>,
    ) -> Result<KeptDocument<Rc<T>>, Missing> {
        let since = self.isolate.now();
        loop {
            let DocumentAnswer { step, call } = with(self.documents, self.address, |document| ask(document, now));
            if let Some(call) = call {
                self.begin(call);
            }
            match step {
                DocumentStep::Use(kept) => return Ok(kept),
                DocumentStep::Fail(error) => return Err(error),
                DocumentStep::Wait if ambient::between(since, now) >= FETCH_LIMIT => {
                    return Err(Missing::Unavailable("the provider did not answer in time".to_owned()));
                }
                DocumentStep::Wait => self.isolate.sleep(LOOK_EVERY).await,
            }
            now = self.isolate.now();
        }
    }

    /// Makes a call. It goes on if its request ends, as others wait for it.
    fn begin(&self, call: Version) {
        let (documents, isolate) = (Rc::clone(self.documents), Rc::clone(self.isolate));
        let (address, mut fetch) = (self.address.to_owned(), (self.call)());
        self.isolate.go_on(async move {
            let fetched = loop {
                with(&documents, &address, |document| document.alive(call, isolate.now()));
                match select(fetch, isolate.sleep(SIGN_EVERY)).await {
                    Either::Left((fetched, _)) => break fetched,
                    Either::Right((_, under_way)) => fetch = under_way,
                }
            };
            let fetched = fetched.map(|(value, at)| (Rc::new(value), at));
            with(&documents, &address, |document| document.fetched(call, fetched, isolate.now()));
        });
    }
}

fn with<T, R>(documents: &Published<T>, address: &str, work: impl FnOnce(&mut Document<Rc<T>, Missing>) -> R) -> R {
    let mut documents = documents.borrow_mut();
    if let Some(document) = documents.get_mut(address) {
        return work(document);
    }
    work(documents.entry(address.to_owned()).or_default())
}
