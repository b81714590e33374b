//! What befalls processes, machines, clocks and storages.

use std::rc::Rc;
use std::time::Duration;

use super::super::actors::Actor;
use super::super::faults::Kind;
use super::Run;

/// How long an instance goes on in whose place another one has come, and how long a storage fails.
const SPANS: [Duration; 3] = [Duration::from_millis(200), Duration::from_secs(5), Duration::from_secs(60)];
/// How long stores are silent.
const SILENT_FOR: Duration = Duration::from_secs(15);

impl Run {
    fn span(&self) -> Duration {
        let executor = &self.world.executor;
        executor.up_to(SPANS[executor.below(SPANS.len() as u64) as usize])
    }

    /// Some actor: mostly one of those that came last.
    fn some_actor(&self) -> Option<Rc<Actor>> {
        let all = self.world.everybody();
        all.get(self.world.executor.below(all.len() as u64) as usize).cloned()
    }

    /// No store outside of the actors answers for a while.
    pub fn silence_stores(&self) {
        let span = self.world.executor.up_to(SILENT_FOR);
        self.tell(|| format!("KV and Postgres do not answer for {span:?}"));
        self.world.faults.silence_stores(span);
    }

    /// An actor's process ends, and keeps what was not durable, or loses it.
    pub fn end_process(&self, actor: &Actor) {
        self.world.step();
        self.world.faults.count(Kind::ProcessEnds);
        self.tell(|| format!("the process of {} ends", actor.name()));
        actor.keeps.set(self.world.executor.below(2) == 0);
        actor.end(&self.world);
    }

    /// All idle actors are evicted.
    pub fn evict_idle(&self) {
        for actor in self.world.everybody() {
            if actor.evict(&self.world) {
                self.world.step();
                self.tell(|| format!("{} is evicted", &actor.id.as_str()[..6]));
            }
        }
    }

    /// Something befalls somebody, perhaps.
    pub fn befall(&self) {
        let (world, faults) = (&self.world, &self.world.faults);
        let executor = &world.executor;
        if faults.strikes(Kind::Evicted) {
            self.evict_idle();
        }
        let presents = faults.may(Kind::StoresSilent) && world.provider.is_presenting() && executor.below(10) == 0;
        if presents || faults.strikes(Kind::StoresSilent) {
            world.step();
            self.silence_stores();
        }
        // What was answered meanwhile is with the actor alone.
        if faults.are_stores_silent()
            && faults.may(Kind::ProcessEnds)
            && executor.below(5) == 0
            && let Some(process) = world.provider.last_presenter()
            && let Some(actor) = world.everybody().into_iter().find(|actor| actor.runs_as(process))
        {
            self.end_process(&actor);
        }
        if faults.strikes(Kind::ProcessEnds)
            && let Some(actor) = self.some_actor()
        {
            world.step();
            let polls = executor.below(12);
            actor.keeps.set(executor.below(2) == 0);
            self.tell(|| format!("the process of {} ends after {polls} polls", &actor.id.as_str()[..6]));
            let process = actor.process(world);
            executor.end_after_polls(process, polls);
        }
        if faults.strikes(Kind::MachineEnds) {
            world.step();
            let machine = executor.below(3) as usize;
            self.tell(|| format!("machine {machine} ends"));
            for actor in world.everybody().into_iter().filter(|actor| actor.machine() == Some(machine)) {
                actor.keeps.set(executor.below(2) == 0);
                actor.end(world);
            }
        }
        if faults.strikes(Kind::Zombie)
            && let Some(actor) = self.some_actor()
        {
            world.step();
            let (span, seems) = (self.span(), executor.below(2) == 0);
            self.tell(|| format!("{} has a new instance; the old one goes on for {span:?}", &actor.id.as_str()[..6]));
            actor.keeps.set(executor.below(2) == 0);
            actor.split(world, span, seems);
        }
        for (kind, writes) in [(Kind::StorageWrites, true), (Kind::StorageReads, false)] {
            if faults.strikes(kind)
                && let Some(actor) = self.some_actor()
            {
                world.step();
                let span = self.span();
                self.tell(|| {
                    let what = if writes { "takes no writes" } else { "cannot be read" };
                    format!("the storage of {} {what} for {span:?}", &actor.id.as_str()[..6])
                });
                actor.mishaps.set(actor.mishaps.get() + 1);
                actor.disk.fail_for(span, writes);
            }
        }
        if faults.strikes(Kind::GatewayEnds) {
            world.step();
            self.tell(|| "an isolate of the gateway ends".to_owned());
            self.gateways.end_one();
        }
        // A clock that goes back while an answer is awaited is the worst one.
        let is_the_moment = faults.may(Kind::ClockBack) && world.provider.is_presenting() && executor.below(10) == 0;
        if is_the_moment || faults.strikes(Kind::ClockBack) {
            world.step();
            self.tell(|| "the clocks of all machines are set anew".to_owned());
            world.clocks.differ_by(time::Duration::try_from(self.climate.apart).unwrap());
        }
    }
}
