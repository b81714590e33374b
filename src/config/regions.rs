//! `DEFAULT_REGION`, `REGION_…` and `JURISDICTION`: where sessions live, and when they move.

use time::Duration;

use super::reader::Reader;
use crate::region::{Jurisdiction, Region};

/// Where sessions live.
#[derive(Clone, Copy, Debug)]
pub struct Regions {
    /// `DEFAULT_REGION`: for visitors whose continent is not known.
    pub default: Region,
    /// `REGION_POLICY`.
    pub policy: RegionPolicy,
    /// `REGION_GRACE_SECONDS`: how long the old actor goes on answering after a move.
    pub grace: Duration,
    /// `REGION_MIN_STAY_SECONDS`: the least time between two moves of a session.
    pub min_stay: Duration,
    /// `JURISDICTION`: the actors stay within it.
    pub jurisdiction: Option<Jurisdiction>,
}

/// What a session does whose user turns up in another region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegionPolicy {
    /// A new grant is got there, silently; the old one is given up.
    Reauthenticate,
    /// The grant itself moves.
    Migrate,
    /// It stays.
    Pin,
}

impl<V: Fn(&str) -> Option<String>> Reader<V> {
    pub(super) fn regions(&mut self) -> Option<Regions> {
        let default = self.default_region();
        let policies = [
            ("reauthenticate", RegionPolicy::Reauthenticate),
            ("migrate", RegionPolicy::Migrate),
            ("pin", RegionPolicy::Pin),
        ];
        let policy = self.choice("REGION_POLICY", &policies);
        let grace = self.seconds("REGION_GRACE_SECONDS", 10, 1);
        let min_stay = self.seconds("REGION_MIN_STAY_SECONDS", 3600, 1);
        let jurisdictions = [("eu", Jurisdiction::Eu), ("us", Jurisdiction::Us), ("fedramp", Jurisdiction::Fedramp)];
        let jurisdiction = self.optional_choice("JURISDICTION", &jurisdictions);
        // Within a jurisdiction actors stay where they are.
        let policy = jurisdiction.map_or(policy?, |_| RegionPolicy::Pin);
        Some(Regions { default: default?, policy, grace, min_stay, jurisdiction })
    }

    fn default_region(&mut self) -> Option<Region> {
        match self.text("DEFAULT_REGION").unwrap_or_else(|| "weur".to_owned()).parse() {
            Ok(region) => Some(region),
            Err(unknown) => {
                self.problem("DEFAULT_REGION", &format!("is {unknown}"));
                None
            }
        }
    }
}
