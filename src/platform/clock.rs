//! The clock and the source of randomness: the only place that reads either. `clippy.toml` bans the ambient functions everywhere
//! else, so that whatever decides can be run again with the same result.

use std::cell::RefCell;

use time::OffsetDateTime;

/// The wall clock, in milliseconds' resolution. On Workers it stands still while code runs and moves on with I/O.
#[cfg(target_arch = "wasm32")]
#[allow(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
pub fn now() -> OffsetDateTime {
    crate::ambient::from_millis(js_sys::Date::now())
}

/// The wall clock of the machine that runs the unit tests.
#[cfg(not(target_arch = "wasm32"))]
#[allow(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
pub fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

/// `N` bytes from the platform's cryptographic generator; `None` where it refuses, which callers treat as fatal.
pub fn random<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0_u8; N];
    fill(&mut bytes).then_some(bytes)
}

/// 16 random bytes for an id that is no secret. They come from a stock, as each draw from the platform's generator is dear.
pub fn id(stock: &RefCell<Vec<u8>>) -> [u8; 16] {
    let mut stock = stock.borrow_mut();
    if stock.is_empty() {
        stock.extend(random::<1024>().unwrap_or([0; 1024]));
    }
    let at = stock.len().saturating_sub(16);
    let id = stock.get(at..).and_then(|bytes| bytes.try_into().ok()).unwrap_or_default();
    stock.truncate(at);
    id
}

/// Fills `bytes` from the platform's cryptographic generator; false where it refuses.
#[allow(clippy::disallowed_methods, reason = "this is the one place that draws random bytes")]
pub fn fill(bytes: &mut [u8]) -> bool {
    getrandom::fill(bytes).is_ok()
}
