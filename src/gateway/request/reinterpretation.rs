//! The ways in which servers read a path differently, step by step. Pure.

use crate::gateway::request::compatible::compatible;

/// A way in which servers read a path differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reinterpretation {
    /// Full-width and other compatible characters, and overlong UTF-8, become what they stand for.
    #[error("it has full-width characters, or UTF-8 that is longer than it must be")]
    Compatible,
    /// `%2f` becomes a slash.
    #[error("it has an encoded slash (%2f)")]
    Slash,
    /// An encoded `?` or `#` ends the path, or the segment.
    #[error("it has an encoded ? or # (%3f, %23)")]
    End,
    /// What follows a `;` is a parameter, of the path or of the segment.
    #[error("it has a ; (or %3b)")]
    Parameter,
    /// A dot or space at a segment's end is dropped.
    #[error("a segment of it ends in a dot or a space (%20)")]
    DotOrSpace,
    /// Several slashes are one.
    #[error("it has two slashes in a row")]
    Slashes,
    /// Case does not count.
    #[error("its letters' case differs")]
    Case,
}

/// What a step makes of a path, where it changes something.
pub(super) type Reading = fn(&[u8]) -> Option<Vec<u8>>;

/// The ways to read, in the order in which they work on each other's results.
pub(super) const STEPS: [(Reinterpretation, &[Reading]); 6] = [
    (Reinterpretation::Compatible, &[compatible]),
    (Reinterpretation::Slash, &[slashes_decoded]),
    (Reinterpretation::End, &[|path| cut(path, b"?#"), |path| cut_segments(path, b"?#")]),
    (Reinterpretation::Parameter, &[|path| cut(path, b";"), |path| cut_segments(path, b";")]),
    (Reinterpretation::DotOrSpace, &[ends_trimmed]),
    (Reinterpretation::Slashes, &[slashes_merged]),
];

fn changed(path: &[u8], read: Vec<u8>) -> Option<Vec<u8>> {
    (read != path).then_some(read)
}

fn cut(path: &[u8], at: &[u8]) -> Option<Vec<u8>> {
    let end = path.iter().position(|b| at.contains(b))?;
    path.get(..end).map(<[u8]>::to_vec)
}

fn cut_segments(path: &[u8], at: &[u8]) -> Option<Vec<u8>> {
    if !path.iter().any(|b| at.contains(b)) {
        return None;
    }
    let segments: Vec<&[u8]> = path
        .split(|b| *b == b'/')
        .map(|segment| segment.split(|b| at.contains(b)).next().unwrap_or_default())
        .collect();
    Some(segments.join(&b'/'))
}

fn ends_trimmed(path: &[u8]) -> Option<Vec<u8>> {
    let trimmed = |segment: &[u8]| {
        let length = segment.iter().rposition(|b| !matches!(b, b'.' | b' ')).map_or(0, |last| last.saturating_add(1));
        segment.get(..length).unwrap_or_default().to_vec()
    };
    let segments: Vec<Vec<u8>> = path.split(|b| *b == b'/').map(trimmed).collect();
    changed(path, segments.join(&b'/'))
}

fn slashes_merged(path: &[u8]) -> Option<Vec<u8>> {
    let mut merged = path.to_vec();
    merged.dedup_by(|a, b| *a == b'/' && *b == b'/');
    changed(path, merged)
}

/// `%2F` and `%5C`, which [`meaning`](crate::config::pattern::meaning) leaves encoded, as slashes.
pub(super) fn slashes_decoded(path: &[u8]) -> Option<Vec<u8>> {
    if !path.windows(3).any(|code| matches!(code, b"%2F" | b"%5C")) {
        return None;
    }
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((first, behind)) = rest.split_first() {
        rest = match rest {
            [b'%', b'2', b'F', behind @ ..] | [b'%', b'5', b'C', behind @ ..] => {
                decoded.push(b'/');
                behind
            }
            _ => {
                decoded.push(*first);
                behind
            }
        };
    }
    Some(decoded)
}
