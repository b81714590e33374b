//! One run: browsers with several tabs, administrators, a provider and all faults in random order, in a world of a seed's climate. The real
//! gateway, actors, stores and provider code serve them. What must never be is checked at every answer, at every token that reaches the
//! application or the provider, and at the end.
//!
//! `SEED=17 make simulate` runs one seed and prints what happened.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use self::browser::Browser;
use self::climate::Climate;
use self::listener::Listener;
use self::request::Gateways;
use self::truth::Truth;
use super::executor::OUTSIDE;
use super::provider::Login;
use super::tally::Violation;
use super::world::World;

mod administrator;
mod application;
mod browser;
mod calamities;
mod checks;
mod climate;
mod device;
mod driver;
mod form;
mod listener;
mod request;
mod settle;
mod thief;
mod truth;

/// How many actions the drivers begin in a run.
const ACTIONS: u32 = 300;
/// How many polls a run may take.
const MOST_POLLS: u64 = 3_000_000;
/// The number of the browser that somebody may bring another one's cookie to.
pub const THIEF: usize = 3;
pub const USERS: [&str; 2] = ["ada", "grace"];

/// A run, as its drivers see it.
#[derive(Clone)]
pub struct Run {
    pub world: World,
    pub climate: Rc<Climate>,
    pub truth: Rc<Truth>,
    pub gateways: Rc<Gateways>,
    pub browsers: Rc<Vec<Rc<Browser>>>,
    /// What a code is for, after it was redeemed, too.
    pub codes: Rc<RefCell<BTreeMap<String, Login>>>,
    /// Pages and streams, those that are closed among them.
    pub listeners: Rc<RefCell<Vec<Rc<Listener>>>>,
    under_way: Rc<Cell<u32>>,
}

/// What came of a run.
pub struct Report {
    pub steps: u64,
    pub struck: Vec<u64>,
    pub violations: Vec<Violation>,
    /// In words, where it was asked for.
    pub trace: Vec<String>,
}

impl Run {
    /// Writes into the trace, if there is one.
    pub fn tell(&self, what: impl FnOnce() -> String) {
        self.world.tally.tell(what);
    }

    /// A session's cookie, in few words.
    fn name_of(&self, cookie: Option<&str>) -> String {
        let Some(actor) = cookie.and_then(truth::actor_of) else { return "nobody".to_owned() };
        format!("session {}", &actor.as_str()[..6])
    }

    /// Begins something that goes on beside what follows.
    fn begin(&self, work: impl Future<Output = ()> + 'static) {
        let under_way = Rc::clone(&self.under_way);
        under_way.set(under_way.get() + 1);
        self.world.executor.spawn(OUTSIDE, async move {
            work.await;
            under_way.set(under_way.get() - 1);
        });
    }
}

/// Runs a seed.
pub fn run(seed: u64, is_traced: bool) -> Report {
    let climate = Rc::new(Climate::of(seed));
    let world = climate.world(seed);
    let slack = time::Duration::try_from(climate.apart.saturating_sub(Duration::from_millis(250))).unwrap();
    let truth = Truth::new(&world, slack);
    truth.asks_in_grace.set(climate.answers_in_grace(&world));
    let gateways = Gateways::new(&world, application::of(&truth));
    let knows = |number: usize| climate.devices >> number & 1 == 1;
    // The last one is a thief's, at times.
    let browsers =
        (0..=THIEF).map(|number| Browser::new(number, USERS[number % 2], number % 2, knows(number))).collect();
    let (codes, listeners, under_way) = Default::default();
    let run = Run { world, climate, truth, gateways, browsers: Rc::new(browsers), codes, listeners, under_way };
    if is_traced {
        run.world.tally.trace();
    }
    run.tell(|| format!("seed {seed}: {}", run.climate.words));
    let running = run.clone();
    let over = run.world.executor.try_run(MOST_POLLS, async move {
        for _ in 0..ACTIONS {
            running.act().await;
        }
        running.settle().await;
    });
    if let Err(why) = over {
        run.world.tally.violate("the run does not end", why.to_owned());
    }
    let report = Report {
        steps: run.world.tally.steps(),
        struck: run.world.faults.struck(),
        violations: run.world.tally.violations(),
        trace: run.world.tally.take_trace(),
    };
    run.gateways.dismantle();
    run.world.dismantle();
    report
}

#[test]
fn the_same_seed_is_the_same_run() {
    let (first, second) = (run(7, true), run(7, true));
    assert_eq!(first.steps, second.steps);
    assert_eq!(first.trace, second.trace);
}
