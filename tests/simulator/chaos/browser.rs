//! A browser: its cookies, what it has at the provider, where it is; and what its tabs do, several at once.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use edge_oauth_sessions::credential::Secret;
use edge_oauth_sessions::device::{PROOF_LEEWAY, PROOF_LIFE};
use time::OffsetDateTime;
use url::Url;

use super::super::faults::Kind;
use super::super::gateway::Seen;
use super::super::provider::Front;
use super::Run;
use super::device::Held;
use super::request::{Connection, ORIGIN, Request};
use super::truth::{Device, Known, Pending, Proof, Whose, actor_of, secret_of};

/// Country, continent, longitude.
pub const PLACES: [[&str; 3]; 4] = [["DE", "EU", "10"], ["US", "NA", "-75"], ["JP", "AS", "139"], ["NZ", "OC", "174"]];
/// How often a navigation is sent on, at the most.
const MOST_REDIRECTS: u32 = 16;
/// How long a logout may take where sessions, directories and stores answer, whatever the provider does.
const LOGOUT_TAKES: Duration = Duration::from_secs(5);
pub const SESSION: &str = "__Host-Http-session";
pub const BOUND: &str = "__Host-session-bound";

/// See the module.
pub struct Browser {
    pub number: usize,
    pub name: String,
    /// Who logs in where somebody has to.
    pub user: Cell<&'static str>,
    pub place: Cell<usize>,
    pub front: RefCell<Option<Front>>,
    /// When it came back from the provider.
    callbacks: RefCell<Vec<OffsetDateTime>>,
    cookies: RefCell<Vec<(String, String)>>,
    /// The values that its session cookie had before.
    former: RefCell<Vec<String>>,
    pub knows_devices: bool,
    /// Somebody brought a cookie of its to another browser, to log in there.
    pub was_robbed: Cell<bool>,
    /// Its user takes long at the provider, also where nobody is asked for anything.
    pub waits_at_provider: Cell<bool>,
    /// The key that it has, if its session is bound.
    pub holds: RefCell<Option<Held>>,
    /// The bound cookie, and until when it keeps it.
    bound: RefCell<Option<(String, OffsetDateTime)>>,
}

/// What came of a request.
pub struct Delivered {
    pub seen: Seen,
    pub connection: Option<Connection>,
    /// The session cookie that went along.
    pub cookie: Option<String>,
    /// Whether it may have seemed to come from another device than its session's.
    pub may_seem_foreign: bool,
}

impl Browser {
    pub fn new(number: usize, user: &'static str, place: usize, knows_devices: bool) -> Rc<Self> {
        Rc::new(Self {
            number,
            name: format!("browser {number}"),
            user: Cell::new(user),
            place: Cell::new(place),
            front: RefCell::default(),
            callbacks: RefCell::default(),
            cookies: RefCell::default(),
            former: RefCell::default(),
            knows_devices,
            was_robbed: Cell::default(),
            waits_at_provider: Cell::default(),
            holds: RefCell::default(),
            bound: RefCell::default(),
        })
    }

    /// How often it came back from the provider since then, or so shortly before that this may still have been under way.
    pub fn callbacks_since(&self, since: OffsetDateTime) -> usize {
        self.callbacks.borrow().iter().filter(|at| **at + Duration::from_secs(150) >= since).count()
    }

    /// When it came back from the provider last.
    pub fn last_callback(&self) -> Option<OffsetDateTime> {
        self.callbacks.borrow().last().copied()
    }

    /// The value of the session cookie.
    pub fn session(&self) -> Option<String> {
        self.cookies.borrow().iter().find(|(name, _)| name == SESSION).map(|(_, value)| value.clone())
    }

    /// The value of the bound cookie.
    pub fn proof(&self, now: OffsetDateTime) -> Option<String> {
        self.bound.borrow().as_ref().filter(|(_, until)| now < *until).map(|(value, _)| value.clone())
    }

    pub fn lose_proof(&self) {
        self.bound.take();
    }

    /// The session that it knows by this id is over.
    pub fn lets_go_of(&self, id: &str) {
        let is_it = self.holds.borrow().as_ref().is_some_and(|held| held.id == id);
        if is_it {
            self.holds.take();
        }
    }

