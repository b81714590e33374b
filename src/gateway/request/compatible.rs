//! Characters in a path that some servers take for plain ones: full-width and other compatible ones, and UTF-8 that is longer
//! than it must be. Pure.

use unicode_normalization::UnicodeNormalization as _;

use crate::config::pattern::meaning;

/// Overlong UTF-8 decoded, compatible characters for what they stand for (NFKC), backslashes as slashes.
pub fn compatible(path: &[u8]) -> Option<Vec<u8>> {
    if path.is_ascii() {
        return None;
    }
    let (mut read, mut text) = (Vec::with_capacity(path.len()), String::new());
    let flush = |text: &mut String, read: &mut Vec<u8>| {
        read.extend(text.nfkc().map(|c| if c == '\\' { '/' } else { c }).collect::<String>().into_bytes());
        text.clear();
    };
    let mut rest = path;
    while let Some((first, behind)) = rest.split_first() {
        match character(rest) {
            Some((c, behind)) => {
                text.push(best_fit(c));
                rest = behind;
            }
            None => {
                flush(&mut text, &mut read);
                read.push(*first);
                rest = behind;
            }
        }
    }
    flush(&mut text, &mut read);
    // A full-width % may have come to begin an encoding.
    let again = std::str::from_utf8(&read).ok().map(|text| meaning(text).into_owned());
    let read = again.unwrap_or(read);
    (read != path).then_some(read)
}

/// The character that a lenient decoder finds here, and what is left behind it: also one that is encoded in more bytes than
/// it must be.
fn character(bytes: &[u8]) -> Option<(char, &[u8])> {
    let (first, behind) = bytes.split_first()?;
    let (lead, length) = match first {
        0..=0x7f => (*first, 0),
        // Never right. Some decoders don't even look whether the second byte goes on with it.
        0xc0 | 0xc1 => {
            let (second, behind) = behind.split_first()?;
            let code = (first & 1) << 6 | second & 0x3f;
            return Some((char::from(code), behind));
        }
        0xc2..=0xdf => (first & 0x1f, 1),
        0xe0..=0xef => (first & 0x0f, 2),
        0xf0..=0xf7 => (first & 0x07, 3),
        0xf8..=0xfb => (first & 0x03, 4),
        0xfc | 0xfd => (first & 0x01, 5),
        _ => return None,
    };
    let (tail, behind) = behind.split_at_checked(length)?;
    let code =
        tail.iter().try_fold(u32::from(lead), |code, b| (b & 0xc0 == 0x80).then(|| code << 6 | u32::from(b & 0x3f)))?;
    Some((char::from_u32(code)?, behind))
}

/// What conversions to older character sets make of signs that look like a slash or a dot.
const fn best_fit(c: char) -> char {
    match c {
        '\u{2044}' | '\u{2215}' | '\u{29f8}' => '/',
        '\u{2216}' | '\u{29f5}' => '\\',
        '\u{3002}' | '\u{ff61}' => '.',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_for_a_plain_character_becomes_one_and_all_else_stays() {
        for (path, expected) in [
            ("/\u{ff41}\u{ff0f}\u{ff0e}".as_bytes(), Some(&b"/a/."[..])),
            (b"/\xc0\xae\xe0\x80\xaf\xf0\x80\x80\xae\xfc\x80\x80\x80\x80\xaf", Some(b"/././")),
            (b"/\xff\xc0\xae\x80", Some(b"/\xff.\x80")),
            ("/\u{ff3c}\u{2215}".as_bytes(), Some(b"///")),
            ("/\u{ff05}2e%252e".as_bytes(), Some(b"/.%252e")),
            (b"/\xff\x80\xc3", None),
            ("/caf\u{e9}/\u{6587}".as_bytes(), None),
            (b"/plain", None),
        ] {
            assert_eq!(compatible(path).as_deref(), expected, "{path:?}");
        }
    }
}
