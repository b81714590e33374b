//! `make simulate`: seed after seed of [`super::chaos`], on all processors, until so many steps are done. It prints the steps, the faults by
//! kind, and each violation as a trace in words with the seed that replays it.
//!
//! `SEED` is the first seed (a fresh one where it is not said), `STEPS` how many steps. What a step is says [`super::tally`].

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::chaos::{self, Report};
use super::faults::KINDS;
use super::tally::Violation;

/// How much of a trace is printed.
const LINES: usize = 400;

/// What came of all runs.
#[derive(Default)]
pub struct Sum {
    pub steps: u64,
    pub runs: u64,
    /// The longest run: its steps, its seed.
    longest: (u64, u64),
    struck: Vec<u64>,
    /// By the seed.
    pub violations: BTreeMap<u64, Vec<Violation>>,
}

/// Runs seeds from `first` on until `steps` are done; or the first violation is found, where that is enough.
pub fn simulate(first: u64, steps: u64, is_one_enough: bool) -> Sum {
    let (next, sum) = (AtomicU64::new(first), Mutex::new(Sum { struck: vec![0; KINDS.len()], ..Sum::default() }));
    let work = || {
        let is_over = |sum: &Sum| sum.steps >= steps || is_one_enough && !sum.violations.is_empty();
        while !is_over(&sum.lock().unwrap()) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            let report = chaos::run(seed, false);
            add(&mut sum.lock().unwrap(), seed, report);
        }
    };
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    sum.into_inner().unwrap()
}

fn add(sum: &mut Sum, seed: u64, report: Report) {
    sum.steps += report.steps;
    sum.runs += 1;
    sum.longest = sum.longest.max((report.steps, seed));
    sum.struck.iter_mut().zip(report.struck).for_each(|(all, one)| *all += one);
    if !report.violations.is_empty() {
        sum.violations.insert(seed, report.violations);
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// A seed that nobody chose.
pub fn fresh() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(0) >> 24
}

fn print(sum: &Sum) {
    println!("faults by kind:");
    for ((_, words), struck) in KINDS.iter().zip(&sum.struck) {
        println!("  {struck:>9}  {words}");
    }
    for (seed, violations) in &sum.violations {
        for Violation { what, detail, step } in violations {
            println!("\nviolation, seed {seed}, step {step}: {what}: {detail}");
        }
    }
    if let Some(seed) = sum.violations.keys().next() {
        println!("\nseed {seed} in words (make simulate SEED={seed} STEPS=1):");
        let trace = chaos::run(*seed, true).trace;
        let most = number("LINES").map_or(LINES, |lines| lines as usize);
        trace.iter().take(most).for_each(|line| println!("{line}"));
        if trace.len() > most {
            println!("… and {} lines more: LINES={}", trace.len() - most, trace.len());
        }
    }
    println!("\n{} seeds; the longest run is {}'s, {} steps", sum.runs, sum.longest.1, sum.longest.0);
}

#[test]
#[ignore = "make simulate"]
fn simulate_from_a_seed() {
    let first = number("SEED").unwrap_or_else(fresh);
    println!("SEED={first}");
    if number("TRACE").is_some() {
        chaos::run(first, true).trace.iter().for_each(|line| println!("{line}"));
    }
    let sum = simulate(first, number("STEPS").unwrap_or(1_000_000), number("ONE").is_some());
    print(&sum);
    let violations: usize = sum.violations.values().map(Vec::len).sum();
    println!("{} steps, {violations} violations", sum.steps);
    std::process::exit(i32::from(violations > 0));
}

/// Seeds that once found something in the product, each before it was mended.
const KEPT: [u64; 4] = [19, 39, 149, 150];

#[test]
fn whatever_happens_in_whatever_order_no_check_fails_in_200_000_steps() {
    for seed in KEPT {
        let Report { violations, .. } = chaos::run(seed, false);
        assert!(violations.is_empty(), "seed {seed}: {violations:#?}");
    }
    // `make simulate` takes fresh ones.
    for first in [1_000, 2_000] {
        let sum = simulate(first, 100_000, false);
        assert!(sum.violations.is_empty(), "{:#?}", sum.violations);
    }
}
