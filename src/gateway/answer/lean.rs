//! Styles and scripts as they are sent: without indentation and comments, which are for those who read the source. Works at compile
//! time, so that the source itself is not in the Worker. Pure.

/// The text of a file, lean. A comment has lines of its own.
macro_rules! lean {
    ($file:literal) => {{
        const SOURCE: &str = include_str!($file);
        const LENGTH: usize = $crate::gateway::answer::lean::length(SOURCE);
        const LEAN: [u8; LENGTH] = $crate::gateway::answer::lean::text(SOURCE);
        match std::str::from_utf8(&LEAN) {
            Ok(text) => text,
            Err(_) => "",
        }
    }};
}
pub(crate) use lean;

/// How long the lean text is.
pub const fn length(source: &str) -> usize {
    walk::<0>(source).1
}

/// The lean text.
pub const fn text<const LENGTH: usize>(source: &str) -> [u8; LENGTH] {
    walk::<LENGTH>(source).0
}

/// The lean text, as far as it fits, and how long it is.
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "at compile time: it would not compile")]
const fn walk<const LENGTH: usize>(source: &str) -> ([u8; LENGTH], usize) {
    let source = source.as_bytes();
    let (mut lean, mut length, mut at, mut commented) = ([0; LENGTH], 0, 0, false);
    while at < source.len() {
        while at < source.len() && source[at] == b' ' {
            at += 1;
        }
        let first = if at < source.len() { source[at] } else { b'\n' };
        let second = if at + 1 < source.len() { source[at + 1] } else { b'\n' };
        commented = commented || matches!((first, second), (b'/', b'*'));
        let is_dropped = commented || matches!((first, second), (b'/', b'/') | (b'\n', _));
        while at < source.len() {
            let byte = source[at];
            if byte == b'/' && at > 0 && source[at - 1] == b'*' {
                commented = false;
            }
            at += 1;
            if !is_dropped {
                if length < LENGTH {
                    lean[length] = byte;
                }
                length += 1;
            }
            if byte == b'\n' {
                break;
            }
        }
    }
    (lean, length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_comment_and_indentation_are_left_out_and_nothing_else() {
        const SOURCE: &str =
            "/* what it is */\na { b: c; }\n\n  /**\n   * d\n   */\n  // e\n  f(\"//\");\n  * { g: h }\n";
        const LEAN: [u8; length(SOURCE)] = text(SOURCE);
        assert_eq!(std::str::from_utf8(&LEAN).unwrap(), "a { b: c; }\nf(\"//\");\n* { g: h }\n");
    }
}
