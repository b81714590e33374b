//! Which routes have the same rules. It is found out once. A path that can be read in two ways must not get around rules.

use super::pattern::{Pattern, folded};
use super::routes::Route;

/// The rules of all routes, compared.
#[derive(Clone, Debug)]
pub struct Rules {
    /// For each route the number of the first one with the same rules.
    classes: Vec<usize>,
    /// The patterns for a server that doesn't tell case apart.
    folded: Vec<Pattern>,
    /// `AUTH_PREFIX` for such a server.
    folded_prefix: Vec<u8>,
    /// Whether all routes have the same rules. Then a path can get around the gateway's own paths alone.
    pub is_uniform: bool,
    /// Whether some route is for methods of its own.
    pub tells_methods_apart: bool,
    /// Whether a pattern or `AUTH_PREFIX` has capital letters: then every path has another reading.
    pub is_cased: bool,
}

impl Rules {
    /// Of these routes, beside the gateway's own paths.
    pub(super) fn of(routes: &[Route], auth_prefix: &str) -> Self {
        let class = |route: &Route| routes.iter().position(|first| first.has_rules_of(route)).unwrap_or_default();
        let classes: Vec<usize> = routes.iter().map(class).collect();
        let patterns: Vec<Pattern> = routes.iter().map(|route| route.pattern.folded()).collect();
        let folded_prefix = folded(auth_prefix.as_bytes());
        Self {
            tells_methods_apart: routes.iter().any(|route| !route.methods.is_empty()),
            is_uniform: classes.iter().all(|class| *class == 0),
            is_cased: folded_prefix != auth_prefix.as_bytes()
                || patterns.iter().zip(routes).any(|(folded, route)| *folded != route.pattern),
            classes,
            folded: patterns,
            folded_prefix,
        }
    }

    /// The number of this route's rules. Routes with the same number have the same rules.
    pub fn class(&self, route: usize) -> Option<usize> {
        self.classes.get(route).copied()
    }

    /// Each route's pattern for a server that doesn't tell case apart.
    pub fn folded(&self) -> &[Pattern] {
        &self.folded
    }

    /// `AUTH_PREFIX` for such a server.
    pub fn folded_prefix(&self) -> &[u8] {
        &self.folded_prefix
    }
}
