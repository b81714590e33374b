//! What happens next: a browser's, an administrator's or the provider's doing, or time goes by.

use std::rc::Rc;
use std::time::Duration;

use super::browser::{Browser, PLACES};
use super::{Run, USERS};

impl Run {
    fn below(&self, most: u64) -> usize {
        usize::try_from(self.world.executor.below(most)).unwrap()
    }

    fn some_browser(&self) -> Rc<Browser> {
        Rc::clone(&self.browsers[self.below(self.browsers.len() as u64)])
    }

    /// A request of a page's script.
    async fn fetch_some(&self, browser: Rc<Browser>) {
        let path = match self.climate.has_targets.then(|| self.below(4)) {
            Some(0) => "/a/data",
            Some(1) => "/x/data",
            _ => "/api",
        };
        drop(self.fetch(browser, "GET", path).await);
    }

    /// One action.
    pub async fn act(&self) {
        self.befall();
        let (run, browser) = (self.clone(), self.some_browser());
        let user = USERS[self.below(USERS.len() as u64)];
        match self.below(100) {
            // Just before the end of some access token, everybody wants something.
            0..2 => {
                // A token that was used is renewed before its end. The one after that is not, where nobody asks for anything.
                for _ in 0..2 {
                    let Some(ends) = self.token_ends(&browser) else { return };
                    let left = ends - self.world.executor.now() - time::Duration::seconds(12);
                    self.world.wait(left.max(time::Duration::ZERO).unsigned_abs()).await;
                }
                let Some(ends) = self.token_ends(&browser) else { return };
                let left = ends - self.world.executor.now();
                let span = [0.03, 0.5, 3.0, 11.0][self.below(4)];
                let before = self.world.executor.up_to(Duration::from_secs_f64(span));
                let before = time::Duration::try_from(before).unwrap();
                let goes_elsewhere = self.below(2) == 0;
                self.world.wait((left - before).max(time::Duration::ZERO).unsigned_abs()).await;
                for browser in self.browsers.iter().cloned() {
                    let run = self.clone();
                    if goes_elsewhere {
                        browser.place.set(self.below(PLACES.len() as u64));
                        self.begin(async move { drop(run.open(browser, "/page").await) });
                    } else {
                        self.begin(async move { run.fetch_some(browser).await });
                    }
                }
            }
            2 => self.begin(async move { run.travel_and_log_out(browser).await }),
            3 if self.below(2) == 0 => self.go_back(&browser),
            3..27 => {
                let most =
                    [0.05, 2.0, 30.0, self.world.provider.rules.life.get().as_secs_f64(), 1_200.0][self.below(5)];
                self.world.wait(self.world.executor.up_to(Duration::from_secs_f64(most))).await;
            }
            27 => self.begin(async move { run.steal(browser).await }),
            28 => match self.below(4) {
                3 => self.begin(async move { run.log_in_over_stolen(browser).await }),
                0 => self.begin(async move { run.answer_for_another(browser).await }),
                1 => self.begin(async move { run.steal(browser).await }),
                _ => {
                    self.tell(|| format!("{} loses its proof", browser.name));
                    browser.lose_proof();
                }
            },
            29..31 => {
                let is_page = self.below(2) == 0;
                self.begin(async move { run.listen(browser, is_page).await });
            }
            31 => self.begin(async move { run.renew_while_stores_are_silent(browser).await }),
            32..54 => self.begin(async move { run.fetch_some(browser).await }),
            54..72 => self.begin(async move { drop(run.open(browser, "/page").await) }),
            // Two tabs at once.
            72..76 => {
                for browser in [Rc::clone(&browser), browser] {
                    let run = self.clone();
                    self.begin(async move { drop(run.open(browser, "/page").await) });
                }
            }
            // A page with many requests.
            76..79 => {
                for _ in 0..6 {
                    let (run, browser) = (self.clone(), Rc::clone(&browser));
                    self.begin(async move { run.fetch_some(browser).await });
                }
            }
            79..81 => self.begin(async move {
                let known = browser.session().and_then(|cookie| run.truth.of_cookie(&cookie));
                known.into_iter().for_each(|known| run.force(&known.user));
                drop(run.fetch(browser, "POST", "/auth/refresh").await);
            }),
            81 => self.begin(async move { drop(run.open(browser, "/auth/login?prompt=login").await) }),
            82 => self.begin(async move { run.submit(browser).await }),
            83 => self.begin(async move { drop(run.fetch(browser, "GET", "/auth/session").await) }),
            84 => self.begin(async move { run.end_own(browser).await }),
            85..87 => self.begin(async move { run.log_out(browser).await }),
            87..90 => {
                browser.place.set(self.below(PLACES.len() as u64));
                self.tell(|| format!("{} travels to {}", browser.name, PLACES[browser.place.get()][0]));
            }
            90 => {
                self.tell(|| format!("{} is no longer logged in at the provider", browser.name));
                browser.front.take();
                // Somebody else is, in another window.
                if self.below(3) == 0 {
                    browser.front.replace(Some(self.world.provider.sign_in(user)));
                }
                browser.user.set(if self.below(4) == 0 { user } else { browser.user.get() });
            }
            91 => self.begin(async move { run.inspect(user).await }),
            92 => self.begin(async move { run.refresh(user).await }),
            93..96 => self.begin(async move { run.migrate(user).await }),
            96 => self.begin(async move { run.revoke(user).await }),
            97 => match self.below(3) {
                0 => self.begin(async move {
                    _ = run.revoke_all(user).await;
                }),
                _ => self.begin(async move { run.end_all_during_a_login(browser).await }),
            },
            98 => {
                let sid = browser.front.borrow().as_ref().map(|front| front.sid.clone());
                let sid = sid.filter(|_| self.below(4) > 0);
                let user = if sid.is_some() {
                    browser.front.borrow().as_ref().map(|front| front.subject.clone())
                } else {
                    None
                };
                let user = user.unwrap_or_else(|| browser.user.get().to_owned());
                self.begin(async move { run.log_out_at_provider(&user, sid).await });
            }
            99 => self.begin(async move { run.forge(browser).await }),
            _ => self.world.wait(self.world.executor.up_to(Duration::from_secs(5))).await,
        }
    }
}
