//! Planning without a book: what `plan` shows. Reads the world, changes nothing, writes nothing.

use crate::limits::QUESTIONS_AT_ONCE_MAX;
use crate::{Outside, perform};
use contract::Clock as _;
use decide::{LoadedRelease, Planner, World};
use model::{Plan, RunOptions};
use std::sync::Arc;
use tokio::sync::Semaphore;
use value::Diagnostics;

/// The plan that a run would make now.
///
/// # Errors
/// Everything that speaks against a plan.
pub async fn preview(
    outside: &Outside,
    loaded: Arc<LoadedRelease>,
    world: &World,
    options: RunOptions,
) -> Result<Plan, Diagnostics> {
    if world.is_sealed() {
        return Err(crate::diag::key_missing().into());
    }
    let outside = Arc::new(outside.clone());
    let room = Arc::new(Semaphore::new(QUESTIONS_AT_ONCE_MAX));
    let mut planner = Planner::new(loaded, world, outside.schemas(), options);
    planner.begin_at(crate::SystemClock::default().now_ms());
    loop {
        // Ends: every round answers all questions, and a plan asks at most three times about each object.
        let questions = planner.questions();
        if questions.is_empty() {
            return planner.finish();
        }
        let asked: Vec<_> = questions
            .into_iter()
            .map(|(number, question)| {
                let (outside, room) = (outside.clone(), room.clone());
                let answer = crate::task::spawn(crate::task::TaskKind::Reading, async move {
                    let _room = room.acquire_owned().await;
                    perform::ask(&outside, &question).await
                });
                (number, answer)
            })
            .collect();
        for (number, answer) in asked {
            let answer = match answer.await {
                Ok(answer) => answer,
                Err(panic) => {
                    model::Answer::Failed(crate::diag::provider_broke(&panic.to_string()).into())
                }
            };
            planner.answer(number, answer);
        }
    }
}
