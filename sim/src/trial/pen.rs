//! Between an engine and its book: what it is told, what it says, and how what it writes becomes durable.

use super::story::{kind_name, shortened};
use super::{Flow, Happening, Trial};
use crate::Mutant;
use crate::check::{self};
use crate::controller::{chain, reader};
use crate::outside::Attempt;
use decide::Entry;
use engine::{Input, Output};
use journal::JournalError;
use model::{CallQuestion, Event, Outcome, Question, RunId};

/// Longest a sync takes, in milliseconds.
const SYNC_MS_MAX: u64 = 20;

/// Of a thousand writes, so many see a second engine take the book over.
const TAKEOVERS_PER_MILLE: u64 = 5;

impl Trial<'_> {
    /// Gives an engine its next input and does what it says.
    pub(crate) fn feed(&mut self, id: u32, input: Input) {
        let Some(controller) = self.controllers.get_mut(&id) else {
            return;
        };
        if let Input::Ended {
            action,
            outcome: Outcome::Refused { .. },
            ..
        } = &input
        {
            controller.refused.insert(*action);
        }
        let now_ms = self.now_ms + controller.skew_ms;
        if self.settings.trace
            && let Input::Ended { .. }
            | Input::Inquired { .. }
            | Input::Command { .. }
            | Input::Answered { .. } = &input
        {
            let line = format!("{input:?}");
            self.trace(|| format!("to {id}: {}", shortened(&line)));
        }
        let Some(controller) = self.controllers.get_mut(&id) else {
            return;
        };
        match controller.core.handle(now_ms, input) {
            Ok(outputs) => {
                for output in outputs {
                    if self.carry_out(id, output) == Flow::Dead || self.story.violation.is_some() {
                        return;
                    }
                }
            }
            Err(error) => return self.violate("folds", chain(&error)),
        }
        self.wind(id);
        self.approve_without_asking(id);
        self.poke_operator(id);
    }

    /// Sets a controller's clock to its next tick.
    fn wind(&mut self, id: u32) {
        if self.settings.mutant == Some(Mutant::NeverWoken) {
            return;
        }
        let Some(controller) = self.controllers.get_mut(&id) else {
            return;
        };
        let Some(wake_ms) = controller.core.wake_at_ms() else {
            return;
        };
        let at_ms = (wake_ms - controller.skew_ms).max(self.now_ms);
        if controller.timer_ms.is_none_or(|timer_ms| timer_ms > at_ms) {
            controller.timer_ms = Some(at_ms);
            self.agenda.at(at_ms, Happening::Tick { controller: id });
        }
    }

    fn carry_out(&mut self, id: u32, output: Output) -> Flow {
        let of = |run, action, attempt| Attempt {
            controller: id,
            run,
            action,
            attempt,
        };
        match output {
            Output::Append { entries, blobs } => return self.append(id, entries, blobs),
            Output::Perform {
                run,
                action,
                attempt,
                effect,
                ..
            } => {
                let already = self
                    .controllers
                    .get(&id)
                    .is_some_and(|one| one.sent.contains(&(action, attempt)));
                if !already {
                    return self.perform(of(run, action, attempt), effect);
                }
            }
            Output::Inquire {
                run,
                action,
                attempt,
                effect,
                ..
            } => return self.inquire(of(run, action, attempt), effect),
            Output::Ask {
                run,
                action,
                question,
                ..
            } => {
                let answer = self.answer(&question);
                let input = Input::Answered {
                    run,
                    action,
                    answer,
                };
                self.tell(id, 40, input);
            }
            Output::Call { run, call } => self.call(id, run, call),
            Output::AskForPlan {
                number, question, ..
            } => {
                let answer = self.answer(&question);
                self.tell(id, 40, Input::PlanAnswered { number, answer });
            }
            Output::Open { on, question, .. } => {
                let address = question.address.clone();
                let opened = self.outside.open(&question);
                let input = Input::Opened {
                    on,
                    address,
                    opened,
                };
                self.tell(id, 40, input);
            }
            Output::Look(watch) => {
                let at_ms = self.soon(30);
                let controller = id;
                self.agenda.at(at_ms, Happening::Look { controller, watch });
            }
        }
        Flow::On
    }

    fn call(&mut self, id: u32, run: RunId, call: CallQuestion) {
        let answer = self.answer(&Question::Call(call.clone()));
        self.tell(id, 40, Input::Called { run, call, answer });
    }

    fn append(&mut self, id: u32, entries: Vec<Entry>, blobs: Vec<Vec<u8>>) -> Flow {
        if self.boundary(id, "crash before an append") {
            return Flow::Dead;
        }
        if self.settings.trace {
            for entry in &entries {
                let line = format!("{:?}", entry.event);
                self.trace(|| format!("{id} writes {:>4} {}", entry.position, shortened(&line)));
            }
        }
        let head = match self.write(id, &entries, blobs) {
            Ok(head) => head,
            Err(JournalError::Fenced { .. }) => return self.fenced(id),
            Err(error) => {
                self.violate("folds", chain(&error));
                return Flow::Dead;
            }
        };
        let own = self.controllers.get(&id).map_or(0, |one| one.epoch);
        let accepted = check::epochs::accepted(own, self.newest_epoch);
        self.check("epochs", accepted);
        if self.boundary(id, "crash before a sync") {
            return Flow::Dead;
        }
        if self.settings.trouble && self.chaos.chance(TAKEOVERS_PER_MILLE) {
            // While what was written is on its way: the old engine will begin what the new one takes for lost.
            self.agenda.at(self.now_ms, Happening::Takeover);
        }
        let controller = id;
        let at_ms = self.soon(SYNC_MS_MAX);
        self.agenda
            .at(at_ms, Happening::Synced { controller, head });
        match self.settings.mutant {
            Some(Mutant::AcknowledgeBeforeSync) => {
                let early = Happening::Acknowledged { controller, head };
                self.agenda.at(self.now_ms, early);
            }
            Some(Mutant::SendBeforeDurable) => return self.send_early(id, &entries),
            _ => {}
        }
        Flow::On
    }

    /// Writes entries as a mutant would have them; the position of the last one.
    fn write(
        &mut self,
        id: u32,
        entries: &[Entry],
        blobs: Vec<Vec<u8>>,
    ) -> Result<u64, JournalError> {
        let (mutant, newest_epoch) = (self.settings.mutant, self.newest_epoch);
        let (entries, blobs) = super::planted::spoiled(mutant, entries, blobs);
        let Some(controller) = self.controllers.get_mut(&id) else {
            return Ok(0);
        };
        controller.in_clear = mutant == Some(Mutant::SecretsInClear);
        let epoch = controller.epoch;
        let mut result = controller.write(&entries, blobs.clone(), epoch);
        if let (Err(JournalError::Fenced { .. }), Some(Mutant::NoFence)) = (&result, mutant) {
            result = controller.write(&entries, blobs, newest_epoch);
        }
        result.map(|head| head.seq)
    }

    /// The book refused a controller: it stops.
    fn fenced(&mut self, id: u32) -> Flow {
        self.hit("fenced");
        self.trace(|| format!("controller {id} is fenced"));
        if self.leader == Some(id) {
            self.violate("epochs", "the newest controller was refused".into());
        }
        if self.settings.mutant == Some(Mutant::SendsWhenFenced) {
            let early = Happening::Acknowledged {
                controller: id,
                head: 0,
            };
            self.agenda.at(self.now_ms, early);
            return Flow::On;
        }
        self.controllers.remove(&id);
        Flow::Dead
    }

    pub(super) fn synced(&mut self, id: u32, head: u64) {
        if !self.controllers.contains_key(&id) {
            return;
        }
        if self.settings.mutant != Some(Mutant::SyncIsALie) {
            self.disk.sync();
        }
        self.catch_up();
        if self.boundary(id, "crash before an acknowledgement") || self.story.violation.is_some() {
            return;
        }
        if self.settings.mutant == Some(Mutant::AcknowledgeBeforeSync) {
            return;
        }
        self.ledger.acknowledged = self.ledger.acknowledged.max(head);
        self.feed(id, Input::Durable);
        let Some(controller) = self
            .controllers
            .get(&id)
            .filter(|_| self.leader == Some(id))
        else {
            return;
        };
        let live = controller.core.world();
        if live.position == self.ledger.world().position {
            let found = check::folds::difference(live, self.ledger.world());
            self.check("folds", found);
        }
        self.keep_snapshot(id);
    }

    /// Keeps a snapshot between runs, at every chance: whether one is worth its cost is not what is played here.
    fn keep_snapshot(&mut self, id: u32) {
        let mutant = self.settings.mutant;
        let Some(controller) = self.controllers.get_mut(&id) else {
            return;
        };
        let mut world = controller.core.world().clone();
        if mutant == Some(Mutant::SnapshotForgets) {
            world.resources.pop_last();
        }
        let Some(state) = engine::sealed_snapshot(&world, &controller.codec.secrets) else {
            return;
        };
        let found = check::secrets::in_snapshot(&state);
        let kept = controller.book.put_snapshot(
            controller.stream,
            world.position,
            decide::FOLD_CODE,
            state,
        );
        self.hit("snapshot");
        self.check("secrets", found);
        if let Err(error) = kept {
            self.violate("folds", chain(&error));
        }
    }

    /// Reads what is new in the book and looks at each entry.
    pub(super) fn catch_up(&mut self) {
        let reader = reader(&self.disk);
        let unread = match self.ledger.unread(&reader) {
            Ok(unread) => unread,
            Err(what) => return self.violate("folds", what),
        };
        for unread in unread {
            self.check("secrets", unread.secret.clone());
            self.story.fingerprint.take(unread.hash.as_bytes());
            let approved = self.is_approved();
            match self.ledger.take(unread, &reader) {
                Ok(entry) => self.look_at(&entry.event, approved),
                Err(what) => return self.violate("folds", what),
            }
        }
    }

    fn is_approved(&self) -> bool {
        let run = self.ledger.world().run.as_ref();
        run.is_some_and(|run| run.approved)
    }

    /// Looks at the newest entry; `approved` is whether the run was to be carried out before it.
    fn look_at(&mut self, event: &Event, approved: bool) {
        self.hit(kind_name(event));
        let written = check::epochs::written(&self.ledger, self.newest_epoch);
        self.check("epochs", written);
        if let Event::Planned { .. } = event {
            let found = check::base::made(&self.ledger);
            self.check("base", found);
            let found = check::planning::derived(&self.ledger);
            self.check("planning", found);
            if self.operator.expects_nothing(&self.ledger) {
                let found = check::planning::nothing_to_do(&self.ledger);
                self.hit("second apply");
                self.check("planning", found);
            }
        }
        if self.is_approved() && !approved {
            let found = check::base::approved(&self.ledger);
            self.check("base", found);
        }
        if let Event::Commanded { actor, command } = event {
            let found = check::operators::given(actor, command, self.operator.given());
            self.check("operators", found);
        }
        let found = check::healing::decided(&self.ledger, event);
        self.check("healing", found);
        let found = check::evidence::judged(&self.ledger, event);
        self.check("evidence", found);
        let found = check::verdicts::derived(&self.ledger);
        self.check("verdicts", found);
    }
}
