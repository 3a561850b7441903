//! One action from its first intent to its end, as a state machine that can say "illegal".
//!
//! The same function guards live events and replay. An action whose outcome was lost is *uncertain*: it is repeated
//! where that is safe, inquired into where it is not, and put to a person where the outside cannot tell.

use alloc::string::String;
use model::{Effect, Inquiry, Outcome, Repeat};
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
    /// An earlier attempt's outcome was never settled, so a refusal of the newest one proves nothing about it.
    pub earlier_unknown: bool,
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
            earlier_unknown: false,
        }
    }

    /// How the effect may be repeated.
    pub fn repeat(&self) -> Repeat {
        match &self.effect {
            Effect::Change(change) => change.repeat,
            Effect::Build(_) => Repeat::Safe,
            Effect::Place(_) | Effect::Stop { .. } | Effect::Publish(_) => Repeat::ByKey,
        }
    }

    fn settle_ms(&self) -> u64 {
        match &self.effect {
            Effect::Change(change) => change.settle_ms,
            Effect::Build(_) | Effect::Place(_) | Effect::Stop { .. } | Effect::Publish(_) => 0,
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
        Some(since_ms.saturating_add((self.settle_ms() * share / 60) as i64))
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
        let repeatable = self.repeat() != Repeat::Never;
        let stage = match (&self.stage, happening) {
            (Stage::Waiting { .. }, Happening::Intended) => {
                self.attempt += 1;
                Stage::Open
            }
            (Stage::Uncertain { .. }, Happening::Intended)
                if repeatable && !self.earlier_unknown_refused() =>
            {
                self.attempt += 1;
                self.earlier_unknown = true;
                Stage::Open
            }
            (_, Happening::Intended) => return Err("it is not waiting for another attempt"),
            (Stage::Open, Happening::Ended(outcome)) => self.ended(outcome, at_ms),
            (_, Happening::Ended(_)) => return Err("an outcome without an open attempt"),
            (Stage::Open, Happening::Lost) => Stage::Uncertain {
                since_ms: at_ms,
                inquiries: 0,
            },
            // A new engine counts the settle window on its own clock, from its own beginning.
            (Stage::Uncertain { .. }, Happening::Lost) => Stage::Uncertain {
                since_ms: at_ms,
                inquiries: 0,
            },
            (stage, Happening::Lost) => stage.clone(),
            (
                Stage::Uncertain {
                    since_ms,
                    inquiries,
                },
                Happening::Inquired(inquiry),
            ) => {
                let waited = at_ms.saturating_sub(*since_ms);
                let over = waited >= self.settle_ms() as i64;
                let again = Stage::Uncertain {
                    since_ms: *since_ms,
                    inquiries: inquiries + 1,
                };
                match inquiry {
                    Inquiry::Absent if !over => again,
                    Inquiry::NotYet => again,
                    other @ (Inquiry::Found(_) | Inquiry::Absent | Inquiry::Unclear { .. }) => {
                        self.found(other, at_ms)
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
            (_, Happening::Retried(_)) => return Err("a retry of an attempt that did not fail"),
            (Stage::Unclear { .. }, Happening::Parked(question)) => Stage::Parked {
                question: String::from(question),
            },
            (_, Happening::Parked(_)) => return Err("a question about an outcome that is clear"),
        };
        self.stage = stage;
        Ok(())
    }

    /// Repeating by key was refused although an earlier attempt may have had an effect: only looking helps now.
    fn earlier_unknown_refused(&self) -> bool {
        self.earlier_unknown
            && matches!(&self.effect, Effect::Change(_))
            && self.repeat() == Repeat::ByKey
            && self.attempt > crate::limits::ATTEMPTS_MAX
    }

    fn ended(&mut self, outcome: &Outcome, at_ms: i64) -> Stage {
        match outcome {
            Outcome::Changed { .. }
            | Outcome::Placed { .. }
            | Outcome::Stopped
            | Outcome::Published { .. }
            | Outcome::Built { .. } => Stage::Done,
            Outcome::Partial { diagnostics, .. } => Stage::Failed {
                diagnostics: diagnostics.clone(),
            },
            Outcome::Refused { diagnostics } => Stage::Failed {
                diagnostics: diagnostics.clone(),
            },
            Outcome::Failed {
                diagnostics,
                retry_after_ms,
            } => Stage::Struck {
                why: first_line(diagnostics),
                retry_after_ms: *retry_after_ms,
            },
            Outcome::Unknown { .. } => Stage::Uncertain {
                since_ms: at_ms,
                inquiries: 0,
            },
        }
    }

    fn found(&mut self, inquiry: &Inquiry, at_ms: i64) -> Stage {
        match inquiry {
            Inquiry::Found(outcome) => self.ended(outcome, at_ms),
            Inquiry::Absent => {
                self.earlier_unknown = false;
                Stage::Struck {
                    why: String::from("it did not take effect"),
                    retry_after_ms: None,
                }
            }
            Inquiry::NotYet => Stage::Uncertain {
                since_ms: at_ms,
                inquiries: 0,
            },
            Inquiry::Unclear { what } => Stage::Unclear { what: what.clone() },
        }
    }
}

fn first_line(diagnostics: &Diagnostics) -> String {
    diagnostics
        .iter()
        .next()
        .map(|one| alloc::format!("{}: {}", one.summary, one.detail))
        .unwrap_or_else(|| String::from("no reason was given"))
}
