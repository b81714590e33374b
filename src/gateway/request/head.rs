//! What comes before a request's body, as the platform hands it over.

use crate::gateway::request::headers::{Headers, cut};
use crate::gateway::request::visitor::Visitor;
use crate::runtime::{Isolate, RequestBody};

/// What comes before a request's body, as the platform packs it into one text.
///
/// ```text
///   <method> LF <address> LF (<name>,<value> LF)* LF <the visitor's lines, see visitor.rs>
/// ```
#[derive(Clone, Debug)]
pub struct Head<'a> {
    /// The method.
    pub method: &'a str,
    /// The URL as it came.
    pub address: &'a str,
    /// The headers.
    pub headers: Headers<'a>,
    /// The visitor, as far as Cloudflare knows.
    pub visitor: Visitor<'a>,
}

impl<'a> Head<'a> {
    /// Unpacks it.
    pub fn read(packed: &'a str) -> Self {
        let (method, rest) = cut(packed, b'\n').unwrap_or((packed, ""));
        let (address, rest) = cut(rest, b'\n').unwrap_or((rest, ""));
        let (headers, visitor) = Headers::read_front(rest);
        Self { method, address, headers, visitor: Visitor::read(visitor) }
    }
}

/// A request as it comes.
#[derive(Clone)]
pub struct Arrived<'a> {
    /// What comes before its body.
    pub head: Head<'a>,
    /// Its body; none where that does not matter.
    pub body: Option<&'a dyn RequestBody>,
    /// Where it is served.
    pub isolate: &'a dyn Isolate,
}
