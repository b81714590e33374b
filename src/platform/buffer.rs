//! The memory in which the texts of the hot path cross: see `crossing.mjs`. JavaScript writes into it between two calls, and
//! never during one.

use std::cell::Cell;

/// Room for the largest head that is served (80 KB) and, behind it, a session's reply or a response's headers.
const LENGTH: usize = 192 << 10;

/// See the module.
pub struct Buffer(Box<[Cell<u8>]>);

impl Default for Buffer {
    fn default() -> Self {
        Self(vec![Cell::new(0); LENGTH].into())
    }
}

impl Buffer {
    /// Where it begins in the memory of WebAssembly.
    pub fn address(&self) -> usize {
        self.0.as_ptr().expose_provenance()
    }

    /// How many bytes it has.
    pub fn length(&self) -> usize {
        self.0.len()
    }

    /// The text that JavaScript has written there; none where there is no such place.
    pub fn read(&self, from: u32, to: u32) -> Option<String> {
        let bytes = self.0.get(usize::try_from(from).ok()?..usize::try_from(to).ok()?)?;
        String::from_utf8(bytes.iter().map(Cell::get).collect()).ok()
    }

    /// Writes a text, and tells its length; 0 where it does not fit.
    pub fn write(&self, text: &str) -> u32 {
        let (Some(place), Ok(length)) = (self.0.get(..text.len()), u32::try_from(text.len())) else { return 0 };
        for (cell, byte) in place.iter().zip(text.bytes()) {
            cell.set(byte);
        }
        length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_where_it_was_written_and_nowhere_else() {
        let buffer = Buffer::default();
        assert_eq!(buffer.write("aé\n"), 4);
        assert_eq!(buffer.read(0, 4).as_deref(), Some("aé\n"));
        assert_eq!(buffer.read(3, 4).as_deref(), Some("\n"));
        for (from, to) in [(0, 2), (4, 3), (0, u32::MAX)] {
            assert_eq!(buffer.read(from, to), None, "{from} {to}");
        }
    }

    #[test]
    fn a_text_that_does_not_fit_is_not_written() {
        let buffer = Buffer::default();
        assert_eq!(buffer.write(&"x".repeat(LENGTH + 1)), 0);
        assert_eq!(buffer.write(&"x".repeat(LENGTH)) as usize, LENGTH);
    }
}
