//! What goes wrong in a world: of each kind of fault, how often it strikes, and how often it did.
//!
//! A model asks [`Faults::strikes`] where its rules let something go wrong. Nothing strikes in a calm world, and then no random number
//! is drawn.

use std::cell::Cell;
use std::time::Duration;

use time::OffsetDateTime;

use super::executor::Executor;

macro_rules! kinds {
    ($($kind:ident, $words:literal;)*) => {
        /// A kind of fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Kind { $($kind),* }

        /// All of them, and what they are called.
        pub const KINDS: &[(Kind, &str)] = &[$((Kind::$kind, $words)),*];
    };
}

kinds! {
    MessageHangs, "a message is never answered";
    MessageFails, "a message cannot be delivered";
    MessageLate, "a message is late";
    ReplyLost, "a message is delivered and its reply is lost";
    ReplyLate, "a reply is late";
    AlarmTwice, "an alarm fires twice";
    AlarmLate, "an alarm is late";
    ProviderSlow, "the provider is slow";
    ProviderHangs, "the provider does not answer";
    ProviderAway, "the provider cannot be reached";
    ProviderLosesAnswer, "the provider does what it is asked and its answer is lost";
    ProviderNotNow, "the provider answers 429, 500 or 503";
    ProviderBadGateway, "a server in front of the provider answers 502 or 504";
    ProviderMalformed, "the provider's answer is malformed";
    ProviderEndsGrant, "the provider ends a grant by itself";
    ProviderClient, "the provider does not accept the client for a while";
    ProviderSameToken, "the provider grants no new refresh token";
    KvStale, "KV shows an old value";
    KvFails, "KV refuses";
    KvLate, "a write to KV arrives after minutes";
    PostgresDrops, "Postgres drops a connection";
    PostgresHangs, "Postgres does not answer";
    PostgresLate, "a statement reaches Postgres late";
    PostgresFull, "Postgres has no connection to spare";
    StorageWrites, "an actor's storage takes no writes for a while";
    StorageReads, "an actor's storage cannot be read for a while";
    ProcessEnds, "an actor's process ends";
    MachineEnds, "a machine ends with all actors on it";
    Zombie, "an actor has a new instance while the old one goes on";
    GatewayEnds, "a gateway's isolate ends";
    ClockBack, "a clock goes back";
    BrowserLeaves, "a browser gives up a request";
    TokenRefused, "the application refuses a token";
    StoresSilent, "KV and Postgres do not answer for seconds";
    Evicted, "an idle actor is evicted";
    ListenerCut, "a listener's connection is cut, and nobody notices";
}

/// See the module.
pub struct Faults {
    executor: Executor,
    /// In ten thousand.
    rates: Vec<Cell<u32>>,
    struck: Vec<Cell<u64>>,
    is_calm: Cell<bool>,
    /// Until when no store outside of the actors answers.
    silent_until: Cell<Option<OffsetDateTime>>,
}

impl Faults {
    /// None.
    pub fn none(executor: &Executor) -> Self {
        let zeros = || KINDS.iter().map(|_| Cell::default()).collect();
        Self {
            executor: executor.clone(),
            rates: zeros(),
            struck: KINDS.iter().map(|_| Cell::default()).collect(),
            is_calm: Cell::default(),
            silent_until: Cell::default(),
        }
    }

    /// From now on this kind strikes so often in ten thousand chances.
    pub fn set(&self, kind: Kind, rate: u32) {
        self.rates[kind as usize].set(rate);
    }

    /// Whether it may strike in this world.
    pub fn may(&self, kind: Kind) -> bool {
        self.rates[kind as usize].get() > 0
    }

    /// From now on nothing strikes.
    pub fn calm(&self) {
        self.is_calm.set(true);
        self.silent_until.take();
    }

    /// For so long no store outside of the actors answers.
    pub fn silence_stores(&self, span: Duration) {
        self.count(Kind::StoresSilent);
        self.silent_until.set(Some(self.executor.now() + span));
    }

    /// Whether the stores outside of the actors are silent now.
    pub fn are_stores_silent(&self) -> bool {
        self.silent_until.get().is_some_and(|until| self.executor.now() < until)
    }

    /// Waits until they answer.
    pub async fn stores_answer(&self) {
        while let Some(until) = self.silent_until.get().filter(|until| self.executor.now() < *until) {
            self.executor.sleep((until - self.executor.now()).unsigned_abs()).await;
        }
    }

    /// Whether it strikes now.
    pub fn strikes(&self, kind: Kind) -> bool {
        let rate = self.rates[kind as usize].get();
        let strikes = rate > 0 && !self.is_calm.get() && self.executor.below(10_000) < u64::from(rate);
        if strikes {
            self.count(kind);
        }
        strikes
    }

    /// It struck.
    pub fn count(&self, kind: Kind) {
        let struck = &self.struck[kind as usize];
        struck.set(struck.get() + 1);
    }

    /// How often each kind struck.
    pub fn struck(&self) -> Vec<u64> {
        self.struck.iter().map(Cell::get).collect()
    }
}