    fn header(&self, now: OffsetDateTime) -> String {
        let pairs = self.cookies.borrow();
        let pairs = pairs.iter().map(|(name, value)| format!("{name}={value}"));
        let all: Vec<String> = pairs.chain(self.proof(now).map(|value| format!("{BOUND}={value}"))).collect();
        all.join("; ")
    }

    /// Another browser's cookie was brought to it, or one from before.
    pub fn take_stolen(&self, cookie: &str) {
        self.take(&format!("{SESSION}={cookie}"), OffsetDateTime::UNIX_EPOCH);
        self.lose_proof();
    }

    /// The session cookies that it had before, the last one last.
    pub fn former(&self) -> Vec<String> {
        self.former.borrow().clone()
    }

    /// It has a session cookie from before again. A proof from after that is not what goes with it.
    fn take_back(&self, former: &str) {
        self.take(&format!("{SESSION}={former}"), OffsetDateTime::UNIX_EPOCH);
        self.lose_proof();
    }

    /// Takes a `Set-Cookie` line.
    fn take(&self, line: &str, now: OffsetDateTime) {
        let Some((name, rest)) = line.split_once('=') else { return };
        let (value, attributes) = rest.split_once(';').unwrap_or((rest, ""));
        if name == BOUND {
            self.bound.replace(Some((value.to_owned(), now + life_of(attributes))));
            return;
        }
        let former = self.session().filter(|former| name == SESSION && former != value);
        self.former.borrow_mut().extend(former);
        let mut cookies = self.cookies.borrow_mut();
        cookies.retain(|(known, _)| known != name);
        if !attributes.contains("Max-Age=0") && !value.is_empty() {
            cookies.push((name.to_owned(), value.to_owned()));
        }
    }
}

impl Run {
    /// Sends a request as the browser does, which proves its device where that is due.
    pub async fn send(&self, browser: &Rc<Browser>, request: Request) -> Option<Seen> {
        Some(self.exchange(browser, request, false).await?.seen)
    }

    /// The same of one that may open something.
    pub async fn exchange(&self, browser: &Rc<Browser>, mut request: Request, opens: bool) -> Option<Delivered> {
        if self.needs_proof(browser, &request)
            && let Some(why) = self.renew_proof(browser).await
        {
            request = request.header("secure-session-skipped", why);
        }
        let delivered = self.deliver(browser, request, opens).await?;
        self.take_offer(browser, &delivered.seen);
        Some(delivered)
    }

    /// Sends a request with the browser's cookies, and takes those of the answer.
    pub async fn deliver(&self, browser: &Rc<Browser>, request: Request, opens: bool) -> Option<Delivered> {
        let number = self.world.executor.number();
        let cookie = browser.session().filter(|_| !request.comes_without_cookies);
        let secret = cookie.as_deref().and_then(secret_of).map(str::to_owned);
        let began = self.world.executor.now();
        let proof = browser.proof(began).filter(|_| !request.comes_without_cookies);
        let known = cookie.as_deref().and_then(|cookie| self.truth.of_cookie(cookie));
        let asked_before = known.as_ref().map(|known| {
            self.note_unproven(known, proof.as_deref());
            self.truth.became(known).iter().for_each(|renewed| renewed.last_asked.set(began));
            known.last_asked.replace(began)
        });
        self.truth.note_form(&request, known.as_deref());
        // The cookie may be another session's by now than when somebody wished for that.
        known.iter().filter(|_| request.target == "/auth/refresh").for_each(|known| self.force(&known.user));
        let pending = Pending { began, secret: secret.clone(), asked_before, proof: proof.clone() };
        self.truth.pending.borrow_mut().insert(number, pending);
        let mut request = request.header("x-number", &number.to_string());
        let header = browser.header(began);
        if !header.is_empty() && !request.comes_without_cookies {
            request = request.header("cookie", &header);
        }
        request.place = PLACES[browser.place.get()];
        self.tell(|| {
            format!(
                "{} asks {} {} as {}",
                browser.name,
                request.method,
                request.target,
                self.name_of(cookie.as_deref())
            )
        });
        let answer = if opens {
            self.gateways.open(&request).await
        } else {
            self.gateways.send(&request).await.map(|seen| (seen, None))
        };
        self.truth.pending.borrow_mut().remove(&number);
        // It may have arrived after its session was bound.
        let may_seem_foreign = known.is_some_and(|known| self.note_unproven(&known, proof.as_deref()));
        let Some((seen, connection)) = answer else {
            self.tell(|| format!("{}'s request {} broke off", browser.name, request.target));
            return None;
        };
        let said = || seen.headers.get("location").map_or_else(|| seen.body.chars().take(160).collect(), Clone::clone);
        self.tell(|| format!("{} gets {} for {}: {}", browser.name, seen.what, request.target, said()));
        let proves = request.proves.clone().or_else(|| secret.clone());
        self.learn_proof(proof.as_deref(), proves, &seen, &request);
        self.learn(browser, &request, secret.as_deref().filter(|_| !may_seem_foreign), &seen);
        for line in &seen.cookies {
            browser.take(line, self.world.executor.now());
        }
        self.judge_answer(browser, cookie.as_deref(), &request, &seen);
        Some(Delivered { seen, connection, cookie, may_seem_foreign })
    }

