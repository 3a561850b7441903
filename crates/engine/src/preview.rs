//! Planning without a book: what `plan` shows. Reads the world, changes nothing, writes nothing.

use crate::limits::QUESTIONS_AT_ONCE_MAX;
use crate::task::{TaskKind, spawn};
use crate::{Outside, perform};
use contract::Clock as _;
use decide::{Handed, Held, LoadedRelease, Planner, World};
use model::{Address, Answer, Plan, Question, RunOptions};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use value::{Diagnostics, Value};

/// A plan with all that was asked for it, in the order of the questions.
#[derive(Clone, Debug)]
pub struct Preview {
    /// The plan.
    pub plan: Plan,
    /// What was asked, and what was answered.
    pub dialogue: Vec<(Question, Answer)>,
    /// When it was made, in milliseconds since 1970.
    pub made_at_ms: i64,
}

/// The plan that a run would make now.
///
/// # Errors
/// Everything that speaks against a plan.
pub async fn preview(
    outside: &Outside,
    loaded: Arc<LoadedRelease>,
    world: &World,
    options: RunOptions,
) -> Result<Preview, Diagnostics> {
    let (_, plan) = preview_in_part(outside, loaded, world, options).await;
    plan
}

/// The same, with what the objects will be that could be planned, whatever speaks against the others. Nothing is left
/// open.
pub(crate) async fn preview_in_part(
    outside: &Outside,
    loaded: Arc<LoadedRelease>,
    world: &World,
    options: RunOptions,
) -> (BTreeMap<Address, Value>, Result<Preview, Diagnostics>) {
    if world.is_sealed() {
        return (BTreeMap::new(), Err(crate::diag::key_missing().into()));
    }
    let outside = Arc::new(outside.clone());
    let mut held = Held::default();
    let planned = planned(&outside, &mut held, loaded, world, options).await;
    outside.leases.let_go_of_all().await;
    planned
}

async fn planned(
    outside: &Arc<Outside>,
    held: &mut Held,
    loaded: Arc<LoadedRelease>,
    world: &World,
    options: RunOptions,
) -> (BTreeMap<Address, Value>, Result<Preview, Diagnostics>) {
    let room = Arc::new(Semaphore::new(QUESTIONS_AT_ONCE_MAX));
    let mut planner = Planner::new(loaded, world, outside.schemas(), options);
    let made_at_ms = crate::SystemClock::default().now_ms();
    planner.begin_at(made_at_ms);
    let mut dialogue = Vec::new();
    loop {
        // Ends: every round answers all questions, and a plan asks at most three times about each object.
        let questions = planner.questions();
        if questions.is_empty() {
            let planned = planner.planned().clone();
            let found = planner.judged_with(held);
            if found.has_errors() {
                return (planned, Err(found));
            }
            let preview = planner.finish().map(|plan| Preview {
                plan,
                dialogue,
                made_at_ms,
            });
            return (planned, preview);
        }
        let mut asked = Vec::new();
        for (number, question) in questions {
            let configuration = crate::core::or_null(planner.configuration(&question, held));
            let answering = match planner.handed_out(&question, held) {
                Handed::Ask(Question::Open(whole)) => {
                    let outside = outside.clone();
                    Asked::Open(spawn(TaskKind::Reading, async move {
                        perform::open(&outside, &whole, &configuration).await
                    }))
                }
                Handed::Ask(whole) => {
                    let (outside, room) = (outside.clone(), room.clone());
                    Asked::Question(spawn(TaskKind::Reading, async move {
                        let _room = room.acquire_owned().await;
                        perform::ask(&outside, &whole, &configuration).await
                    }))
                }
                Handed::Answered(answer) => Asked::Answered(answer),
            };
            asked.push((number, question, answering));
        }
        for (number, question, answering) in asked {
            let answer = answering.answer(&planner, held, &question).await;
            dialogue.push((question, answer.clone()));
            planner.answer(number, answer);
        }
    }
}

/// A question that is being answered.
enum Asked {
    Answered(Answer),
    Question(JoinHandle<Answer>),
    Open(JoinHandle<Result<(Value, Diagnostics), Diagnostics>>),
}

impl Asked {
    /// The answer. What was opened is held, and is no part of it.
    async fn answer(self, planner: &Planner, held: &mut Held, question: &Question) -> Answer {
        let broke = |panic: &dyn std::fmt::Display| {
            Answer::Failed(crate::diag::provider_broke(&panic.to_string()).into())
        };
        match self {
            Self::Answered(answer) => answer,
            Self::Question(answering) => answering.await.unwrap_or_else(|panic| broke(&panic)),
            Self::Open(opening) => match opening.await {
                Ok(opened) => match question.address() {
                    Some(address) => planner.take(address, opened, held),
                    None => broke(&"nothing was to be opened"),
                },
                Err(panic) => broke(&panic),
            },
        }
    }
}
