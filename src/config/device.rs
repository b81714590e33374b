//! `DEVICE_POLICY`, `DEVICE_GRACE_SECONDS`: what becomes of a request that comes without the proof of its session's device.

use time::Duration;

use super::reader::Reader;
use super::routes::Route;
use crate::device::DeviceKeys;

/// How sessions are bound to devices.
#[derive(Clone, Debug)]
pub struct DeviceSettings {
    /// `DEVICE_POLICY`.
    pub policy: DevicePolicy,
    /// `DEVICE_GRACE_SECONDS`: how long after its registration a device need not prove itself.
    pub grace: Duration,
    /// Derived from the secrets that login cookies are sealed with.
    pub keys: DeviceKeys,
}

/// What becomes of a bound session's request without proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DevicePolicy {
    /// It is refused.
    Refuse,
    /// It is refused, and the session ends.
    End,
    /// No session is bound, and nothing is proved.
    Off,
}

impl<V: Fn(&str) -> Option<String>> Reader<V> {
    pub(super) fn device(&mut self, routes: &[Route], keys: DeviceKeys) -> Option<DeviceSettings> {
        let policies = [("refuse", DevicePolicy::Refuse), ("end", DevicePolicy::End), ("off", DevicePolicy::Off)];
        let policy = self.choice("DEVICE_POLICY", &policies);
        let grace = self.seconds("DEVICE_GRACE_SECONDS", 10, 1);
        if policy == Some(DevicePolicy::Off) && routes.iter().any(|route| route.requires_device) {
            self.problem(
                "DEVICE_POLICY",
                "cannot be off beside a route with device = \"required\": nobody could use that",
            );
        }
        Some(DeviceSettings { policy: policy?, grace, keys })
    }
}
