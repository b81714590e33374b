// What the Worker was built and tested for: the date and the flags of the platform's behaviour, as in the repository's wrangler.toml.

export const COMPATIBILITY_DATE = "2026-11-01";
export const COMPATIBILITY_FLAGS = ["enable_request_signal"];
