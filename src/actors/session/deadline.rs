//! How long a request waits for what may take a while.

use std::time::Duration;

use super::message::Denied;
use crate::runtime::Isolate;

/// How long a request waits for a token. A little less than a call may take, so that a call that hangs is not over
/// first: its outcome is unknown then, and here it is still under way.
const LIMIT: Duration = Duration::from_millis(9_500);
/// What to say to a request that nobody can say anything better to: seconds.
pub(super) const SOON: u32 = 5;

/// Waits for what may take a while, but not for long.
pub(super) async fn request_deadline<T>(
    isolate: &dyn Isolate,
    work: impl Future<Output = Result<T, Denied>>,
) -> Result<T, Denied> {
    isolate.within(LIMIT, work).await.unwrap_or(Err(Denied::ProviderUnavailable { retry_after: SOON }))
}
