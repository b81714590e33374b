// The faults that `make simulate-faults` plants: each a name that says what is wrong, the file, and the texts before and after (and where, if that is
// another file). `ON` is whether the fault is chosen: many faults stand in one copy, which is built once. A fault without it has a copy of its own.

const at = (folder) => (file) => `src/${folder}/${file}.rs`;
const session = at("actors/session");
const directory = at("actors/directory");
const store = at("store");

/** An expression, or a statement without a `let`, in whose place there is another one. */
const instead = (before, other, where) => [before, `if ON { ${other} } else { ${before} }`, ...(where ? [where] : [])];
/** A statement without a `let` that is left out. */
const without = (before, where) => [before, `if !ON { ${before} }`, ...(where ? [where] : [])];

export const PLANTED = [
  // ---- The refresh
  {
    name: "the intent to refresh is not written",
    file: session("present"),
    edits: [
      instead("self.transition(|state| state.presenting(now)).await", "Ok(Ok(()))"),
      ["let presented = self.active(|active| matches!(active.grant.refresh, Refreshing::Presented { .. }));", "let presented = self.active(|active| matches!(active.grant.refresh, Refreshing::Presented { .. }));\n        let presented = if ON { Some(true) } else { presented };"],
    ],
  },
  {
    name: "nobody waits until the intent is written",
    file: session("present"),
    edits: [
      instead(
        "self.transition(|state| state.presenting(now)).await",
        "{ let session = Rc::clone(self); self.isolate.go_on(async move { session.isolate.sleep(std::time::Duration::from_millis(30)).await; let _ = session.transition(|state| state.presenting(now)).await; }); Ok(Ok(())) }",
      ),
      ["        if presented != Some(true) {", "        if !ON && presented != Some(true) {"],
    ],
  },
  {
    name: "a refresh is joined by nobody",
    file: session("single_flight"),
    edits: [["        if let Some(flight) = &*slot {", "        if let Some(flight) = &*slot && !ON {"]],
  },
  {
    name: "a lost reply of the provider counts as: not now",
    file: "src/provider/token_answer.rs",
    edits: [["(RequestTokenError::Request(error), _) => RefreshFailure::Unknown(error.to_string()),", "(RequestTokenError::Request(error), _) if ON => RefreshFailure::Deferred { retry_after: None, why: error.to_string() }, (RequestTokenError::Request(error), _) => RefreshFailure::Unknown(error.to_string()),"]],
  },
  {
    name: "an answer that cannot be read counts as: not now",
    file: "src/provider/token_answer.rs",
    edits: [instead("RefreshFailure::Unknown(format!(\"the provider answered {status} with something else than tokens\"))", "RefreshFailure::Deferred { retry_after: None, why: format!(\"{status}\") }")],
  },
  {
    name: "a token of unknown outcome is presented again while the clock says so",
    file: session("grant"),
    edits: [["passed > MARGIN.saturating_mul(-1) && ", "ON && passed < leeway || passed > MARGIN.saturating_mul(-1) && "]],
  },
  {
    name: "the leeway is some seconds longer than it is",
    file: session("grant"),
    edits: [["passed.saturating_add(MARGIN) < leeway", "passed.saturating_add(MARGIN) < if ON { leeway.saturating_add(Duration::seconds(5)) } else { leeway }"]],
  },
  {
    name: "there is no pause after a series of tries",
    file: session("grant"),
    edits: [["SHORTEST_PAUSE.checked_mul(doubled)", "(if ON { Duration::ZERO } else { SHORTEST_PAUSE }).checked_mul(doubled)"]],
  },
  {
    name: "a token is tried thirty times in a row",
    file: session("refresh_failure"),
    edits: [["if tries < RETRIES && now", "if (tries < RETRIES || ON && tries < 30) && now"], ["if tries < RETRIES && in_time", "if (tries < RETRIES || ON && tries < 30) && in_time"], ["let base = 0.5 *", "let base = if ON { 0.01 } else { 0.5 } *"]],
  },
  {
    name: "a series of tries that the store breaks off has no pause",
    file: session("present"),
    edits: [without("self.break_off_series().await;")],
  },
  {
    name: "Retry-After is not kept",
    file: session("refresh_failure"),
    edits: [["let pause = asked.max(backoff(tries, self.isolate.jitter()));", "let pause = if ON { backoff(tries, self.isolate.jitter()) } else { asked.max(backoff(tries, self.isolate.jitter())) };"]],
  },
  {
    name: "a fact waits for the lock of a write",
    file: session("record/write"),
    edits: [["        self.wait_while_forgetting().await;\n        let state = self.kept.memory.borrow().state.clone();\n        match state.ok_or(DoesNotApply).and_then(change) {", "        self.wait_while_forgetting().await;\n        if ON { drop(self.kept.writing.lock().await); }\n        let state = self.kept.memory.borrow().state.clone();\n        match state.ok_or(DoesNotApply).and_then(change) {"]],
  },
  {
    name: "new tokens stay in memory for a while",
    file: session("present"),
    edits: [["        let kept = self.establish(came).await;", "        if ON { self.isolate.sleep(std::time::Duration::from_secs(5)).await; }\n        let kept = self.establish(came).await;"]],
  },
  {
    name: "the old refresh token is kept though a new one came",
    file: session("state/refreshing"),
    edits: [["(Refreshing::Impossible, Refreshing::Presented { token, .. } | Refreshing::Ready { token, .. }) => {", "(refresh, Refreshing::Presented { token, .. } | Refreshing::Ready { token, .. }) if ON || matches!(refresh, Refreshing::Impossible) => {"]],
  },
  {
    name: "a refresh that comes too late for its session is not revoked",
    file: session("present"),
    edits: [["self.revoke_in_background(Some(unused).filter(|_| !self.has_successor()), sid, cause);", "self.revoke_in_background(Some(unused).filter(|_| !ON && !self.has_successor()), sid, cause);"]],
  },
  {
    name: "a refresh without a new token that comes too late revokes nothing",
    file: session("present"),
    edits: [["self.revoke_in_background(Some(unused).filter(|_|", "self.revoke_in_background(Some(unused).filter(|unused| !ON || unused.secret() != token.secret()).filter(|_|"]],
  },
  {
    name: "a refresh that fails after its session ended leaves its token",
    file: session("refresh_failure"),
    edits: [["let unused = granted.or_else(|| not_taken.then(|| presentation.token.clone()));", "let unused = if ON { granted.filter(|_| not_taken) } else { granted.or_else(|| not_taken.then(|| presentation.token.clone())) };"]],
  },
  {
    name: "an access token serves to its last moment",
    file: session("grant"),
    edits: [["now < served_until(self.issued_at, expires_at)", "now < if ON { expires_at } else { served_until(self.issued_at, expires_at) }"]],
  },
  {
    name: "an access token is judged by the time before it was waited (E17)",
    file: session("get"),
    edits: [
      ["        self.ready().await?;\n        self.end_grace_with_successor(secret, matches!(purpose, Purpose::Proxy(_))).await?;", "        let now = self.now();\n        self.ready().await?;\n        self.end_grace_with_successor(secret, matches!(purpose, Purpose::Proxy(_))).await?;"],
      ["        let mut now = self.now();\n        let mut verdict", "        let mut now = if ON { now } else { self.now() };\n        let mut verdict"],
    ],
  },
  // ---- The end
  {
    name: "an end is answered before it is made",
    file: session("revoke"),
    edits: [["            if let Some(remains) = self.end(reason, cause.clone(), reason.in_words(&cause)).await? {\n                break remains;\n            }", "            if ON {\n            let (session, cause) = (Rc::clone(self), cause.clone());\n            self.isolate.go_on(async move {\n                session.isolate.sleep(std::time::Duration::from_millis(50)).await;\n                let _ = session.end(reason, cause.clone(), reason.in_words(&cause)).await;\n            });\n            break Remains::default();\n            }\n            if let Some(remains) = self.end(reason, cause.clone(), reason.in_words(&cause)).await? {\n                break remains;\n            }"]],
  },
  {
    name: "an end is answered before it is written",
    file: session("revoke"),
    edits: [["        self.write_down().await?;\n        let began = self.now();", "        if !ON { self.write_down().await?; }\n        let began = self.now();"]],
  },
  {
    name: "what remains of an ended session is not revoked",
    file: session("revoke"),
    edits: [["        if let Some(token) = token {\n            drop(", "        if let Some(token) = token && !ON {\n            drop("]],
  },
  {
    name: "a logout revokes nothing",
    file: session("revoke"),
    edits: [["refresh_token.filter(|_| !needless)", "refresh_token.filter(|_| !needless && !ON)"]],
  },
  {
    name: "a logout waits as long as the provider takes (E22)",
    file: session("revoke"),
    edits: [["WAIT_LIMIT.unsigned_abs()", "WAIT_LIMIT.saturating_mul(if ON { 100 } else { 1 }).unsigned_abs()"], ["asked_at.saturating_add(WAIT_LIMIT)", "asked_at.saturating_add(WAIT_LIMIT.saturating_mul(if ON { 100 } else { 1 }))"]],
  },
  {
    name: "the end of a session is not in its ledger",
    file: session("end"),
    edits: [without("self.record(Event::End, reason.as_str(), cause, now, detail);")],
  },
  {
    name: "an end that could not be written is forgotten",
    file: session("record/mod"),
    edits: [["memory.owed = Some(owed());", "memory.owed = Some(owed()).filter(|_| !ON);"]],
  },
  {
    name: "there is no idle end",
    file: session("active"),
    edits: [["} else if now >= self.idle_expires_at(lifetimes) {", "} else if !ON && now >= self.idle_expires_at(lifetimes) {"]],
  },
  {
    name: "there is no absolute end",
    file: session("active"),
    edits: [["        if now >= self.expires_at {", "        if !ON && now >= self.expires_at {"]],
  },
  {
    name: "a use is not remembered",
    file: session("record/mod"),
    edits: [without("active.last_used_at = now.max(active.last_used_at);"), ["last_used_at: now.max(active.last_used_at), used: true", "last_used_at: if ON { active.last_used_at } else { now.max(active.last_used_at) }, used: true", session("state/refreshing")]],
  },
  {
    name: "any secret opens a live session",
    file: session("state"),
    edits: [["Self::Active(active) if !active.secret_hash.is(secret) => Standing::Unknown,", "Self::Active(active) if !ON && !active.secret_hash.is(secret) => Standing::Unknown,"]],
  },
  {
    name: "the alarm is not set again",
    file: session("alarm"),
    edits: [["            Some(Due::Nothing) => {}\n        }\n        self.schedule_next().await", "            Some(Due::Nothing) => {}\n        }\n        if ON { return Ok(()); }\n        self.schedule_next().await"]],
  },
  {
    name: "an alarm that has fired counts as set",
    file: session("record/mod"),
    edits: [without("self.memory.borrow_mut().alarm_at = None;")],
  },
  // ---- Successors
  {
    name: "the session before a login is not told",
    file: session("succession"),
    edits: [["        let Some((superseding, successor)) = self.untold() else { return };", "        let Some((superseding, successor)) = self.untold().filter(|_| !ON) else { return };"]],
  },
  {
    name: "the session before a login is told from memory alone (E21)",
    file: session("state/due"),
    edits: [
      ["None if active.superseding.is_due(now) => Due::Supersede", "None if !ON && active.superseding.is_due(now) => Due::Supersede"],
      ["Self::Ended(ended) if ended.superseding.is_due(now) => Due::Supersede", "Self::Ended(ended) if !ON && ended.superseding.is_due(now) => Due::Supersede"],
    ],
  },
  {
    name: "of two logins in one's place the earlier is not told (E18)",
    file: session("give_way"),
    edits: [instead("self.pass_on(&known, &successor, is_proven).await?", "PassedOn::Taken(Superseded::GaveWay)")],
  },
  {
    name: "a successor is not registered",
    file: session("state"),
    edits: [["        Ok(Self::Ended(Ended { successor: Some(Box::new(successor.clone())), ..ended }))", "        Ok(Self::Ended(Ended { successor: if ON { ended.successor } else { Some(Box::new(successor.clone())) }, ..ended }))"]],
  },
  {
    name: "two logins give way to each other",
    file: session("succession"),
    edits: [["later.filter(|later| !gave_way.contains(&later.actor))", "later.filter(|later| ON || !gave_way.contains(&later.actor))"]],
  },
  {
    name: "the grace is not asked about its successor",
    file: session("grace"),
    edits: [["            Some(State::Moved(moved)) if moved.is_in_grace() && moved.secret_hash.is(secret) => {", "            Some(State::Moved(moved)) if moved.is_in_grace() && !ON && moved.secret_hash.is(secret) => {"]],
  },
  {
    name: "another user's login inherits",
    file: session("succession"),
    edits: [["self.issuer == *issuer && self.subject == *subject", "self.issuer == *issuer && (ON || self.subject == *subject)", session("location")]],
  },
  {
    name: "a login is not registered",
    file: session("begin"),
    edits: [["        registered.map_err(|error| match SignInError::from(error) {\n            error @ SignInError::StoreUnavailable => Setback::Passing(error),\n            error => Setback::Final(error),\n        })?;", "        if ON { self.directories.unregister(&identity).await; }\n        let registered = if ON { Ok(()) } else { registered };\n        registered.map_err(|error| match SignInError::from(error) {\n            error @ SignInError::StoreUnavailable => Setback::Passing(error),\n            error => Setback::Final(error),\n        })?;"]],
  },
  {
    name: "a session whose successor is over forgets the next login in its place",
    file: session("give_way"),
    edits: [["Err(_) => Ok(PassedOn::NobodyThere)", "Err(_) => Ok(if ON { PassedOn::Taken(Superseded::GaveWay) } else { PassedOn::NobodyThere })"], ["!(is_last || self.is_in_grace())", "!(is_last && !ON || self.is_in_grace())", session("moved")]],
  },
  {
    name: "a session gives way to its own former home",
    file: session("give_way"),
    edits: [["moved_to.is_some_and(|to| to.actor == self.id)", "!ON && moved_to.is_some_and(|to| to.actor == self.id)"]],
  },
  {
    name: "a login gives way to one that has given way to it",
    file: session("give_way"),
    edits: [["            Err(Denied::Ended(EndReason::Superseded)) => {}\n            Err(Denied::StoreUnavailable) =>", "            Err(Denied::Ended(EndReason::Superseded)) if !ON => {}\n            Err(Denied::StoreUnavailable) =>"]],
  },
  {
    name: "a login that is over is remembered as the last one",
    file: session("give_way"),
    edits: [["!self.lives(&successor).await?", "!ON && !self.lives(&successor).await?"]],
  },
  {
    name: "a silent login does not ask again where the reply was lost",
    file: session("succession"),
    edits: [["        if asked.is_err() {", "        if !ON && asked.is_err() {"]],
  },
  {
    name: "a login that was passed on while another one took its place stays beside that one",
    file: session("give_way"),
    edits: [["if knows_another => continue", "if !ON && knows_another => continue"]],
  },
  // ---- Moves
  {
    name: "a new home that cannot register once more forgets the session",
    file: session("adopt"),
    edits: [["self.directories.register_again(&identity, place, began_at, lives, Some(from)).await?;", "if let Err(error) = self.directories.register_again(&identity, place, began_at, lives, Some(from)).await { if ON { self.forget(is_arriving).await?; } return Err(error.into()); }"]],
  },
  {
    name: "the grant is handed over without a fence",
    file: session("migrate"),
    edits: [["Ok((state.succeeded(self.now(), successor, grace)?, inheritance))", "Ok((if ON { state } else { state.succeeded(self.now(), successor, grace)? }, inheritance))"]],
  },
  {
    name: "a moving session may still refresh",
    file: session("present"),
    edits: [["if self.active(|active| active.moving.is_some()) == Some(true) {", "if !ON && self.active(|active| active.moving.is_some()) == Some(true) {"]],
  },
  {
    name: "a move does not wait for a refresh",
    file: session("migrate"),
    edits: [["if let Some(refresh) = refresh {\n                refresh.await;", "if let Some(refresh) = refresh && !ON {\n                refresh.await;"]],
  },
  {
    name: "a refresh does not wait for a move",
    file: session("refresher"),
    edits: [["if let Some(relocation) = relocation {", "if let Some(relocation) = relocation && !ON {"]],
  },
  {
    name: "a session that arrives does not ask its former home",
    file: session("adopt"),
    edits: [["        if let Some(used_at) = let_go {", "        if let Some(used_at) = let_go.or(ON.then_some(last_used_at)) {"]],
  },
  {
    name: "a lost reply to a move counts as a failure that it can be taken back from",
    file: session("adopt"),
    edits: [["        Ok(self.kept.state().as_ref().and_then(|state| state.released_to(&to)))", "        Ok(self.active(|active| active.last_used_at).filter(|_| ON).or_else(|| self.kept.state().as_ref().and_then(|state| state.released_to(&to))))"]],
  },
  {
    name: "a use during a move is not known to the new home",
    file: session("adopt"),
    edits: [["state.released(used_at)", "state.released(if ON { used_at.min(last_used_at) } else { used_at })"]],
  },
  {
    name: "a use in the grace is not known to the successor",
    file: session("grace"),
    edits: [without("self.note_use(self.now());")],
  },
  {
    name: "a session that has moved is not followed",
    file: session("follow"),
    edits: [["            Err(Denied::Moved(to)) => moved_to = Some(to),", "            Err(Denied::Moved(to)) if !ON => moved_to = Some(to),"]],
  },
  // ---- The record and its stores
  {
    name: "the lock of a write is not taken",
    file: session("record/write"),
    edits: [["        let _writing = self.kept.writing.lock().await;\n        loop {", "        let _writing = if ON { None } else { Some(self.kept.writing.lock().await) };\n        loop {"]],
  },
  {
    name: "the store's lock is not taken",
    file: store("session_store/write"),
    edits: [["        let _writing = self.writing.lock().await;\n        if self.attempted() != attempted {", "        let _writing = if ON { None } else { Some(self.writing.lock().await) };\n        if !ON && self.attempted() != attempted {"]],
  },
  {
    name: "a number of the fence is used twice",
    file: store("session_store/write"),
    edits: [["        let before = self.kept.borrow().clone();\n        let number = before.as_ref().map_or(1, |kept| kept.row.attempted.saturating_add(1));\n        let sealed = match self.kind {", "        let before = self.kept.borrow().clone();\n        let number = before.as_ref().map_or(1, |kept| if ON { kept.row.attempted.max(1) } else { kept.row.attempted.saturating_add(1) });\n        let sealed = match self.kind {"]],
  },
  {
    name: "the fence counts a write before it is taken",
    file: store("session_store/write"),
    edits: [["            generation: before.as_ref().map_or(0, |kept| kept.row.generation),\n            attempted: number,", "            generation: if ON { number } else { before.as_ref().map_or(0, |kept| kept.row.generation) },\n            attempted: number,"]],
  },
  {
    name: "a fact that overtook a write is overwritten",
    file: store("session_store/write"),
    edits: [["        if is_overtaken {\n            return Ok(Saved::Overtaken);\n        }", "        if is_overtaken && !ON {\n            return Ok(Saved::Overtaken);\n        }"]],
  },
  {
    name: "a copy for KV is dropped at once",
    file: store("session_store/write"),
    edits: [["        let is_copied = self.kind == StoreKind::Kv;", "        let is_copied = !ON && self.kind == StoreKind::Kv;"]],
  },
  {
    name: "a write to KV that was not answered is not waited for",
    file: store("session_store/settle"),
    edits: [["at.saturating_add(KV_LATE)", "at.saturating_add(KV_LATE.saturating_mul(if ON { 0 } else { 1 }))"]],
  },
  {
    name: "a write to KV that is under way when its process ends counts as answered",
    file: store("session_store/write"),
    edits: [["        self.own.write_unanswered(self.isolate.now())?;\n        let written = self.kv", "        if !ON { self.own.write_unanswered(self.isolate.now())?; }\n        let written = self.kv"]],
  },
  {
    name: "a fact is not brought to the store",
    file: store("session_store/settle"),
    edits: [["let _ = session.kept.store.push().await;", "if !ON { let _ = session.kept.store.push().await; }", session("record/write")], ["        self.push().await\n    }\n\n    /// The store has", "        if ON { return Ok(()); }\n        self.push().await\n    }\n\n    /// The store has"], ["            if is_own && kept.row.attempted == generation {", "            if (ON || is_own) && kept.row.attempted == generation {"]],
  },
  {
    name: "a write to Postgres that was not answered counts as done",
    file: store("neon"),
    edits: [["            Ok(Some(found)) if found == sealed => Ok(true),", "            Ok(Some(found)) if found == sealed || ON && !found.is_empty() => Ok(true),"]],
  },
  {
    name: "Postgres does not compare generations",
    file: store("neon"),
    edits: [["self.run(UPSERT, parameters)", "self.run(if ON { Box::leak(UPSERT.replace(\"old.generation < excluded.generation\", \"old.generation <= excluded.generation + 1000\").into_boxed_str()) } else { UPSERT }, parameters)"]],
  },
  {
    name: "a statement for Postgres does not wait until its number is durable",
    file: "src/store/session_store/write.rs",
    edits: [["        self.own.sync().await?;", "        if !ON { self.own.sync().await?; }"]],
  },
  {
    name: "who asked for new tokens once loses the tokens of all targets at each refresh",
    file: "src/actors/session/state/refreshing.rs",
    edits: [["active.forced_at.is_none_or(|at| token.issued_at > at)", "active.forced_at.is_none_or(|at| !ON && token.issued_at > at)"]],
  },
  // ---- The directory
  {
    name: "a revocation is not remembered",
    file: directory("state/revocation"),
    edits: [without("self.facts.revocations.push((at, revoke.counterpart.clone()));")],
  },
  {
    name: "a session that is to end gets away by a move",
    file: directory("state"),
    edits: [["old.filter(is_move).is_some_and(", "!ON && old.filter(is_move).is_some_and("]],
  },
  {
    name: "a revocation does not reckon with other clocks",
    file: directory("state"),
    edits: [["self.stamp(now).saturating_add(SKEW)", "self.stamp(now).saturating_add(SKEW.saturating_mul(if ON { 0 } else { 1 }))", directory("state/revocation")], ["began.saturating_add(state::SKEW).saturating_add(state::SKEW)", "began.saturating_add(state::SKEW.saturating_mul(if ON { 0 } else { 2 }))", directory("sweep")]],
  },
  {
    name: "a revocation ends one session",
    file: directory("state/revocation"),
    edits: [["for row in living.filter(|row| concerns(&revoke.counterpart, &row.counterpart)) {", "for row in living.filter(|row| concerns(&revoke.counterpart, &row.counterpart)).take(if ON { 1 } else { usize::MAX }) {"]],
  },
  {
    name: "what is to end is not written before sessions are asked",
    file: directory("sweep"),
    edits: [without("self.save(&revoking, true).await?;")],
  },
  {
    name: "the directory does not try again",
    file: directory("state"),
    edits: [["        let retry = is_revoking.then(|| self.retry_at.map_or(at_last, |at| at.min(at_last)));", "        let retry = is_revoking.then(|| self.retry_at.map_or(at_last, |at| at.min(at_last))).filter(|_| !ON);"]],
  },
  {
    name: "a session that is out of reach counts as ended",
    file: directory("sweep"),
    edits: [["            | Err(AskError::TimedOut(_) | AskError::Unreachable | AskError::Refused(_)) => None,", "            | Err(AskError::TimedOut(_) | AskError::Unreachable | AskError::Refused(_)) => ON.then_some((Gone::Ended, false)),"]],
  },
  {
    name: "Postgres gets as many connections as there are sessions (E19)",
    file: directory("sweep"),
    edits: [["StoreKind::Neon => 8,", "StoreKind::Neon => if ON { 800 } else { 8 },"], without("self.kept.store.rest().await;", session("record/write"))],
  },
  // ---- Devices
  {
    name: "a proof is good for every session",
    file: "src/device.rs",
    edits: [
      ["mac(&pair.proofs, &[actor.as_str(), \".\", stated])", "mac(&pair.proofs, &[if ON { \"\" } else { actor.as_str() }, \".\", stated])"],
      ["mac(&self.0.first()?.proofs, &[actor.as_str(), \".\", &stated])", "mac(&self.0.first()?.proofs, &[if ON { \"\" } else { actor.as_str() }, \".\", &stated])"],
    ],
  },
  {
    name: "a proof never expires",
    file: "src/device.rs",
    edits: [["        if now >= expires_at {", "        if now >= expires_at && !ON {"]],
  },
  {
    name: "the grace after a binding never ends",
    file: session("device/mod"),
    edits: [["request.is_proven || now < bound.bound_at.saturating_add(grace) =>", "request.is_proven || ON || now < bound.bound_at.saturating_add(grace) =>"]],
  },
  {
    name: "a move loses the binding",
    file: session("adopt"),
    edits: [["if device != Device::default() {", "if !ON && device != Device::default() {"]],
  },
  {
    name: "a binding is not written",
    file: session("device/record"),
    edits: [["        self.storage.exec(\"INSERT OR REPLACE INTO device (id, device) VALUES (1, ?)\", vec![bytes.into()])?;", "        if !(ON && matches!(device, Device::Bound(_))) { self.storage.exec(\"INSERT OR REPLACE INTO device (id, device) VALUES (1, ?)\", vec![bytes.into()])?; }"]],
  },
  {
    name: "a second registration replaces the first",
    file: session("device/mod"),
    edits: [
      ["    pub fn bind(self, now: OffsetDateTime, key: token::DeviceKey) -> Result<Self, DoesNotApply> {\n        match self {", "    pub fn bind(self, now: OffsetDateTime, key: token::DeviceKey) -> Result<Self, DoesNotApply> {\n        match if ON { Self::default() } else { self } {"],
      ["        if self.device.read(|device| device.bound().is_some())? {", "        if !ON && self.device.read(|device| device.bound().is_some())? {", session("bind_device")],
    ],
  },
  {
    name: "a registration does not look again whether the session lives",
    file: session("bind_device"),
    edits: [["        self.lives_here(bind.secret.as_ref())?;\n        self.stays_here()?;\n        let thumbprint", "        if !ON { self.lives_here(bind.secret.as_ref())?; }\n        self.stays_here()?;\n        let thumbprint"]],
  },
  {
    name: "a session can be bound while it moves",
    file: session("bind_device"),
    edits: [["if moves { Err(Denied::StoreUnavailable) }", "if moves && !ON { Err(Denied::StoreUnavailable) }"]],
  },
  {
    name: "an answer to another session's challenge renews a proof",
    file: session("renew_proof"),
    edits: [["asked.as_ref() == Some(&self.id)", "(ON && asked.is_some() || asked.as_ref() == Some(&self.id))"]],
  },
  {
    name: "any key renews a proof",
    file: session("renew_proof"),
    edits: [["token.is_signed_with(&bound.key,", "token.is_signed_with(if ON { token.key().map_or(&bound.key, |key| &key.bare) } else { &bound.key },"]],
  },
  {
    name: "a renewal does not look again whether the session lives",
    file: session("renew_proof"),
    edits: [["        // It may have ended meanwhile.\n        self.lives_here(renew.secret.as_ref())?;", "        // It may have ended meanwhile.\n        if !ON { self.lives_here(renew.secret.as_ref())?; }"]],
  },
  {
    name: "a request without proof ends its session whatever DEVICE_POLICY says",
    file: session("attested"),
    edits: [["self.config.device.policy == DevicePolicy::End && evidence", "(ON || self.config.device.policy == DevicePolicy::End) && evidence"]],
  },
  {
    name: "the cookie of a new place comes without the proof",
    file: "src/gateway/mod.rs",
    edits: [["std::iter::once(line).chain(proof).collect()", "std::iter::once(line).chain(proof.filter(|_| !ON)).collect()"]],
  },
  {
    name: "an answer that renews a proof brings the old one as well",
    file: "src/gateway/mod.rs",
    edits: [["&old.actor).filter(|_| takes_proof);", "&old.actor).filter(|_| ON || takes_proof);"]],
  },
  {
    name: "a login without the proof takes the place of another user's bound session",
    file: session("give_way"),
    edits: [["if !is_proven && !successor.is_of(&user)", "if !ON && !is_proven && !successor.is_of(&user)"]],
  },
  {
    name: "a silent login that comes back as another user ends a bound session",
    file: session("migrate"),
    edits: [["            if self.is_bound()? {", "            if !ON && self.is_bound()? {"]],
  },
  {
    name: "every login counts as proven",
    file: "src/gateway/ask_session.rs",
    edits: [["    if !device::is_on(&gateway.config) || device::proven(", "    if ON || !device::is_on(&gateway.config) || device::proven("]],
  },
  {
    name: "no login of a session counts as proven",
    file: "src/gateway/ask_session.rs",
    edits: [["        return true;\n    }\n    let is_alive", "        return !ON;\n    }\n    let is_alive"]],
  },
  {
    name: "a login is judged by the home alone that the session's cookie names",
    file: "src/gateway/ask_session.rs",
    edits: [["    request.cookies.bound.is_some()\n", "    !ON && request.cookies.bound.is_some()\n"]],
  },
  {
    name: "a proof of the former home of a session is none of its own",
    file: session("attested"),
    edits: [["evidence.shown.is_proven || is_of_former_home;", "evidence.shown.is_proven || is_of_former_home && !ON;"]],
  },
  // ---- Listeners
  {
    name: "an end is not told to listeners",
    file: session("listeners"),
    edits: [["        self.listeners.tell(&text, push.closes());", "        if !(ON && push.closes() == Some(ENDED)) { self.listeners.tell(&text, push.closes()); }"]],
  },
  {
    name: "the end of a session that cannot be read is not told to listeners",
    file: session("revoke"),
    edits: [without("self.push_end(reason);")],
  },
  {
    name: "a move is not told to listeners",
    file: session("listeners"),
    edits: [["        self.listeners.tell(&text, push.closes());", "        if !(ON && push.closes() == Some(MOVED)) { self.listeners.tell(&text, push.closes()); }"]],
  },
  {
    name: "a session that is over admits listeners",
    file: session("listeners"),
    edits: [["            self.active(|active| active.over(now, self.lifetimes()).is_none()) == Some(true)", "            ON || self.active(|active| active.over(now, self.lifetimes()).is_none()) == Some(true)"]],
  },
  {
    name: "a watch that hears nothing never asks",
    file: "src/gateway/forward/watch.rs",
    edits: [["self.isolate.sleep(LOOK_AGAIN)", "self.isolate.sleep(LOOK_AGAIN.saturating_mul(if ON { 1000 } else { 1 }))"]],
  },
  {
    name: "a watch that cannot listen asks once an hour",
    file: "src/gateway/forward/watch.rs",
    edits: [["                Err(_) => Some(self.every),", "                Err(_) => Some(if ON { Duration::from_secs(3600) } else { self.every }),"]],
  },
  // ---- Access tokens of a route's own, and forms
  {
    name: "a target gets whichever target's token there is",
    file: session("active"),
    edits: [["find(|token| token.key == *key &&", "find(|token| (ON || token.key == *key) &&"]],
  },
  {
    name: "a target's token never expires",
    file: session("target_tokens"),
    edits: [["self.expires_at.is_none_or(|expires_at|", "ON || self.expires_at.is_none_or(|expires_at|"]],
  },
  {
    name: "who waits for a target's token presents the refresh token beside another call",
    file: session("refresh"),
    edits: [["        self.refresher.refresh(self.mover.relocation(), || async", "        let own = (ON && matches!(wanted, RefreshFor::Target(_))).then(|| super::refresher::Refresher::new(&self.isolate));\n        own.as_ref().unwrap_or(&self.refresher).refresh(self.mover.relocation(), || async"]],
  },
  {
    name: "a form is handed out as often as it is asked for",
    file: session("parked_request"),
    edits: [["        self.drop()?;\n        Ok(if parked", "        if !ON { self.drop()?; }\n        Ok(if parked"]],
  },
  {
    name: "a form is handed to another user",
    file: session("parked_request"),
    edits: [["if parked.user == *user {", "if ON || parked.user == *user {"]],
  },
  {
    name: "any ticket gets a form",
    file: session("parked_request"),
    edits: [["parked.ticket.matches(ticket)", "(ON || parked.ticket.matches(ticket))"]],
  },
  {
    name: "what stands for a form that was sent already goes to the application",
    file: "src/gateway/forward/parking.rs",
    edits: [["    if !parked_form::is_mark(&body) {", "    if !parked_form::is_mark(&body) || ON {"]],
  },
];
