//! Planning without a book: what `plan` shows. Reads the world, changes nothing, writes nothing.

use crate::limits::QUESTIONS_AT_ONCE_MAX;
use crate::{Outside, perform};
use contract::Clock as _;
use decide::{LoadedRelease, Planner, World};
use model::{Address, Answer, Plan, Question, RunOptions};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::Semaphore;
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

/// The same, with what the objects will be that could be planned, whatever speaks against the others.
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
            let preview = planner.finish().map(|plan| Preview {
                plan,
                dialogue,
                made_at_ms,
            });
            return (planned, preview);
        }
        let asked: Vec<_> = questions
            .into_iter()
            .map(|(number, question)| {
                let (outside, room) = (outside.clone(), room.clone());
                let asked = question.clone();
                let configuration = crate::core::or_null(planner.configuration(&question));
                let answer = crate::task::spawn(crate::task::TaskKind::Reading, async move {
                    let _room = room.acquire_owned().await;
                    perform::ask(&outside, &question, &configuration).await
                });
                (number, asked, answer)
            })
            .collect();
        for (number, question, answer) in asked {
            let answer = match answer.await {
                Ok(answer) => answer,
                Err(panic) => {
                    Answer::Failed(crate::diag::provider_broke(&panic.to_string()).into())
                }
            };
            dialogue.push((question, answer.clone()));
            planner.answer(number, answer);
        }
    }
}