    /// Whether a request of the session's may be unproven, which is remembered.
    fn note_unproven(&self, known: &Known, proof: Option<&str>) -> bool {
        let is_unproven = self.truth.may_be_unproven(known, proof);
        known.device.was_unproven.set(known.device.was_unproven.get() || is_unproven);
        is_unproven
    }

    /// What an answer's bound cookie says: it is for the session of this secret.
    fn learn_proof(&self, sent: Option<&str>, secret: Option<String>, seen: &Seen, request: &Request) {
        let prefix = format!("{BOUND}=");
        let mut all = seen.cookies.iter().filter_map(|line| line.strip_prefix(&prefix));
        let set = all.next();
        self.world.tally.must(all.next().is_none(), "an answer sets the bound cookie twice", || request.target.clone());
        let Some((value, attributes)) = set.and_then(|rest| rest.split_once(';')) else { return };
        if attributes.contains("Max-Age=0") {
            return;
        }
        let Some(secret) = secret else {
            self.world.tally.violate("a proof is made for nobody", value.to_owned());
            return;
        };
        // A session that has moved gets another value for the time that is left.
        let mut proofs = self.truth.proofs.borrow_mut();
        let former = sent.and_then(|sent| proofs.get(sent)).filter(|former| former.secret == secret);
        let expires_at = if request.target.starts_with("/auth/device/") {
            self.world.executor.now() + PROOF_LIFE + PROOF_LEEWAY
        } else if let Some(former) = former {
            former.expires_at
        } else {
            self.world.tally.violate("a proof is made for who has none", value.to_owned());
            return;
        };
        proofs.insert(value.to_owned(), Proof { secret, expires_at });
    }

