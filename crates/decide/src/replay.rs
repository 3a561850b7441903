//! Derives every decision of a book again and compares it with what was recorded.

use crate::heal;
use crate::{Blobs, Decision, Entry, Illegal, LoadedReleases, Memo, Planner, Schemas, World, next};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use model::{Answer, Digest, DriftJudged, DriftPass, Event, Plan, RunId};

/// What a replay came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Entries read.
    pub entries: u64,
    /// Decisions derived again with the same result.
    pub same: u64,
    /// Those that came out otherwise: position and what is different.
    pub different: Vec<(u64, String)>,
}

/// Replays entries one after the other.
#[derive(Clone, Debug)]
pub struct Replay {
    world: World,
    releases: LoadedReleases,
    memo: Memo,
    answers: Option<Digest>,
    /// Only decisions of this run are compared; all of them if none is named.
    only: Option<RunId>,
    report: Report,
}

impl Replay {
    /// Begins at the start of a stream.
    pub fn new(schemas: Arc<Schemas>, only: Option<RunId>) -> Self {
        Self {
            world: World::default(),
            releases: LoadedReleases::for_looking(),
            memo: Memo::for_looking(schemas),
            answers: None,
            only,
            report: Report::default(),
        }
    }

    /// Takes the next entry: derives it again if it is a decision, then folds it.
    ///
    /// # Errors
    /// When the entry cannot have happened.
    pub fn take(&mut self, entry: &Entry, blobs: &dyn Blobs) -> Result<(), Illegal> {
        self.report.entries += 1;
        let wanted = self.only.is_none() || self.only == entry.event.run();
        if wanted && is_decision(&entry.event) {
            match self.derived(entry, blobs) {
                Ok(()) => self.report.same += 1,
                Err(what) => self.report.different.push((entry.position, what)),
            }
        }
        if let Event::Answered { answers, .. } = &entry.event {
            self.answers = Some(*answers);
        }
        self.world.fold(entry, blobs, &mut self.releases)
    }

    /// The world after the newest entry.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// What was found so far.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// What was found.
    pub fn finish(self) -> (World, Report) {
        (self.world, self.report)
    }

    fn derived(&mut self, entry: &Entry, blobs: &dyn Blobs) -> Result<(), String> {
        if let Event::Planned { plan, .. } = &entry.event {
            return self.planned(plan, blobs);
        }
        if let Event::Drifted { pass, found, .. } = &entry.event {
            return self.drifted(pass, found, blobs);
        }
        let decisions = next(&self.world, &mut self.memo, entry.at_ms);
        if decisions
            .iter()
            .any(|one| matches!(one, Decision::Record(event) if *event == entry.event))
        {
            return Ok(());
        }
        if let Event::Closed { .. } = &entry.event
            && decisions.contains(&Decision::Plan)
        {
            // The plan could not be made; the answers that said so are not kept.
            return Ok(());
        }
        Err(format!(
            "the book has {}, which does not follow from what stands before it",
            name(&entry.event)
        ))
    }

    fn drifted(
        &mut self,
        pass: &DriftPass,
        found: &[DriftJudged],
        blobs: &dyn Blobs,
    ) -> Result<(), String> {
        let loaded = self.releases.load(&pass.release, blobs)?;
        let again = |one: &DriftJudged| {
            let drifted = one.drifted.clone();
            heal::judged(&self.world, &loaded, pass, drifted)
        };
        let other = found.iter().find(|one| again(one) != **one);
        other.map_or(Ok(()), |one| {
            Err(format!(
                "something else is decided now about {}",
                one.drifted.address
            ))
        })
    }

    fn planned(&mut self, plan: &Digest, blobs: &dyn Blobs) -> Result<(), String> {
        let Some(run) = &self.world.run else {
            return Err(String::from("no run is under way"));
        };
        let Some(answers) = self.answers.and_then(|digest| blobs.blob(&digest)) else {
            return Err(String::from(
                "the answers that the plan was made from are not in the book",
            ));
        };
        let answers = blobs
            .opened(answers)
            .map_err(|why| format!("the recorded answers: {why}"))?;
        let answers: Vec<Answer> =
            model::decode(&answers).map_err(|error| format!("the recorded answers: {error}"))?;
        let mut planner = Planner::new(
            run.loaded.clone(),
            &self.world,
            self.memo.schemas().clone(),
            run.options.clone(),
        )
        .without_calls();
        let mut answers = answers.into_iter();
        loop {
            let questions = planner.questions();
            if questions.is_empty() {
                break;
            }
            for (number, _) in questions {
                let Some(answer) = answers.next() else {
                    return Err(String::from("planning asks more than was answered then"));
                };
                planner.answer(number, answer);
            }
        }
        let mut again = planner
            .finish()
            .map_err(|_| String::from("no plan comes out now"))?;
        let then = blobs
            .blob(plan)
            .ok_or_else(|| String::from("the plan is not in the book"))?;
        let then = blobs
            .opened(then)
            .map_err(|why| format!("the plan: {why}"))?;
        let then: Plan = model::decode(&then).map_err(|error| format!("the plan: {error}"))?;
        // What an older program did not write down it did not decide otherwise.
        if then.without_instances.is_empty() {
            again.without_instances = Vec::new();
        }
        for (now, then) in again.changes.iter_mut().zip(&then.changes) {
            if then.schema_version.is_none() {
                now.schema_version = None;
            }
        }
        if again == then {
            Ok(())
        } else {
            Err(String::from("another plan comes out now"))
        }
    }
}

/// Whether an event follows from those before it; the others came from outside.
fn is_decision(event: &Event) -> bool {
    match event {
        Event::Planned { .. }
        | Event::Intended { .. }
        | Event::Retried { .. }
        | Event::Parked { .. }
        | Event::Phased { .. }
        | Event::Judged { .. }
        | Event::Targeted { .. }
        | Event::Released { .. }
        | Event::Checked { .. }
        | Event::Drifted { .. }
        | Event::Closed { .. } => true,
        Event::Opened { .. }
        | Event::Started { .. }
        | Event::Submitted { .. }
        | Event::Answered { .. }
        | Event::Commanded { .. }
        | Event::Finished { .. }
        | Event::Inquired { .. }
        | Event::Observed(_)
        | Event::TakenOver { .. }
        | Event::Called { .. }
        | Event::Replanned { .. } => false,
    }
}

fn name(event: &Event) -> &'static str {
    match event {
        Event::Planned { .. } => "a plan",
        Event::Intended { .. } => "an intent",
        Event::Retried { .. } => "a retry",
        Event::Parked { .. } => "a question to a person",
        Event::Phased { .. } => "a phase of a rollout",
        Event::Judged { .. } => "a verdict",
        Event::Targeted { .. } => "a target",
        Event::Released { .. } => "a release",
        Event::Checked { .. } => "the conditions of an object",
        Event::Drifted { .. } => "what a pass decided",
        Event::Closed { .. } => "the end of a run",
        Event::Opened { .. }
        | Event::Started { .. }
        | Event::Submitted { .. }
        | Event::Answered { .. }
        | Event::Commanded { .. }
        | Event::Finished { .. }
        | Event::Inquired { .. }
        | Event::Observed(_)
        | Event::TakenOver { .. }
        | Event::Called { .. }
        | Event::Replanned { .. } => "an entry",
    }
}
