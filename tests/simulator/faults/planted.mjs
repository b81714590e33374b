// The faults that `make simulate-faults` plants: each a name that says what is wrong, the file, and the texts before and after (and where, if that is
// another file).

const at = (folder) => (file) => `src/${folder}/${file}.rs`;
const session = at("actors/session");
const directory = at("actors/directory");
const store = at("store");

export const PLANTED = [
  // ---- The refresh
  {
    name: "the intent to refresh is not written",
    file: session("present"),
    edits: [
      ["let intended = self.transition(|state| state.presenting(now)).await;", "let intended: Result<Result<(), DoesNotApply>, crate::store::StoreError> = Ok(Ok(()));"],
      ["        if presented != Some(true) {\n            return Err(RefreshOutcome::Ended);\n        }", "        let _ = presented;"],
    ],
  },
  {
    name: "nobody waits until the intent is written",
    file: session("present"),
    edits: [
      [
        "let intended = self.transition(|state| state.presenting(now)).await;",
        "let session = Rc::clone(self);\n            self.isolate.go_on(async move {\n                session.isolate.sleep(std::time::Duration::from_millis(30)).await;\n                let _ = session.transition(|state| state.presenting(now)).await;\n            });\n            let intended: Result<Result<(), DoesNotApply>, crate::store::StoreError> = Ok(Ok(()));",
      ],
      ["        if presented != Some(true) {\n            return Err(RefreshOutcome::Ended);\n        }", "        let _ = presented;"],
    ],
  },
  {
    name: "a refresh is joined by nobody",
    file: session("single_flight"),
    edits: [["        if let Some(flight) = &*slot {\n            return flight.clone();\n        }\n", ""]],
  },
  {
    name: "a lost reply of the provider counts as: not now",
    file: "src/provider/token_answer.rs",
    edits: [["(RequestTokenError::Request(error), _) => RefreshFailure::Unknown(error.to_string()),", "(RequestTokenError::Request(error), _) => RefreshFailure::Deferred { retry_after: None, why: error.to_string() },"]],
  },
  {
    name: "an answer that cannot be read counts as: not now",
    file: "src/provider/token_answer.rs",
    edits: [["            RefreshFailure::Unknown(format!(\"the provider answered {status} with something else than tokens\"))", "            RefreshFailure::Deferred { retry_after: None, why: format!(\"{status}\") }"]],
  },
  {
    name: "a token of unknown outcome is presented again while the clock says so",
    file: session("grant"),
    edits: [["    passed > MARGIN.saturating_mul(-1) && passed.saturating_add(MARGIN) < leeway", "    passed < leeway"]],
  },
  {
    name: "the leeway is some seconds longer than it is",
    file: session("grant"),
    edits: [["passed.saturating_add(MARGIN) < leeway", "passed.saturating_add(MARGIN) < leeway.saturating_add(Duration::seconds(5))"]],
  },
  {
    name: "there is no pause after a series of tries",
    file: session("grant"),
    edits: [["const SHORTEST_PAUSE: Duration = Duration::seconds(5);", "const SHORTEST_PAUSE: Duration = Duration::ZERO;"]],
  },
  {
    name: "a token is tried thirty times",
    file: session("refresh_failure"),
    edits: [["const RETRIES: u32 = 3;", "const RETRIES: u32 = 30;"]],
  },
  {
    name: "a series of tries that the store breaks off has no pause",
    file: session("present"),
    edits: [["                        self.break_off_series().await;\n", ""], ["    pub(super) async fn break_off_series", "    #[allow(dead_code)]\n    pub(super) async fn break_off_series", session("refresh_failure")]],
  },
  {
    name: "Retry-After is not kept",
    file: session("refresh_failure"),
    edits: [["let pause = asked.max(backoff(tries, self.isolate.jitter()));", "let pause = backoff(tries, self.isolate.jitter());"]],
  },
  {
    name: "new tokens wait for the lock of a write",
    file: session("record/write"),
    edits: [["        self.wait_while_forgetting().await;\n        let state = self.kept.memory.borrow().state.clone();\n        match state.ok_or(DoesNotApply).and_then(change) {", "        self.wait_while_forgetting().await;\n        drop(self.kept.writing.lock().await);\n        let state = self.kept.memory.borrow().state.clone();\n        match state.ok_or(DoesNotApply).and_then(change) {"]],
  },
  {
    name: "new tokens stay in memory for a while",
    file: session("present"),
    edits: [["        let kept = self.establish(|state| state.refreshed(grant, renewed)).await;", "        self.isolate.sleep(std::time::Duration::from_secs(5)).await;\n        let kept = self.establish(|state| state.refreshed(grant, renewed)).await;"]],
  },
  {
    name: "the old refresh token is kept though a new one came",
    file: session("state/refreshing"),
    edits: [["(Refreshing::Impossible, Refreshing::Presented { token, .. } | Refreshing::Ready { token, .. }) => {", "(_, Refreshing::Presented { token, .. } | Refreshing::Ready { token, .. }) => {"]],
  },
  {
    name: "a refresh that comes too late for its session is not revoked",
    file: session("present"),
    edits: [["            self.revoke_in_background(Some(unused).filter(|_| !self.has_successor()), sid, cause);", "            let _ = (unused, sid);"]],
  },
  {
    name: "a refresh without a new token that comes too late revokes nothing",
    file: session("present"),
    edits: [["            self.revoke_in_background(Some(unused).filter(|_| !self.has_successor()), sid, cause);", "            let unused = Some(unused).filter(|unused| unused.secret() != token.secret());\n            self.revoke_in_background(unused.filter(|_| !self.has_successor()), sid, cause);"]],
  },
  {
    name: "a refresh that fails after its session ended leaves its token",
    file: session("refresh_failure"),
    edits: [["let unused = granted.or_else(|| not_taken.then(|| presentation.token.clone()));", "let unused = granted.filter(|_| not_taken);"]],
  },
  {
    name: "an access token serves to its last moment",
    file: session("grant"),
    edits: [["now < expires_at.saturating_sub(tenth.min(Duration::seconds(10)))", "now < expires_at.saturating_add(tenth.min(Duration::ZERO))"]],
  },
  {
    name: "an access token is judged by the time before it was waited (E17)",
    file: session("get"),
    edits: [
      ["        self.ready().await?;\n        self.end_grace_with_successor(secret, purpose == Purpose::Proxy).await?;", "        let now = self.now();\n        self.ready().await?;\n        self.end_grace_with_successor(secret, purpose == Purpose::Proxy).await?;"],
      ["        let mut now = self.now();\n        let mut verdict", "        let mut verdict"],
      ["            now = self.now();\n            verdict = self.verdict(secret, purpose, now);", "            verdict = self.verdict(secret, purpose, self.now());"],
    ],
  },
  // ---- The end
  {
    name: "an end is answered before it is made",
    file: session("revoke"),
    edits: [["            if let Some(remains) = self.end(reason, cause, reason.in_words(cause)).await? {\n                break remains;\n            }", "            let session = Rc::clone(self);\n            self.isolate.go_on(async move {\n                session.isolate.sleep(std::time::Duration::from_millis(50)).await;\n                let _ = session.end(reason, cause, reason.in_words(cause)).await;\n            });\n            break Remains::default();"]],
  },
  {
    name: "an end is answered before it is written",
    file: session("revoke"),
    edits: [["        self.write_down().await?;\n        let began = self.now();", "        let began = self.now();"]],
  },
  {
    name: "what remains of an ended session is not revoked",
    file: session("revoke"),
    edits: [["        if let Some(token) = token {\n            drop(self.revocation(token, sid, cause));\n        }", "        let _ = (token, sid, cause);"]],
  },
  {
    name: "a logout revokes nothing",
    file: session("revoke"),
    edits: [["refresh_token.filter(|_| !needless)", "refresh_token.filter(|_| needless)"]],
  },
  {
    name: "a logout waits as long as the provider takes (E22)",
    file: session("revoke"),
    edits: [["const WAIT_LIMIT: Duration = Duration::seconds(3);", "const WAIT_LIMIT: Duration = Duration::seconds(300);"]],
  },
  {
    name: "the end of a session is not in its ledger",
    file: session("end"),
    edits: [["        self.record(Event::End, reason.as_str(), cause, now, detail);\n        Ok(Some(remains))", "        Ok(Some(remains))"]],
  },
  {
    name: "an end that could not be written is forgotten",
    file: session("record/mod"),
    edits: [["            memory.owed = Some(owed());", "            let _ = owed();"]],
  },
  {
    name: "there is no idle end",
    file: session("active"),
    edits: [["} else if now >= self.idle_expires_at(lifetimes) {", "} else if now >= self.idle_expires_at(lifetimes).saturating_add(time::Duration::DAY) {"]],
  },
  {
    name: "there is no absolute end",
    file: session("active"),
    edits: [["        if now >= self.expires_at {", "        if now >= self.expires_at.saturating_add(time::Duration::DAY) {"]],
  },
  {
    name: "a use is not remembered",
    file: session("record/mod"),
    edits: [["        active.last_used_at = now.max(active.last_used_at);", ""], ["        self.map_active(|active| Ok(Active { last_used_at: now.max(active.last_used_at), used: true, ..active }))", "        self.map_active(|active| Ok(Active { last_used_at: active.last_used_at.min(now), used: true, ..active }))", session("state/refreshing")]],
  },
  {
    name: "any secret opens a live session",
    file: session("state"),
    edits: [["Self::Active(active) if !active.secret_hash.is(secret) => Standing::Unknown,", "Self::Active(active) if active.epoch == u32::MAX && !active.secret_hash.is(secret) => Standing::Unknown,"]],
  },
  {
    name: "the alarm is not set again",
    file: session("alarm"),
    edits: [["            Some(Due::Nothing) => {}\n        }\n        self.schedule_next().await", "            Some(Due::Nothing) => {}\n        }\n        Ok(())"]],
  },
  {
    name: "an alarm that has fired counts as set",
    file: session("record/mod"),
    edits: [["        self.memory.borrow_mut().alarm_at = None;", ""]],
  },
  // ---- Successors
  {
    name: "the session before a login is not told",
    file: session("succession"),
    edits: [["        let Some((superseding, successor)) = self.untold() else { return };", "        let Some((superseding, successor)) = self.untold().filter(|_| cause == Cause::Alarm && self.id.as_str().is_empty()) else { return };"]],
  },
  {
    name: "the session before a login is told from memory alone (E21)",
    file: session("state/due"),
    edits: [
      ["                None if active.superseding.is_due(now) => Due::Supersede,\n", ""],
      ["            Self::Ended(ended) if ended.superseding.is_due(now) => Due::Supersede,\n", ""],
    ],
  },
  {
    name: "of two logins in one's place the earlier is not told (E18)",
    file: session("give_way"),
    edits: [["                let passed_on = self.pass_on(&known, &successor).await?;", "                let passed_on = if known.actor == self.id { self.pass_on(&known, &successor).await? } else { PassedOn::Taken(Superseded::GaveWay) };"]],
  },
  {
    name: "a successor is not registered",
    file: session("state"),
    edits: [["        Ok(Self::Ended(Ended { successor: Some(Box::new(successor.clone())), ..ended }))", "        Ok(Self::Ended(Ended { successor: ended.successor.filter(|_| is_last && false), ..ended }))"]],
  },
  {
    name: "two logins give way to each other",
    file: session("succession"),
    edits: [["later.filter(|later| !gave_way.contains(&later.actor))", "later.filter(|later| !gave_way.is_empty() || later.region == later.region)"]],
  },
  {
    name: "the grace is not asked about its successor",
    file: session("grace"),
    edits: [["            Some(State::Moved(moved)) if moved.is_in_grace() && moved.secret_hash.is(secret) => {", "            Some(State::Moved(moved)) if moved.is_in_grace() && moved.forwards() && moved.secret_hash.is(secret) => {"]],
  },
  {
    name: "another user's login inherits",
    file: session("succession"),
    edits: [["self.issuer == *issuer && self.subject == *subject", "self.issuer == *issuer && !subject.is_empty()", session("location")]],
  },
  {
    name: "a login is not registered",
    file: session("begin"),
    edits: [["        registered.map_err(|error| match SignInError::from(error) {\n            error @ SignInError::StoreUnavailable => Setback::Passing(error),\n            error => Setback::Final(error),\n        })?;", "        let _ = registered;\n        self.directories.unregister(&identity).await;"]],
  },
  {
    name: "a session whose successor is over forgets the next login in its place",
    file: session("give_way"),
    edits: [["            Err(_) => Ok(PassedOn::NobodyThere),", "            Err(_) => Ok(PassedOn::Taken(Superseded::GaveWay)),"], ["        if self.forwards() || !(is_last || self.is_in_grace()) {", "        if self.forwards() || !self.is_in_grace() {", session("moved")]],
  },
  {
    name: "a session gives way to its own former home",
    file: session("give_way"),
    edits: [["moved_to.is_some_and(|to| to.actor == self.id)", "moved_to.is_some_and(|to| to.actor == successor.actor)"]],
  },
  {
    name: "a silent login does not ask again where the reply was lost",
    file: session("succession"),
    edits: [["        if asked.is_err() {", "        if asked.is_err() && predecessor.actor == self.id {"]],
  },
  // ---- Moves
  {
    name: "the grant is handed over before the fence",
    file: session("moved"),
    edits: [["                grant: Grant { refresh: Refreshing::Lost, ..self.grant },", "                grant: self.grant,"]],
  },
  {
    name: "a moving session may still refresh",
    file: session("present"),
    edits: [["if self.active(|active| active.moving.is_some()) == Some(true) {", "if self.active(|active| active.moving.is_some()) == None {"]],
  },
  {
    name: "a move does not wait for a refresh",
    file: session("migrate"),
    edits: [["            if let Some(refresh) = refresh {\n                refresh.await;\n            }", "            drop(refresh);"]],
  },
  {
    name: "a refresh does not wait for a move",
    file: session("refresher"),
    edits: [["                if let Some(relocation) = relocation {\n                    let _ = relocation.await;\n                }", "                drop(relocation);"]],
  },
  {
    name: "a session that arrives does not ask its former home",
    file: session("adopt"),
    edits: [["        if let Some(used_at) = let_go {", "        if let Some(used_at) = let_go.or(Some(last_used_at)) {"]],
  },
  {
    name: "a lost reply to a move counts as a failure that it can be taken back from",
    file: session("adopt"),
    edits: [["        Ok(self.kept.state().as_ref().and_then(|state| state.released_to(&to)))", "        Ok(self.active(|active| active.last_used_at).or_else(|| self.kept.state().as_ref().and_then(|state| state.released_to(&to))))"]],
  },
  {
    name: "a use during a move is not known to the new home",
    file: session("adopt"),
    edits: [["state.released(used_at)", "state.released(used_at.min(last_used_at))"]],
  },
  {
    name: "a use in the grace is not known to the successor",
    file: session("grace"),
    edits: [["        self.note_use(self.now());\n", ""]],
  },
  {
    name: "a session that has moved is not followed",
    file: session("follow"),
    edits: [["            Err(Denied::Moved(to)) => moved_to = Some(to),", "            Err(Denied::Moved(to)) if to.actor == *actor => moved_to = Some(to),"]],
  },
  // ---- The record and its stores
  {
    name: "the lock of a write is not taken",
    file: session("record/write"),
    edits: [["        let _writing = self.kept.writing.lock().await;\n        loop {", "        loop {"]],
  },
  {
    name: "the store's lock is not taken",
    file: store("session_store/write"),
    edits: [["        let _writing = self.writing.lock().await;\n        if self.attempted() != attempted {\n            // The record was made before that fact.\n            return Ok(Saved::Overtaken);\n        }", "        let _ = attempted;"]],
  },
  {
    name: "a number of the fence is used twice",
    file: store("session_store/write"),
    edits: [["        let before = self.kept.borrow().clone();\n        let number = before.as_ref().map_or(1, |kept| kept.row.attempted.saturating_add(1));\n        let sealed = match self.kind {", "        let before = self.kept.borrow().clone();\n        let number = before.as_ref().map_or(1, |kept| kept.row.attempted.max(1));\n        let sealed = match self.kind {"]],
  },
  {
    name: "the fence counts a write before it is taken",
    file: store("session_store/write"),
    edits: [["            generation: before.as_ref().map_or(0, |kept| kept.row.generation),\n            attempted: number,", "            generation: number,\n            attempted: number,"]],
  },
  {
    name: "a fact that overtook a write is overwritten",
    file: store("session_store/write"),
    edits: [["        if is_overtaken {\n            return Ok(Saved::Overtaken);\n        }", "        let _ = is_overtaken;"]],
  },
  {
    name: "a copy for KV is dropped at once",
    file: store("session_store/write"),
    edits: [["        let is_copied = self.kind == StoreKind::Kv;", "        let is_copied = self.kind == StoreKind::Durable;"]],
  },
  {
    name: "a write to KV that was not answered is not waited for",
    file: store("session_store/settle"),
    edits: [["const KV_LATE: time::Duration = time::Duration::hours(1);", "const KV_LATE: time::Duration = time::Duration::ZERO;"]],
  },
  {
    name: "a fact is not brought to the store",
    file: store("session_store/settle"),
    edits: [["            let _ = session.kept.store.push().await;", "            let _ = &session.kept.store;", session("record/write")], ["        self.push().await\n    }\n\n    /// The store has", "        Ok(())\n    }\n\n    /// The store has"], ["            if is_own && kept.row.attempted == generation {", "            if kept.row.attempted == generation {"]],
  },
  {
    name: "a write to Postgres that was not answered counts as done",
    file: store("neon"),
    edits: [["            Ok(Some(found)) if found == sealed => Ok(true),", "            Ok(Some(found)) if !found.is_empty() => Ok(true),"]],
  },
  {
    name: "Postgres does not compare generations",
    file: store("neon"),
    edits: [["WHERE old.generation < excluded.generation \\\n", "WHERE old.generation <= excluded.generation + 1000 \\\n"]],
  },
  // ---- The directory
  {
    name: "a revocation is not remembered",
    file: directory("state/revocation"),
    edits: [["        self.facts.revocations.push((at, revoke.counterpart.clone()));", "        let _ = at;"]],
  },
  {
    name: "a revocation does not reckon with other clocks",
    file: directory("state"),
    edits: [["pub const SKEW: Duration = Duration::milliseconds(250);", "pub const SKEW: Duration = Duration::ZERO;"]],
  },
  {
    name: "a revocation ends one session",
    file: directory("state/revocation"),
    edits: [["for row in living.filter(|row| concerns(&revoke.counterpart, &row.counterpart)) {", "for row in living.filter(|row| concerns(&revoke.counterpart, &row.counterpart)).take(1) {"]],
  },
  {
    name: "what is to end is not written before sessions are asked",
    file: directory("sweep"),
    edits: [["        self.save(&revoking, true).await?;\n", "        let _ = &revoking;\n"]],
  },
  {
    name: "the directory does not try again",
    file: directory("state"),
    edits: [["        let retry = is_revoking.then(|| self.retry_at.map_or(at_last, |at| at.min(at_last)));", "        let retry = is_revoking.then(|| self.retry_at.map_or(at_last, |at| at.min(at_last))).filter(|_| self.rows.is_empty());"]],
  },
  {
    name: "a session that is out of reach counts as ended",
    file: directory("sweep"),
    edits: [["            | Err(AskError::TimedOut(_) | AskError::Unreachable | AskError::Refused(_)) => None,", "            | Err(AskError::TimedOut(_) | AskError::Unreachable | AskError::Refused(_)) => Some((Gone::Ended, false)),"]],
  },
  {
    name: "Postgres gets as many connections as there are sessions (E19)",
    file: directory("sweep"),
    edits: [["            StoreKind::Neon => 8,", "            StoreKind::Neon => 800,"], ["        self.kept.store.rest().await;", "        let _ = &self.kept.store;", session("record/write")]],
  },
];
