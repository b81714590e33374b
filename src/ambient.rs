//! The clock and the source of randomness: the only place that reads either.
//!
//! Everything that decides takes `now` and random bytes as arguments, so that it can be tested natively and
//! repeats exactly. `clippy.toml` bans the ambient functions everywhere else.

use std::cell::RefCell;

use time::{Duration, OffsetDateTime};

/// The wall clock, in milliseconds' resolution. On Workers it stands still while code runs and moves on with I/O.
#[cfg(target_arch = "wasm32")]
#[allow(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
pub fn now() -> OffsetDateTime {
    from_millis(js_sys::Date::now())
}

/// The wall clock of the machine that runs the unit tests.
#[cfg(not(target_arch = "wasm32"))]
#[allow(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
pub fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

/// `N` bytes from the platform's cryptographic generator; `None` where it refuses, which callers treat as fatal.
#[allow(clippy::disallowed_methods, reason = "this is the one place that draws random bytes")]
pub fn random<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0_u8; N];
    getrandom::fill(&mut bytes).ok()?;
    Some(bytes)
}

thread_local! {
    /// Random bytes for [`id`].
    static STOCK: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// 16 random bytes for an id that is no secret. They come from a stock, as each draw from the platform's generator is dear.
pub fn id() -> [u8; 16] {
    STOCK.with_borrow_mut(|stock| {
        if stock.is_empty() {
            stock.extend(random::<1024>().unwrap_or([0; 1024]));
        }
        let at = stock.len().saturating_sub(16);
        let id = stock.get(at..).and_then(|bytes| bytes.try_into().ok()).unwrap_or_default();
        stock.truncate(at);
        id
    })
}

/// A number in `0.0..1.0` for jitter. Not for secrets.
pub fn jitter() -> f64 {
    random::<4>().map_or(0.5, |bytes| f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX))
}

/// JavaScript's milliseconds since the epoch as a time; out-of-range values become the epoch.
pub fn from_millis(millis: f64) -> OffsetDateTime {
    #[allow(clippy::cast_possible_truncation, reason = "whole milliseconds; the cast saturates")]
    let millis = millis as i64;
    OffsetDateTime::UNIX_EPOCH.saturating_add(Duration::milliseconds(millis))
}

/// A time as JavaScript's milliseconds since the epoch.
pub fn to_millis(at: OffsetDateTime) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "milliseconds of our era fit into 53 bits")]
    let nanos = at.unix_timestamp_nanos() as f64;
    nanos / 1e6
}

/// How long it is from one time to another; negative where they are the other way round.
#[allow(clippy::arithmetic_side_effects, reason = "the years that a time can have fit into a duration many times over")]
pub fn between(from: OffsetDateTime, to: OffsetDateTime) -> Duration {
    to - from
}
