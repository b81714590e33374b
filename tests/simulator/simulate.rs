//! `make simulate`: seed after seed of [`super::chaos`], on all processors, until so many steps are done. It prints the steps, the faults by
//! kind, and each violation as a trace in words with the seed that replays it.
//!
//! `SEED` is the first seed (a fresh one where it is not said), `STEPS` how many steps, a million if nothing is said. What a step is says
//! [`super::tally`]. `ONE=1` stops at the first violation. `TRACE=1` prints all of the first seed in words. `LINES=1000` prints that many lines before
//! a violation.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::chaos::{self, Report};
use super::faults::KINDS;
use super::tally::{VIOLATION, Violation};

/// How many lines of a trace are printed where nothing is said.
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

/// What the variables say.
struct Options {
    seed: u64,
    steps: u64,
    /// The first violation is enough.
    is_one_enough: bool,
    /// The first seed is told in words, whatever comes of it.
    is_traced: bool,
    /// How many lines of a trace are printed.
    lines: usize,
}

impl Options {
    /// Every value that does not fit is named.
    fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let mut problems = Vec::new();
        let mut number = |name: &str, least: u64, most: u64| {
            let text = variable(name).filter(|text| !text.is_empty())?;
            let number = text.parse().ok().filter(|number| (least..=most).contains(number));
            if number.is_none() {
                let takes =
                    if most == 1 { "1 or nothing".to_owned() } else { format!("a whole number from {least} on") };
                problems.push(format!("{name} is {text:?}: it takes {takes}"));
            }
            number
        };
        let (seed, steps) = (number("SEED", 0, u64::MAX), number("STEPS", 1, u64::MAX));
        let (one, trace, lines) = (number("ONE", 1, 1), number("TRACE", 1, 1), number("LINES", 1, u64::MAX));
        if problems.is_empty() {
            Ok(Self {
                seed: seed.unwrap_or_else(fresh),
                steps: steps.unwrap_or(1_000_000),
                is_one_enough: one.is_some(),
                is_traced: trace.is_some(),
                lines: lines.map_or(LINES, |lines| usize::try_from(lines).unwrap_or(usize::MAX)),
            })
        } else {
            Err(problems.join("\n"))
        }
    }
}

/// A seed that nobody chose.
pub fn fresh() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(0) >> 24
}

fn print(sum: &Sum, lines: usize) {
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
        println!("\nseed {seed} in words (make simulate SEED={seed} STEPS=1 TRACE=1 prints all of it):");
        let trace = chaos::run(*seed, true).trace;
        let (before, shown) = up_to_violation(&trace, lines);
        if before > 0 {
            println!("… {before} lines before these: LINES={}", before + shown.len());
        }
        shown.iter().for_each(|line| println!("{line}"));
    }
    println!("\n{} seeds; the longest run is {}'s, {} steps", sum.runs, sum.longest.1, sum.longest.0);
}

/// The last lines of a trace up to its first violation, that one included; and how many stand before them.
fn up_to_violation(trace: &[String], most: usize) -> (usize, &[String]) {
    let end = trace.iter().position(|line| line.contains(VIOLATION)).map_or(trace.len(), |at| at + 1);
    let before = end.saturating_sub(most);
    (before, &trace[before..end])
}

#[test]
#[ignore = "make simulate"]
fn simulate_from_a_seed() {
    let options = Options::read(|name| std::env::var(name).ok()).unwrap_or_else(|problems| {
        println!("{problems}");
        std::process::exit(2);
    });
    println!("SEED={}", options.seed);
    if options.is_traced {
        chaos::run(options.seed, true).trace.iter().for_each(|line| println!("{line}"));
    }
    let sum = simulate(options.seed, options.steps, options.is_one_enough);
    print(&sum, options.lines);
    let violations: usize = sum.violations.values().map(Vec::len).sum();
    println!("{} steps, {violations} violations", sum.steps);
    std::process::exit(i32::from(violations > 0));
}

#[test]
fn a_variable_of_make_simulate_that_does_not_fit_is_named() {
    let read = |pairs: &'static [(&str, &str)]| {
        Options::read(|name| pairs.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned()))
    };
    let options = read(&[("SEED", "7"), ("STEPS", "2000000"), ("TRACE", "1"), ("ONE", ""), ("LINES", "50")]).unwrap();
    assert_eq!((options.seed, options.steps, options.lines), (7, 2_000_000, 50));
    assert!(options.is_traced && !options.is_one_enough);
    let wrong = [("SEED", "seven"), ("STEPS", "2e6"), ("TRACE", "yes"), ("ONE", "2"), ("LINES", "0")];
    for (name, text) in wrong {
        let problem = Options::read(|asked| (asked == name).then(|| text.to_owned())).err().unwrap();
        assert!(problem.starts_with(&format!("{name} is \"{text}\": it takes ")), "{problem}");
    }
    let all = Options::read(|asked| wrong.iter().find(|(name, _)| *name == asked).map(|(_, text)| (*text).to_owned()));
    assert_eq!(all.err().unwrap().lines().count(), wrong.len());
}

#[test]
fn a_trace_ends_with_the_violation() {
    let mut trace: Vec<String> = (0..20).map(|number| format!("line {number}")).collect();
    trace[12] = format!("     3  12.000 s  {VIOLATION}: something");
    let (before, shown) = up_to_violation(&trace, 5);
    assert_eq!((before, shown.first().unwrap().as_str()), (8, "line 8"));
    assert!(shown.len() == 5 && shown.last().unwrap().contains(VIOLATION));
    assert_eq!(up_to_violation(&trace[..5], 400), (0, &trace[..5]));
}

/// Seeds that once found something in the product, each before it was mended. (What they found has a test by name, too: a later change of a driver
/// makes another run of a seed.)
const KEPT: [u64; 19] = [
    19,
    39,
    149,
    150,
    282,
    296,
    100_000_126,
    100_000_584,
    400_000_555,
    1_412_012_494,
    1_412_013_018,
    1_502_260_291,
    3_000_000_119,
    5_000_000_514,
    8_000_000_178,
    8_000_000_295,
    569_467_287_125,
    367,
    1_706_001_892,
];

#[test]
fn whatever_happens_in_whatever_order_no_check_fails_in_200_000_steps() {
    for seed in KEPT {
        let Report { violations, .. } = chaos::run(seed, false);
        assert!(violations.is_empty(), "seed {seed}: {violations:#?}");
    }
    // `make mutants` names it, so that each mutant meets the same runs.
    let fresh = Options::read(|name| std::env::var(name).ok()).unwrap().seed;
    println!("a fresh seed: make simulate SEED={fresh} STEPS=40000");
    for (first, steps) in [(1_000, 70_000), (2_000, 70_000), (fresh, 40_000)] {
        let sum = simulate(first, steps, false);
        assert!(sum.violations.is_empty(), "from seed {first}: {:#?}", sum.violations);
    }
}
