//! WebSockets that listen to an actor, seen from both ends.

use futures::future::LocalBoxFuture;

/// Who listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listening {
    /// A page.
    Page,
    /// The gateway, which watches over a stream of an application's.
    Watch,
}

impl Listening {
    /// As the platform keeps it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Watch => "watch",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Page, Self::Watch].into_iter().find(|listening| listening.as_str() == name)
    }
}

/// Why somebody may not begin to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unheard {
    /// There is nothing to hear here.
    Gone,
    /// Too many listen already.
    Full,
}

impl Unheard {
    /// The status of the answer.
    pub const fn status(self) -> u16 {
        match self {
            Self::Gone => 410,
            Self::Full => 429,
        }
    }
}

/// The listeners of an actor. They stay while its object sleeps.
pub trait Listeners {
    /// Sends a text to all of them, and closes them with this code, where there is one.
    fn tell(&self, text: &str, code: Option<u16>);
    /// Closes the pages but for so many of the newest.
    fn keep_newest(&self, pages: usize);
    /// How many streams of an application's are watched over.
    fn watches(&self) -> usize;
}

/// What a listener hears.
pub trait Heard {
    /// The next text; none once the connection is lost or closed.
    fn next(&mut self) -> LocalBoxFuture<'_, Option<String>>;
}