    /// What an answer's session cookie says: a session has begun, or lives elsewhere now.
    fn learn(&self, browser: &Browser, request: &Request, sent: Option<&str>, seen: &Seen) {
        let prefix = format!("{SESSION}=");
        let set = seen.cookies.iter().find_map(|line| line.strip_prefix(&prefix));
        let Some(value) = set.and_then(|rest| rest.split(';').next()).filter(|value| !value.is_empty()) else { return };
        let (Some(secret), Some(actor)) = (secret_of(value), actor_of(value)) else { return };
        let known = self.truth.sessions.borrow().get(secret).cloned();
        if let Some(known) = known {
            let mut actors = known.actors.borrow_mut();
            if !actors.contains(&actor) {
                actors.push(actor);
            }
            return;
        }
        let url = Url::parse(&request.target).ok();
        let parameter = |name: &str| {
            let mut pairs = url.as_ref()?.query_pairs();
            pairs.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
        };
        let state = parameter("state").unwrap_or_default();
        let login = parameter("code").and_then(|code| self.codes.borrow().get(&code).cloned());
        let Some(login) = login else {
            self.world.tally.violate("a session begins without a login", value.to_owned());
            return;
        };
        let now = self.world.executor.now();
        let session = |secret: &str| self.truth.sessions.borrow().get(secret).cloned();
        let (login_began, predecessor) = self.truth.logins.borrow().get(&state).cloned().unwrap_or((now, None));
        let former = sent.and_then(session);
        let before = predecessor.as_deref().and_then(session);
        // Another login that took its place meanwhile began anew.
        let is_same = |before: &&Rc<Known>| {
            let is_first = !before.is_replaced.get() && !before.begins_anew.get();
            login.is_silent && before.user == login.subject && is_first
        };
        before.iter().filter(is_same).for_each(|before| {
            before.renewed_as.borrow_mut().get_or_insert(secret.to_owned());
        });
        self.truth.know(Known {
            secret: secret.to_owned(),
            user: login.subject.clone(),
            browser: browser.number,
            sid: login.sid.clone(),
            login_began,
            predecessor,
            born: now,
            first_born: before.as_ref().filter(is_same).map_or(now, |before| before.first_born),
            actors: RefCell::new(vec![actor]),
            families: RefCell::default(),
            last_used: Cell::new(now),
            last_asked: Cell::new(now),
            ended: Cell::default(),
            was_succeeded: Cell::default(),
            begins_anew: Cell::default(),
            is_replaced: Cell::default(),
            renewed_as: RefCell::default(),
            heard_end: Cell::default(),
            device: Device::default(),
        });
        [former, before].into_iter().flatten().for_each(|gone| gone.is_replaced.set(true));
        self.tell(|| format!("{} has a session of {} in {value}", browser.name, login.subject));
    }

    /// Opens a page, wherever that leads.
    pub async fn open(&self, browser: Rc<Browser>, path: &str) -> Option<Seen> {
        self.navigate(browser, path, None).await
    }

    /// The same, where the first request may be the post of a form.
    pub async fn navigate(&self, browser: Rc<Browser>, path: &str, mut first: Option<Request>) -> Option<Seen> {
        let mut url = Url::parse(ORIGIN).unwrap().join(path).unwrap();
        let mut cookie_at_login = None;
        // Typed, or a link of the application's own.
        let site = ["none", "same-origin"][self.world.executor.below(2) as usize];
        for _ in 0..MOST_REDIRECTS {
            if url.host_str() == Some("op.example") {
                url = self.visit_provider(&browser, &url).await?;
                continue;
            }
            if url.path() == "/auth/callback" {
                browser.callbacks.borrow_mut().push(self.world.executor.now());
                let code = url.query_pairs().find(|(name, _)| name == "code").map(|(_, code)| code.into_owned());
                let is_silent = code.and_then(|code| self.codes.borrow().get(&code).map(|login| login.is_silent));
                for cookie in [cookie_at_login.clone(), browser.session()].into_iter().flatten() {
                    self.truth.of_cookie(&cookie).into_iter().for_each(|known| {
                        known.was_succeeded.set(true);
                        known.begins_anew.set(known.begins_anew.get() || is_silent == Some(false));
                    });
                }
            }
            let request = first.take().unwrap_or_else(|| Request::navigation("GET", url.as_str(), site));
            if url.path() == "/auth/login" {
                cookie_at_login = browser.session();
            }
            let Delivered { seen, may_seem_foreign, .. } = self.exchange(&browser, request, false).await?;
            // A login begins when the gateway has asked the session before it, and sends the browser on.
            let began = self.world.executor.now();
            let Some(location) = seen.headers.get("location") else { return Some(seen) };
            let next = url.join(location).unwrap();
            if let Some((_, state)) =
                next.query_pairs().find(|(name, _)| name == "state").filter(|_| url.path() == "/auth/login")
            {
                // A login names no session of another device. One that is silent renews the session that it names.
                let is_silent = next.query_pairs().any(|(name, value)| name == "prompt" && value == "none");
                let before = cookie_at_login.as_deref().and_then(secret_of).map(str::to_owned);
                let before = before.filter(|_| is_silent || !may_seem_foreign);
                self.truth.logins.borrow_mut().insert(state.into_owned(), (began, before));
            }
            url = next;
            self.world.wait(self.world.executor.up_to(Duration::from_millis(30))).await;
        }
        self.world
            .tally
            .must(!self.climate.is_calm, "a navigation goes in circles", || format!("{} to {path}", browser.name));
        None
    }

