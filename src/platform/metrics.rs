//! Workers Analytics Engine: the binding `METRICS`. docs/metrics.md has the columns; `metrics.mjs` writes those of requests.

use worker::{AnalyticsEngineDataPointBuilder, AnalyticsEngineDataset, Env};

use crate::runtime::DataPoint;

/// How many events a data point stands for: each is written.
const WEIGHT: f64 = 1.0;

/// The dataset of this environment; none where the binding is missing.
pub fn dataset(env: &Env) -> Option<AnalyticsEngineDataset> {
    let binding = js_sys::Reflect::get(env, &"METRICS".into()).ok()?;
    if binding.is_object() { env.analytics_engine("METRICS").ok() } else { None }
}

/// Writes a data point. One that cannot be written stops nothing.
pub fn write(dataset: &AnalyticsEngineDataset, point: DataPoint<'_>) {
    let DataPoint { event, outcome, cause, region, class, duration_ms } = point;
    let built = AnalyticsEngineDataPointBuilder::new()
        .indexes([event])
        .blobs([event, outcome, cause, region, class, env!("CARGO_PKG_VERSION")])
        .doubles([f64::from(duration_ms), 0.0, 0.0, WEIGHT])
        .build();
    let _ = dataset.write_data_point(&built);
}
