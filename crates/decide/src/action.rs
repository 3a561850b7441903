//! One action from its first intent to its end, as a state machine that can say "illegal".
//!
//! The same function guards live events and replay. An action whose outcome was lost is *uncertain*: it is repeated
//! where that is safe, inquired into where it is not, and put to a person where the outside cannot tell. A refusal of
//! the newest attempt says nothing about earlier ones: as long as one of them may have had an effect, the action is
//! uncertain, whatever was said of the newest.

use crate::limits::{ATTEMPTS_MAX, INQUIRIES_MAX, INQUIRY_WINDOW_MS_MIN, PROVISION_SETTLE_MS};
use alloc::string::String;
use model::{Effect, Inquiry, OnFailure, Outcome, Repeat, Retry, Unhealthy, Verb};
use serde::{Deserialize, Serialize};
use value::Diagnostics;

/// Fractions of the settle window, in sixtieths, at which a lost outcome is inquired into.
const INQUIRIES: [u64; 6] = [0, 2, 5, 15, 30, 60];

/// An action and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// What is done.
    pub effect: Effect,
    /// Number of the newest attempt, from 1.
    pub attempt: u32,
    /// Where it stands.
    pub stage: Stage,
    /// Attempts that ended without success, or whose reply never came: these are limited. What was lost with an engine
    /// is not counted, or a crash loop would give up what never failed.
    pub tries: u32,
    /// Tries that were followed by another attempt: these are what a provider's budget of retries is spent on.
    pub repeated: u32,
    /// Until when an attempt whose outcome was lost may still take effect, when it was repeated without looking.
    pub unsettled_until_ms: Option<i64>,
    /// What the newest attempt was refused with while an earlier one is unsettled: repeating no longer helps, and only
    /// looking says whether there was an effect.
    pub refusal: Option<Diagnostics>,
}

/// Where an action stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// Under way.
    Open,
    /// Its outcome was lost.
    Uncertain {
        /// Since when, on the clock of the engine that noticed.
        since_ms: i64,
        /// Inquiries made.
        inquiries: u32,
    },
    /// The attempt failed without effect; another may follow.
    Struck {
        /// Why.
        why: String,
        /// The outside asked to wait so long.
        retry_after_ms: Option<u64>,
    },
    /// Another attempt follows.
    Waiting {
        /// Not before this time.
        not_before_ms: i64,
    },
    /// The outside cannot tell.
    Unclear {
        /// What is known.
        what: String,
    },
    /// A person was asked.
    Parked {
        /// What.
        question: String,
    },
    /// Done.
    Done,
    /// Failed for good.
    Failed {
        /// Why.
        diagnostics: Diagnostics,
    },
}

