//! What the world of a seed is like: how it is configured, how its provider grants, how far its clocks differ, and which faults strike how
//! often. One world in six is calm: there nothing may fail at all.

use std::time::Duration;

use super::super::executor::Executor;
use super::super::faults::{KINDS, Kind};
use super::super::world::World;

/// The administrators' token.
pub const ADMIN_TOKEN: &str = "administrators-token-of-forty-characters";

/// Targets that have an access token of their own, in some worlds: by the refresh token, and in exchange for another (RFC 8693).
pub const TARGETS: [&str; 2] = ["a", "x"];

const ROUTES: &str = r#"[{"match":"/a/*","upstream":"https://app.internal","audience":"a"},
    {"match":"/x/*","upstream":"https://app.internal","exchange":{"audience":"x"}},
    {"match":"/*","upstream":"https://app.internal"}]"#;

/// See the module.
pub struct Climate {
    pub variables: Vec<(&'static str, String)>,
    rates: Vec<(Kind, u32)>,
    pub is_calm: bool,
    /// How far clocks may be off the true time.
    pub apart: Duration,
    pub idle: Duration,
    pub absolute: Duration,
    leeway: Duration,
    life: Duration,
    rotates: bool,
    one_grant: bool,
    strips_offline: bool,
    user_info: bool,
    connections: u32,
    /// Which browsers know devices: a bit each.
    pub devices: u64,
    /// Some routes have an access token of their own.
    pub has_targets: bool,
    /// In words.
    pub words: String,
}

/// How often a kind strikes in a world where it does, at the most: in ten thousand chances, of which there are many or few.
fn most_of(kind: Kind) -> u64 {
    match kind {
        Kind::AlarmTwice
        | Kind::AlarmLate
        | Kind::KvStale
        | Kind::ProviderSlow
        | Kind::MessageLate
        | Kind::ReplyLate
        | Kind::Evicted => 3_000,
        Kind::ProviderEndsGrant | Kind::ProviderClient => 200,
        Kind::MessageHangs | Kind::MessageFails | Kind::ReplyLost => 500,
        // Of these a chance is a driver's action.
        Kind::StorageWrites
        | Kind::StorageReads
        | Kind::Zombie
        | Kind::MachineEnds
        | Kind::GatewayEnds
        | Kind::ClockBack
        | Kind::StoresSilent => 300,
        Kind::ProcessEnds => 2_000,
        _ => 1_000,
    }
}

impl Climate {
    pub fn of(seed: u64) -> Self {
        let dice = Executor::new(seed ^ 0x5eed_c11a_7e00_0000);
        let one_of = |choices: &[u64]| choices[dice.below(choices.len() as u64) as usize];
        let (idle, absolute) = (one_of(&[600, 3_600, 86_400]), one_of(&[3_600, 28_800, 604_800]));
        let leeway = one_of(&[0, 0, 0, 20]);
        let store = ["durable", "durable", "kv", "neon"][dice.below(4) as usize];
        let policy = ["reauthenticate", "migrate", "pin"][dice.below(3) as usize];
        let variables = vec![
            ("SESSION_STORE", store.to_owned()),
            ("STATE_KEYS", "a:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned()),
            ("REGION_POLICY", policy.to_owned()),
            ("REGION_MIN_STAY_SECONDS", one_of(&[20, 300, 3_600]).to_string()),
            ("REGION_GRACE_SECONDS", one_of(&[5, 10, 60]).to_string()),
            ("SESSION_IDLE_SECONDS", idle.to_string()),
            ("SESSION_ABSOLUTE_SECONDS", absolute.to_string()),
            ("SESSIONS_PER_USER", one_of(&[4, 100, 100]).to_string()),
            ("OIDC_REUSE_LEEWAY_SECONDS", leeway.to_string()),
            ("ADMIN_TOKEN", ADMIN_TOKEN.to_owned()),
            ("LOG_SUBJECT", "plain".to_owned()),
        ];
        let is_calm = dice.below(6) == 0;
        let is_storm = dice.below(3) == 0;
        let few: Vec<u64> = (0..4).map(|_| dice.below(KINDS.len() as u64)).collect();
        // Evictions are nothing that goes wrong.
        let evicts = dice.below(2) == 0;
        let falls_silent = dice.below(2) == 0;
        let strikes = |at: usize, kind: Kind| match kind {
            Kind::Evicted => evicts,
            Kind::StoresSilent => !is_calm && (is_storm || falls_silent),
            _ => !is_calm && (is_storm || few.contains(&(at as u64))),
        };
        let rates = KINDS.iter().enumerate().filter(|(at, (kind, _))| strikes(*at, *kind));
        let rates: Vec<(Kind, u32)> = rates
            .map(|(_, (kind, _))| (*kind, 1 + dice.below(most_of(*kind) / if is_storm { 4 } else { 1 }) as u32))
            .collect();
        let apart = Duration::from_millis(if is_calm { 0 } else { one_of(&[0, 100, 250, 250, 3_000]) });
        // Short-lived tokens leave little time for an answer that is late, or a clock that is wrong.
        let is_prompt = !rates.iter().any(|(kind, _)| *kind == Kind::ReplyLate) && apart <= Duration::from_millis(250);
        let life = if is_prompt { one_of(&[20, 20, 100, 300, 900]) } else { one_of(&[100, 300, 300, 900]) };
        let mut climate = Self {
            variables: Vec::new(),
            rates,
            is_calm,
            apart,
            idle: Duration::from_secs(idle),
            absolute: Duration::from_secs(absolute),
            leeway: Duration::from_secs(leeway),
            life: Duration::from_secs(life),
            rotates: dice.below(6) > 0,
            one_grant: dice.below(8) == 0,
            strips_offline: dice.below(6) == 0,
            user_info: dice.below(2) == 0,
            connections: if is_calm { 1_000 } else { one_of(&[3, 20]) as u32 },
            devices: 0,
            has_targets: false,
            words: String::new(),
        };
        climate.devices = one_of(&[0b111, 0b101, 0b011, 0b001]);
        let device_policy = ["refuse", "refuse", "refuse", "end", "off"][dice.below(5) as usize];
        climate.variables = variables;
        climate.variables.push(("DEVICE_POLICY", device_policy.to_owned()));
        climate.variables.push(("DEVICE_GRACE_SECONDS", one_of(&[1, 10, 60]).to_string()));
        climate.words = climate.in_words();
        climate.has_targets = dice.below(3) == 0;
        if climate.has_targets {
            climate.variables.push(("ROUTES", ROUTES.to_owned()));
            climate.words.push_str("; routes have tokens of their own");
        }
        climate
    }

    /// Whether a session that asks another one gets an answer in this world, and soon.
    pub fn answers_in_grace(&self, world: &World) -> bool {
        let is_in_the_way = |kind: &Kind| {
            !matches!(
                kind,
                Kind::ProviderSlow
                    | Kind::ProviderHangs
                    | Kind::ProviderAway
                    | Kind::ProviderLosesAnswer
                    | Kind::ProviderNotNow
                    | Kind::ProviderBadGateway
                    | Kind::ProviderMalformed
                    | Kind::ProviderEndsGrant
                    | Kind::ProviderClient
                    | Kind::ProviderSameToken
                    | Kind::AlarmTwice
                    | Kind::AlarmLate
                    | Kind::TokenRefused
                    | Kind::Evicted
                    | Kind::ListenerCut
            )
        };
        !KINDS.iter().map(|(kind, _)| kind).any(|kind| world.faults.may(*kind) && is_in_the_way(kind))
    }

    fn in_words(&self) -> String {
        let settings: Vec<String> =
            self.variables.iter().skip(2).map(|(name, value)| format!("{name}={value}")).collect();
        let kinds: Vec<&str> = self.rates.iter().map(|(kind, _)| KINDS[*kind as usize].1).collect();
        let rules = [
            (!self.rotates, "keeps refresh tokens"),
            (self.one_grant, "has one grant for a user"),
            (self.strips_offline, "gives a silent login no refresh token"),
            (self.user_info, "has UserInfo"),
        ];
        let rules: Vec<&str> = rules.into_iter().filter(|(is, _)| *is).map(|(_, words)| words).collect();
        format!(
            "SESSION_STORE={} {}; browsers that know devices: {:03b}; the provider {}; access tokens live {:?}; clocks differ by {:?}; faults: {}",
            self.variables[0].1,
            settings.join(" "),
            self.devices,
            rules.join(", "),
            self.life,
            self.apart,
            if kinds.is_empty() { "none".to_owned() } else { kinds.join(", ") },
        )
    }

    /// A world of this climate.
    pub fn world(&self, seed: u64) -> World {
        let variables: Vec<(&str, &str)> = self.variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let world = World::seeded(seed, &variables);
        let rules = &world.provider.rules;
        rules.rotates.set(self.rotates);
        rules.leeway.set(self.leeway);
        rules.one_grant.set(self.one_grant);
        rules.strips_offline.set(self.strips_offline);
        rules.user_info.set(self.user_info);
        rules.life.set(self.life);
        rules.tolerance.set(self.apart * 2 + Duration::from_millis(200));
        world.postgres.allow(self.connections);
        self.rates.iter().for_each(|(kind, rate)| world.faults.set(*kind, *rate));
        world.clocks.differ_by(time::Duration::try_from(self.apart).unwrap());
        world
    }
}