    /// The browser is at the provider: where it goes on to. None: its user gives up.
    async fn visit_provider(&self, browser: &Rc<Browser>, url: &Url) -> Option<Url> {
        let executor = &self.world.executor;
        if url.path() == "/end-session" {
            if let Some(front) = browser.front.take() {
                self.world.provider.end_session(&front.sid);
            }
            let back = url.query_pairs().find(|(name, _)| name == "post_logout_redirect_uri")?.1.into_owned();
            return Url::parse(&back).ok();
        }
        let is_silent = url.query_pairs().any(|(name, value)| name == "prompt" && value == "none");
        let takes = if browser.waits_at_provider.get() { Duration::from_secs(500) } else { Duration::from_millis(100) };
        executor.sleep(executor.up_to(takes)).await;
        if !is_silent && browser.front.borrow().is_none() {
            let thinks = [1, 20, 120, 900][executor.below(4) as usize];
            if executor.below(10) == 0 {
                return None;
            }
            executor.sleep(executor.up_to(Duration::from_secs(thinks))).await;
        }
        let has = browser.front.borrow().clone();
        let (back, has) = self.world.provider.authorize(url, has, browser.user.get());
        browser.front.replace(has);
        let back = Url::parse(&back).ok()?;
        if let Some((_, code)) = back.query_pairs().find(|(name, _)| name == "code")
            && let Some(login) = self.world.provider.login_of(&code)
        {
            self.codes.borrow_mut().insert(code.into_owned(), login);
        }
        Some(back)
    }

    /// A script of the application asks for something.
    pub async fn fetch(&self, browser: Rc<Browser>, method: &'static str, path: &str) -> Option<Seen> {
        let request = Request::of(method, path)
            .header("sec-fetch-mode", "cors")
            .header("sec-fetch-dest", "empty")
            .header("sec-fetch-site", "same-origin");
        self.send(&browser, request).await
    }

    /// The browser's cookies are those of some time ago: a copy of its profile was put back.
    pub fn go_back(&self, browser: &Browser) {
        let former = browser.former.borrow().last().cloned();
        let Some(former) = former else { return };
        self.tell(|| format!("{} has its former cookie again, of {}", browser.name, self.name_of(Some(&former))));
        browser.take_back(&former);
    }

    /// When the access token that a browser's session has now expires, in so far as the application has seen it.
    pub fn token_ends(&self, browser: &Browser) -> Option<OffsetDateTime> {
        let known = self.truth.of_cookie(&browser.session()?)?;
        let families = known.families.borrow();
        let access = self.world.provider.access.borrow();
        access
            .values()
            .filter(|access| families.contains(&access.family) && access.target.is_none())
            .map(|access| access.expires_at)
            .max()
    }

    /// The user travels, and logs out there. Then a request comes with the cookie from before.
    pub async fn travel_and_log_out(&self, browser: Rc<Browser>) {
        browser.place.set((browser.place.get() + 1) % PLACES.len());
        let before = browser.session();
        drop(self.open(Rc::clone(&browser), "/page").await);
        let Some(before) = before.filter(|before| browser.session().as_ref() != Some(before)) else { return };
        self.log_out(Rc::clone(&browser)).await;
        browser.take_back(&before);
        drop(self.fetch(browser, "GET", "/api").await);
    }

