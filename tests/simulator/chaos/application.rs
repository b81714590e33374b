//! The application, which judges each request that reaches it: whose token it carries, whether that is still good, and whether its session was
//! over before the request began.

use std::rc::Rc;
use std::time::Duration;

use super::super::faults::Kind;
use super::super::gateway::{Answers, Seen};
use super::climate::TARGETS;
use super::truth::Truth;

/// How late a session's answer may be.
const ANSWER_LATE: Duration = Duration::from_secs(10);

/// The application of this world.
pub fn of(truth: &Rc<Truth>) -> Answers {
    let truth = Rc::clone(truth);
    Rc::new(move |seen| judge(&truth, seen))
}

/// What the token of a request to this URL is for, where its route has one of its own.
fn target_of(url: &str) -> Option<&'static str> {
    let path = url.strip_prefix("https://app.internal/")?;
    TARGETS.into_iter().find(|target| path.starts_with(&format!("{target}/")))
}

fn judge(truth: &Truth, seen: &Seen) -> (u16, String) {
    let world = &truth.world;
    world.step();
    let number = seen.headers.get("x-number").and_then(|number| number.parse::<u64>().ok()).unwrap_or_default();
    let Some(token) = seen.headers.get("authorization").and_then(|value| value.strip_prefix("Bearer ")) else {
        return (200, "content-type,text/plain".to_owned());
    };
    let (tally, now) = (&world.tally, world.executor.now());
    let access = world.provider.access.borrow().get(token).cloned();
    let Some(access) = access else {
        tally.violate("a token that the provider never gave goes upstream", token.to_owned());
        return (200, String::new());
    };
    tally.must(access.target.as_deref() == target_of(&seen.what), "a token for another target goes upstream", || {
        format!("{token} to {}", seen.what)
    });
    tally.must(now < access.expires_at, "an expired token goes upstream", || {
        format!("{token}, {} after its end", now - access.expires_at)
    });
    let pending = truth.pending.borrow();
    let Some(request) = pending.get(&number) else { return (200, String::new()) };
    let known = request.secret.as_ref().and_then(|secret| truth.sessions.borrow().get(secret).cloned());
    let Some(known) = known else {
        tally.violate("a request without a session carries a token", token.to_owned());
        return (200, String::new());
    };
    truth.judge_form(seen, &known);
    tally.must(access.subject == known.user, "a token of another user", || {
        format!("{token} for a session of {}", known.user)
    });
    let was_over = known.ended.get().is_some_and(|ended| ended < request.began);
    tally.must(!was_over, "a session is served after its end was answered", || {
        format!("{}'s session in {:?}", known.user, known.actors.borrow())
    });
    let has_heard = known.heard_end.get().is_some_and(|heard| heard < request.began);
    tally.must(!has_heard, "a session is served after its listeners heard of its end", || {
        format!("{}'s session in {:?}", known.user, known.actors.borrow())
    });
    if let Some((_, bound_at)) = known.device.bound_to.get() {
        let is_due = request.began > bound_at + world.config.device.grace + world.provider.rules.tolerance.get();
        let proofs = truth.proofs.borrow();
        let proof = request.proof.as_ref().and_then(|proof| proofs.get(proof));
        let is_proven = proof.is_some_and(|proof| proof.secret == known.secret);
        let is_fresh =
            proof.is_some_and(|proof| request.began < proof.expires_at + world.provider.rules.tolerance.get());
        tally.must(!is_due || is_proven, "a bound session is served without a proof of its own", || {
            format!("{}'s session in {:?}", known.user, known.actors.borrow())
        });
        tally.must(!is_due || is_fresh, "a bound session is served with a proof from before", || {
            format!("{}'s session in {:?}", known.user, known.actors.borrow())
        });
    }
    // The session was found to be good when it answered; that may have been late.
    let slack = world.provider.rules.tolerance.get() + ANSWER_LATE;
    let last_asked = request.asked_before.unwrap_or(known.last_used.get());
    let idle_end = last_asked.max(known.last_used.get()) + world.config.lifetimes.idle + slack;
    tally.must(now < idle_end, "a session is served after its idle end", || format!("{} after it", now - idle_end));
    let end = known.first_born + world.config.lifetimes.absolute + slack;
    tally.must(now < end, "a session is served after its time was up", || format!("{} after it", now - end));
    known.last_used.set(now);
    if truth.asks_in_grace.get() {
        truth.became(&known).iter().for_each(|renewed| renewed.last_used.set(now));
    }
    let mut families = known.families.borrow_mut();
    if !families.contains(&access.family) {
        families.push(access.family);
    }
    if seen.headers.get("accept").is_some_and(|accept| accept == "text/event-stream") {
        return (200, "content-type,text/event-stream".to_owned());
    }
    if world.faults.strikes(Kind::TokenRefused) {
        world.provider.forced.borrow_mut().insert(known.user.clone(), now);
        return (401, "www-authenticate,Bearer error=\"invalid_token\"".to_owned());
    }
    (200, "content-type,text/plain".to_owned())
}
