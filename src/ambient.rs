//! Arithmetic with times. Pure.
//!
//! Everything that decides takes `now` and random bytes as arguments, or has them of its [`crate::runtime::Isolate`], so that it can
//! be tested natively and repeats exactly. `clippy.toml` bans the ambient functions everywhere but in [`crate::platform`].

use time::{Duration, OffsetDateTime};

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

/// How long it is from one time to another. It is negative if the second one is earlier.
#[allow(clippy::arithmetic_side_effects, reason = "the years that a time can have fit into a duration many times over")]
pub fn between(from: OffsetDateTime, to: OffsetDateTime) -> Duration {
    to - from
}