/// What happened to an action.
#[derive(Clone, Copy)]
pub(crate) enum Happening<'a> {
    Intended,
    Ended(&'a Outcome),
    Lost,
    Inquired(&'a Inquiry),
    Resolved(&'a Inquiry),
    Retried(i64),
    Parked(&'a str),
}

impl Action {
    pub(crate) fn new(effect: Effect) -> Self {
        Self {
            effect,
            attempt: 1,
            stage: Stage::Open,
            tries: 0,
            repeated: 0,
            unsettled_until_ms: None,
            refusal: None,
        }
    }

    /// How the effect may be repeated.
    pub fn repeat(&self) -> Repeat {
        match &self.effect {
            Effect::Change(change) => change.repeat,
            Effect::Build(_) | Effect::Probe(_) => Repeat::Safe,
            Effect::Provision(_) => Repeat::Never,
            Effect::Place(_) | Effect::Stop { .. } | Effect::Publish(_) => Repeat::ByKey,
        }
    }

    /// How it is tried again, where that is written for its object.
    pub(crate) fn retry(&self) -> Option<&Retry> {
        match &self.effect {
            Effect::Change(change) => change.retry.as_ref(),
            Effect::Place(_)
            | Effect::Stop { .. }
            | Effect::Publish(_)
            | Effect::Build(_)
            | Effect::Provision(_)
            | Effect::Probe(_) => None,
        }
    }

    /// Most attempts at it, the first one included.
    pub fn attempts_max(&self) -> u32 {
        let written = self.retry().and_then(|retry| retry.attempts);
        written.unwrap_or(ATTEMPTS_MAX)
    }

    /// Whether the outside can be asked what became of it.
    pub(crate) fn can_be_looked_for(&self) -> bool {
        matches!(self.effect, Effect::Change(_) | Effect::Provision(_))
    }

    /// Whether a lost outcome is met by doing it again instead of looking.
    pub(crate) fn may_repeat(&self) -> bool {
        self.repeat() != Repeat::Never && self.refusal.is_none() && self.tries < self.attempts_max()
    }

    fn settle_ms(&self) -> u64 {
        match &self.effect {
            Effect::Change(change) => change.settle_ms,
            Effect::Build(_)
            | Effect::Place(_)
            | Effect::Stop { .. }
            | Effect::Publish(_)
            | Effect::Probe(_) => 0,
            Effect::Provision(_) => PROVISION_SETTLE_MS,
        }
    }

    /// When the next inquiry into a lost outcome is due; none unless it is uncertain.
    pub fn inquiry_due_ms(&self) -> Option<i64> {
        let Stage::Uncertain {
            since_ms,
            inquiries,
        } = self.stage
        else {
            return None;
        };
        let share = INQUIRIES
            .get(inquiries as usize)
            .copied()
            .unwrap_or_else(|| 60 * u64::from(inquiries.saturating_sub(4)));
        let window_ms = self.settle_ms().max(INQUIRY_WINDOW_MS_MIN);
        let after_ms = i64::try_from(window_ms.saturating_mul(share) / 60).unwrap_or(i64::MAX);
        Some(since_ms.saturating_add(after_ms))
    }

    /// Whether no attempt had an effect and no other follows.
    pub(crate) fn had_no_effect_and_will_not(&self) -> bool {
        let over = match self.stage {
            Stage::Failed { .. } => true,
            Stage::Struck { .. } => self.tries >= self.attempts_max(),
            Stage::Open
            | Stage::Uncertain { .. }
            | Stage::Waiting { .. }
            | Stage::Unclear { .. }
            | Stage::Parked { .. }
            | Stage::Done => false,
        };
        over && self.unsettled_until_ms.is_none()
    }

    /// Whether it was carried out.
    pub fn is_done(&self) -> bool {
        self.stage == Stage::Done
    }

    /// Whether the action still has something coming.
    pub fn is_settled(&self) -> bool {
        matches!(self.stage, Stage::Done | Stage::Failed { .. })
    }

    /// Takes note of what happened at a time.
    ///
    /// # Errors
    /// What is wrong with it, when it cannot happen in this stage.
    pub(crate) fn step(
        &mut self,
        happening: Happening<'_>,
        at_ms: i64,
    ) -> Result<(), &'static str> {
        let stage = match (&self.stage, happening) {
            (Stage::Waiting { .. }, Happening::Intended) => {
                self.attempt += 1;
                Stage::Open
            }
            (_, Happening::Intended) => return Err("it is not waiting for another attempt"),
            (Stage::Open, Happening::Ended(outcome)) => self.ended(outcome, at_ms),
            (_, Happening::Ended(_)) => return Err("an outcome without an open attempt"),
            // A new engine counts the settle window on its own clock, from its own beginning.
            (Stage::Open | Stage::Uncertain { .. }, Happening::Lost) => self.uncertain(at_ms),
            (stage, Happening::Lost) => {
                if self.unsettled_until_ms.is_some() {
                    self.unsettled_until_ms = Some(self.settled_ms(at_ms));
                }
                stage.clone()
            }
            (
                Stage::Uncertain {
                    since_ms,
                    inquiries,
                },
                Happening::Inquired(inquiry),
            ) => {
                let again = Stage::Uncertain {
                    since_ms: *since_ms,
                    inquiries: inquiries + 1,
                };
                // The look itself must have begun after the window, and the last of the schedule is the first that did.
                let over = self.settle_ms() == 0 || *inquiries as usize + 1 >= INQUIRIES.len();
                match inquiry {
                    Inquiry::Absent if !over => again,
                    Inquiry::NotYet if *inquiries < INQUIRIES_MAX => again,
                    Inquiry::NotYet => Stage::Unclear {
                        what: String::from("it could not be looked for"),
                    },
                    Inquiry::Found(_) | Inquiry::Absent | Inquiry::Unclear { .. } => {
                        self.found(inquiry, at_ms)
                    }
                }
            }
            (_, Happening::Inquired(_)) => {
                return Err("an inquiry into an outcome that is not lost");
            }
            (Stage::Parked { .. }, Happening::Resolved(inquiry)) => self.found(inquiry, at_ms),
            (_, Happening::Resolved(_)) => return Err("no person was asked"),
            (Stage::Struck { .. }, Happening::Retried(not_before_ms)) => {
                Stage::Waiting { not_before_ms }
            }
            (Stage::Uncertain { .. }, Happening::Retried(not_before_ms)) if self.may_repeat() => {
                Stage::Waiting { not_before_ms }
            }
            (_, Happening::Retried(_)) => return Err("a retry of an attempt that did not fail"),
            (Stage::Unclear { .. }, Happening::Parked(question)) => Stage::Parked {
                question: String::from(question),
            },
            (_, Happening::Parked(_)) => return Err("a question about an outcome that is clear"),
        };
        self.stage = stage;
        Ok(())
    }

    /// The run is to begin nothing more: what would have been repeated must be looked for, where an earlier attempt may
    /// have had an effect.
    pub(crate) fn repeat_no_more(&mut self, at_ms: i64) {
        let waits = matches!(self.stage, Stage::Struck { .. } | Stage::Waiting { .. });
        if waits && self.unsettled_until_ms.is_some() && self.can_be_looked_for() {
            self.stage = Stage::Uncertain {
                since_ms: at_ms,
                inquiries: 0,
            };
        }
    }

    /// Until when whatever was sent before this time may still take effect.
    fn settled_ms(&self, at_ms: i64) -> i64 {
        let settle_ms = i64::try_from(self.settle_ms()).unwrap_or(i64::MAX);
        let settled_ms = at_ms.saturating_add(settle_ms);
        self.unsettled_until_ms
            .map_or(settled_ms, |before_ms| before_ms.max(settled_ms))
    }

    fn uncertain(&mut self, at_ms: i64) -> Stage {
        self.unsettled_until_ms = Some(self.settled_ms(at_ms));
        Stage::Uncertain {
            since_ms: at_ms,
            inquiries: 0,
        }
    }

    fn ended(&mut self, outcome: &Outcome, at_ms: i64) -> Stage {
        match outcome {
            Outcome::Changed { .. }
            | Outcome::Placed { .. }
            | Outcome::Stopped
            | Outcome::Published { .. }
            | Outcome::Built { .. }
            | Outcome::Provisioned { .. }
            | Outcome::Healthy { .. } => Stage::Done,
            Outcome::Broken { .. } | Outcome::Unhealthy { .. } if self.may_fail() => Stage::Done,
            Outcome::Partial { diagnostics, .. }
            | Outcome::Broken { diagnostics, .. }
            | Outcome::Unhealthy { diagnostics, .. } => Stage::Failed {
                diagnostics: diagnostics.clone(),
            },
            Outcome::Refused { .. } if self.may_fail() => Stage::Done,
            Outcome::Refused { diagnostics } => self.refused(diagnostics, at_ms),
            Outcome::Failed {
                diagnostics,
                retry_after_ms,
            } => {
                self.tries += 1;
                let last = self.tries >= self.attempts_max();
                if last && self.unsettled_until_ms.is_some() {
                    return self.refused(diagnostics, at_ms);
                }
                Stage::Struck {
                    why: first_line(diagnostics),
                    retry_after_ms: *retry_after_ms,
                }
            }
            Outcome::Unknown { why } => {
                self.tries += 1;
                if self.tries >= self.attempts_max() && !self.can_be_looked_for() {
                    return Stage::Struck {
                        why: why.clone(),
                        retry_after_ms: None,
                    };
                }
                self.uncertain(at_ms)
            }
        }
    }

    /// Whether everything goes on where it failed.
    pub(crate) fn may_fail(&self) -> bool {
        match &self.effect {
            Effect::Provision(one) => one.on_failure == OnFailure::Continue,
            Effect::Probe(probe) => probe.manner.on_failure == Unhealthy::Continue,
            Effect::Change(_)
            | Effect::Place(_)
            | Effect::Stop { .. }
            | Effect::Publish(_)
            | Effect::Build(_) => false,
        }
    }

    /// The newest attempt had no effect and no other follows: over, unless an earlier one may have had one.
    fn refused(&mut self, diagnostics: &Diagnostics, at_ms: i64) -> Stage {
        if self.unsettled_until_ms.is_some() && self.can_be_looked_for() {
            self.refusal = Some(diagnostics.clone());
            return self.uncertain(at_ms);
        }
        Stage::Failed {
            diagnostics: diagnostics.clone(),
        }
    }

    fn found(&mut self, inquiry: &Inquiry, at_ms: i64) -> Stage {
        match inquiry {
            Inquiry::Found(outcome) => {
                if self.repeat() == Repeat::Never {
                    // Only one attempt was ever under way, and this is what became of it.
                    self.unsettled_until_ms = None;
                }
                self.ended(outcome, at_ms)
            }
            Inquiry::Absent => {
                self.unsettled_until_ms = None;
                match self.refusal.take() {
                    Some(diagnostics) => Stage::Failed { diagnostics },
                    None => Stage::Struck {
                        why: String::from("it did not take effect"),
                        retry_after_ms: None,
                    },
                }
            }
            Inquiry::NotYet => self.uncertain(at_ms),
            Inquiry::Unclear { what } => Stage::Unclear { what: what.clone() },
        }
    }
}

/// Whether an outcome is one that an effect can have. Whatever else an adapter says is no answer.
pub fn fits(effect: &Effect, outcome: &Outcome) -> bool {
    match (effect, outcome) {
        (Effect::Change(change), Outcome::Changed { object, .. }) => match (change.verb, object) {
            (Verb::Delete, None) => true,
            (Verb::Create | Verb::Update, Some(object)) => {
                object.is_wholly_known() && !object.is_null()
            }
            (Verb::Delete, Some(_)) | (Verb::Create | Verb::Update, None) => false,
        },
        (Effect::Change(_), Outcome::Partial { object, .. }) => {
            object.is_wholly_known() && !object.is_null()
        }
        (Effect::Place(_), Outcome::Placed { .. })
        | (Effect::Stop { .. }, Outcome::Stopped)
        | (Effect::Publish(_), Outcome::Published { .. })
        | (Effect::Build(_), Outcome::Built { .. })
        | (Effect::Provision(_), Outcome::Provisioned { .. } | Outcome::Broken { .. })
        | (Effect::Probe(_), Outcome::Healthy { .. } | Outcome::Unhealthy { .. }) => true,
        (_, Outcome::Refused { .. } | Outcome::Failed { .. } | Outcome::Unknown { .. }) => true,
        (
            _,
            Outcome::Changed { .. }
            | Outcome::Partial { .. }
            | Outcome::Placed { .. }
            | Outcome::Stopped
            | Outcome::Published { .. }
            | Outcome::Built { .. }
            | Outcome::Provisioned { .. }
            | Outcome::Broken { .. }
            | Outcome::Healthy { .. }
            | Outcome::Unhealthy { .. },
        ) => false,
    }
}

fn first_line(diagnostics: &Diagnostics) -> String {
    diagnostics
        .iter()
        .next()
        .map(|one| alloc::format!("{}: {}", one.summary, one.detail))
        .unwrap_or_else(|| String::from("no reason was given"))
}

#[cfg(test)]
mod tests {
    //! Every stage with everything that can happen to it: `tests/actions.txt` says what comes of it.

    use super::*;
    use alloc::format;
    use alloc::vec::Vec;
    use model::{Address, Change, Key, Mode, ModulePath, ResourceAddress, RouteTable};

    const NOW_MS: i64 = 1_000_000;

    fn create(repeat: Repeat, settle_ms: u64) -> Effect {
        let resource = ResourceAddress {
            module: ModulePath::default(),
            mode: Mode::Managed,
            kind: "host_file".into(),
            name: "a".into(),
        };
        let key = Key::None;
        Effect::Change(Change {
            address: Address { resource, key },
            provider: String::from("example.com/plain"),
            verb: Verb::Create,
            prior: None,
            config: None,
            planned: None,
            private: Vec::new(),
            repeat,
            settle_ms,
            dependencies: Vec::new(),
            retry: None,
        })
    }

    fn provision(on_failure: OnFailure) -> Effect {
        let Effect::Change(Change { address, .. }) = create(Repeat::Never, 0) else {
            unreachable!("a creation is a change");
        };
        Effect::Provision(model::Provision {
            address,
            kind: "local-exec".into(),
            config: value::Value::null(value::Type::Any),
            connection: None,
            on_failure,
        })
    }

    fn probe(on_failure: Unhealthy) -> Effect {
        let Effect::Change(Change { address, .. }) = create(Repeat::Never, 0) else {
            unreachable!("a creation is a change");
        };
        Effect::Probe(model::Probe {
            address,
            target: value::Value::null(value::Type::Any),
            manner: model::Manner {
                statuses: Vec::new(),
                interval_ms: 1_000,
                deadline_ms: 60_000,
                successes: 1,
                on_failure,
            },
            until_ms: NOW_MS + 60_000,
        })
    }

    /// A table: its name, what is done, tries so far, and whether an earlier attempt may still take effect.
    type Table = (&'static str, Effect, u32, bool);

    fn tables() -> [Table; 12] {
        let never = || create(Repeat::Never, 60_000);
        let by_key = || create(Repeat::ByKey, 60_000);
        let route = || Effect::Publish(RouteTable::default());
        let last = ATTEMPTS_MAX - 1;
        [
            ("repeated only when it is absent", never(), 0, false),
            ("that, last try", never(), last, false),
            ("settles at once", create(Repeat::Never, 0), 0, false),
            ("repeated by its key", by_key(), 0, false),
            ("that, an earlier try unsettled", by_key(), 1, true),
            ("that, last try", by_key(), last, true),
            ("cannot be looked for", route(), 1, true),
            ("that, last try", route(), last, true),
            ("a provisioner", provision(OnFailure::Fail), 0, false),
            ("that, may fail", provision(OnFailure::Continue), 0, false),
            ("a look at health", probe(Unhealthy::Hold), 0, false),
            ("that, may fail", probe(Unhealthy::Continue), 0, false),
        ]
    }

    fn stages() -> [(&'static str, Stage); 9] {
        let why = String::from("?");
        let (what, question) = (why.clone(), why.clone());
        let (since_ms, retry_after_ms) = (NOW_MS - 60_000, None);
        let not_before_ms = NOW_MS;
        let diagnostics = Diagnostics::default();
        let uncertain = |inquiries| Stage::Uncertain {
            since_ms,
            inquiries,
        };
        [
            ("open", Stage::Open),
            ("uncertain", uncertain(0)),
            ("last look", uncertain(INQUIRIES.len() as u32 - 1)),
            (
                "struck",
                Stage::Struck {
                    why,
                    retry_after_ms,
                },
            ),
            ("waiting", Stage::Waiting { not_before_ms }),
            ("unclear", Stage::Unclear { what }),
            ("parked", Stage::Parked { question }),
            ("done", Stage::Done),
            ("failed", Stage::Failed { diagnostics }),
        ]
    }

    /// A stage and, after it, whether an earlier attempt may still take effect.
    fn shown(action: &Action) -> String {
        let name = match action.stage {
            Stage::Open => "open",
            Stage::Uncertain { .. } => "uncertain",
            Stage::Struck { .. } => "struck",
            Stage::Waiting { .. } => "waiting",
            Stage::Unclear { .. } => "unclear",
            Stage::Parked { .. } => "parked",
            Stage::Done => "done",
            Stage::Failed { .. } => "failed",
        };
        let unsettled = action.unsettled_until_ms.map_or("", |_| "*");
        format!("{name}{unsettled}")
    }

    fn outcomes() -> [(&'static str, Outcome); 7] {
        let (object, private) = (None, Vec::new());
        let diagnostics = Diagnostics::default();
        let retry_after_ms = None;
        [
            (
                "changed",
                Outcome::Changed {
                    object,
                    private: private.clone(),
                    diagnostics: diagnostics.clone(),
                },
            ),
            (
                "partial",
                Outcome::Partial {
                    object: value::Value::object([].into()),
                    private,
                    diagnostics: diagnostics.clone(),
                },
            ),
            (
                "broken",
                Outcome::Broken {
                    output: String::new(),
                    diagnostics: diagnostics.clone(),
                },
            ),
            (
                "unhealthy",
                Outcome::Unhealthy {
                    answer: String::new(),
                    diagnostics: diagnostics.clone(),
                },
            ),
            (
                "refused",
                Outcome::Refused {
                    diagnostics: diagnostics.clone(),
                },
            ),
            (
                "failed",
                Outcome::Failed {
                    diagnostics,
                    retry_after_ms,
                },
            ),
            ("unknown", Outcome::Unknown { why: "?".into() }),
        ]
    }

    #[test]
    fn every_stage_with_everything_that_can_happen() {
        let outcomes = outcomes();
        let [(_, changed), ..] = &outcomes;
        let inquiries = [
            ("found", Inquiry::Found(changed.clone())),
            ("absent", Inquiry::Absent),
            ("not yet", Inquiry::NotYet),
            ("unclear", Inquiry::Unclear { what: "?".into() }),
        ];
        let mut happenings = Vec::from([(String::from("intended"), Happening::Intended)]);
        for (name, outcome) in &outcomes {
            happenings.push((format!("ended {name}"), Happening::Ended(outcome)));
        }
        happenings.push((String::from("lost"), Happening::Lost));
        for (name, inquiry) in &inquiries {
            happenings.push((format!("inquired {name}"), Happening::Inquired(inquiry)));
        }
        for (name, inquiry) in &inquiries {
            happenings.push((format!("resolved {name}"), Happening::Resolved(inquiry)));
        }
        happenings.push((String::from("retried"), Happening::Retried(NOW_MS)));
        happenings.push((String::from("parked"), Happening::Parked("?")));

        let mut found = String::new();
        for (title, effect, tries, unsettled) in tables() {
            found.push_str(&format!("\n{title}\n{:<18}", ""));
            for (name, _) in stages() {
                found.push_str(&format!("{name:<11}"));
            }
            found = String::from(found.trim_end()) + "\n";
            for (what, happening) in &happenings {
                let mut line = format!("{what:<18}");
                for (_, stage) in stages() {
                    let lost = matches!(stage, Stage::Uncertain { .. });
                    let mut action = Action {
                        stage,
                        tries,
                        unsettled_until_ms: (unsettled || lost).then_some(NOW_MS + 60_000),
                        ..Action::new(effect.clone())
                    };
                    let legal = action.step(*happening, NOW_MS).is_ok();
                    let cell = if legal { shown(&action) } else { "-".into() };
                    line.push_str(&format!("{cell:<11}"));
                }
                found.push_str(line.trim_end());
                found.push('\n');
            }
        }
        let recorded = include_str!("../tests/actions.txt");
        let (_, recorded) = recorded.split_once("\n\n").unwrap_or_default();
        let found = found.trim_start();
        assert!(found == recorded, "tests/actions.txt would be:\n{found}");
    }
}