    /// Somebody has made up the secret of a session's cookie.
    pub async fn forge(&self, browser: Rc<Browser>) {
        let Some(cookie) = browser.session() else { return };
        let Some((front, _)) = cookie.rsplit_once('.') else { return };
        let mut bytes = [0; 32];
        self.world.executor.random(&mut bytes);
        let forged = format!("{front}.{}", Secret::from_random(bytes).expose());
        let number = self.world.executor.number();
        let began = self.world.executor.now();
        self.truth
            .pending
            .borrow_mut()
            .insert(number, Pending { began, secret: None, asked_before: None, proof: None });
        let request = Request::of("GET", "/api").header("cookie", &format!("{SESSION}={forged}"));
        self.tell(|| format!("somebody forges the cookie of {}", self.name_of(Some(&cookie))));
        let _ = self.gateways.send(&request.header("x-number", &number.to_string())).await;
        self.truth.pending.borrow_mut().remove(&number);
    }

    /// The user logs out.
    pub async fn log_out(&self, browser: Rc<Browser>) {
        let secret = browser.session().as_deref().and_then(secret_of).map(str::to_owned);
        let act = secret.map(|secret| self.truth.begin("logout", Whose::Secret(secret)));
        let request = Request::of("POST", "/auth/logout")
            .header("sec-fetch-mode", "navigate")
            .header("sec-fetch-site", "same-origin");
        let began = self.world.executor.now();
        let Some(seen) = self.send(&browser, request).await else { return };
        let took = self.world.executor.now() - began;
        let is_slow = took > LOGOUT_TAKES && self.answers_in_time();
        self.world.tally.must(!is_slow, "a logout waits for the provider", || took.to_string());
        let next = seen.headers.get("location").cloned();
        if seen.what == "303"
            && let Some(act) = act
        {
            self.truth.answered(act);
        }
        // Half of the users see the way through the provider through.
        if let Some(next) =
            next.filter(|next| next.starts_with("https://op.example/") && self.world.executor.below(2) == 0)
        {
            let _ = self.open(browser, &next).await;
        }
    }

    /// The user logs in, and meanwhile all of their sessions are ended. The login has begun by another clock than that.
    pub async fn end_all_during_a_login(&self, browser: Rc<Browser>) {
        let known = browser.front.borrow().as_ref().map(|front| front.subject.clone());
        let user = known.unwrap_or_else(|| browser.user.get().to_owned());
        let run = self.clone();
        self.begin(async move { drop(run.open(browser, "/auth/login").await) });
        self.world.wait(self.world.executor.up_to(Duration::from_millis(120))).await;
        self.revoke_all(&user).await;
    }

    /// A session that is in use is renewed, the stores do not answer when the tokens come, and then its process ends.
    pub async fn renew_while_stores_are_silent(&self, browser: Rc<Browser>) {
        let known = browser.session().and_then(|cookie| self.truth.of_cookie(&cookie));
        let Some(known) = known.filter(|_| self.world.faults.may(Kind::StoresSilent)) else { return };
        self.force(&known.user);
        let (run, renewing) = (self.clone(), Rc::clone(&browser));
        self.begin(async move { drop(run.fetch(renewing, "POST", "/auth/refresh").await) });
        self.world.wait(self.world.executor.up_to(Duration::from_millis(100))).await;
        self.silence_stores();
        let run = self.clone();
        self.begin(async move { drop(run.fetch(browser, "GET", "/api").await) });
        self.world.wait(self.world.executor.up_to(Duration::from_secs(3))).await;
        let actor = known.actors.borrow().last().and_then(|actor| self.world.session(actor));
        if let Some(actor) = actor {
            self.end_process(&actor);
        }
    }

    /// The user ends one of their sessions from this one.
    pub async fn end_own(&self, browser: Rc<Browser>) {
        let Some(seen) = self.fetch(Rc::clone(&browser), "GET", "/auth/sessions").await else { return };
        let Some(id) = self.some_listed(&seen) else { return };
        let act = self.truth.begin("revoked", Whose::Actor(id.clone()));
        let ended = self.fetch(browser, "DELETE", &format!("/auth/sessions/{id}")).await;
        if ended.is_some_and(|seen| seen.what == "204") {
            self.truth.answered(act);
        }
    }
}

/// `Max-Age` of a cookie.
fn life_of(attributes: &str) -> Duration {
    let seconds = attributes.split("Max-Age=").nth(1).and_then(|rest| rest.split(';').next()?.trim().parse().ok());
    Duration::from_secs(seconds.unwrap_or_default())
}
