//! [`Event`]: everything that can ever stand in the book.
//!
//! Decisions (`Planned`, `Intended`, `Retried`, `Parked`, `Phased`, `Judged`, `Targeted`, `Checked`,
//! `Released`, `Closed`, and those within `Drifted`) can be derived again from what stands before them; the others say
//! what came from outside.

use crate::{
    ActionId, Address, Answer, CallQuestion, Checked, Digest, DriftJudged, DriftPass, Effect,
    Endpoint, Evidence, Inquiry, Observation, Outcome, Phase, PlanMode, RunId, Rung, Summary,
    Target, Verdict,
};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};
use value::{Diagnostics, Name};

/// One entry of an environment's stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// First of a stream.
    Opened {
        /// Name of the environment.
        environment: Name,
    },
    /// An engine took the pen.
    Started {
        /// Its fencing epoch.
        epoch: u64,
        /// Program version.
        program: String,
    },
    /// A person asked for something.
    Submitted {
        /// The run it begins.
        run: RunId,
        /// What for.
        kind: RunKind,
        /// The release to carry out.
        release: Digest,
        /// Who.
        actor: String,
        /// How.
        options: RunOptions,
    },
    /// What the outside answered while the plan was made: the blob of all answers in order.
    Answered {
        /// For which run.
        run: RunId,
        /// Blob of `Vec<Answer>`.
        answers: Digest,
    },
    /// A plan was made.
    Planned {
        /// For which run.
        run: RunId,
        /// Blob of the plan.
        plan: Digest,
        /// What it comes to.
        summary: Summary,
    },
    /// A person gave an order.
    Commanded {
        /// Who.
        actor: String,
        /// What.
        command: Command,
    },
    /// An effect is about to begin.
    Intended {
        /// Of which run.
        run: RunId,
        /// Its name for life.
        action: ActionId,
        /// 1 for the first attempt.
        attempt: u32,
        /// What.
        effect: Effect,
    },
    /// An effect ended, or was lost sight of.
    Finished {
        /// Of which run.
        run: RunId,
        /// Which action.
        action: ActionId,
        /// Which attempt.
        attempt: u32,
        /// What came of it.
        outcome: Outcome,
    },
    /// A lost outcome was inquired into.
    Inquired {
        /// Of which run.
        run: RunId,
        /// Which action.
        action: ActionId,
        /// Which attempt.
        attempt: u32,
        /// What was found.
        inquiry: Inquiry,
        /// In which ways it was looked for.
        #[serde(default)]
        rungs: Vec<Rung>,
    },
    /// A failed attempt will be repeated.
    Retried {
        /// Of which run.
        run: RunId,
        /// Which action.
        action: ActionId,
        /// Which attempt failed.
        attempt: u32,
        /// The pause drawn from the run's seed.
        delay_ms: u64,
        /// Not before this time of the engine's clock.
        not_before_ms: i64,
    },
    /// An action needs a person.
    Parked {
        /// Of which run.
        run: RunId,
        /// Which action.
        action: ActionId,
        /// What must be decided, in plain words.
        question: String,
    },
    /// Something was seen.
    Observed(Observation),
    /// A rollout moved on.
    Phased {
        /// Of which run.
        run: RunId,
        /// Of which service.
        service: Name,
        /// To where.
        phase: Phase,
    },
    /// Evidence was judged.
    Judged {
        /// Of which run.
        run: RunId,
        /// Of which service.
        service: Name,
        /// What it rests on.
        evidence: Evidence,
        /// What it came to.
        verdict: Verdict,
    },
    /// A build run made a release.
    Released {
        /// By which run.
        run: RunId,
        /// The release with everything built.
        release: Digest,
    },
    /// The provider was asked again, now that everything its change depends on is known.
    Replanned {
        /// Of which run.
        run: RunId,
        /// Which action.
        action: ActionId,
        /// What it said.
        answer: Answer,
    },
    /// What a service shall run was computed; its rollout begins.
    Targeted {
        /// Of which run.
        run: RunId,
        /// Which service.
        service: Name,
        /// What it shall run.
        target: Target,
    },
    /// Conditions that could not be judged while planning were looked at, now that the object is there.
    Checked {
        /// Of which run.
        run: RunId,
        /// The action of the step that looks.
        action: ActionId,
        /// What does not hold; nothing that waits for the object is begun when there is an error.
        diagnostics: Diagnostics,
    },
    /// What another program knew of objects was taken over.
    TakenOver {
        /// Who asked for it.
        actor: String,
        /// Where its state was read.
        origin: String,
        /// What tells that state from every other.
        lineage: String,
        /// How often it had been written.
        serial: u64,
        /// Blob of [`crate::Taken`].
        state: Digest,
    },
    /// What a function of a provider gives, which the plan or a step of it depends on.
    Called {
        /// In which run.
        run: RunId,
        /// Which function, of what.
        call: CallQuestion,
        /// What was answered.
        answer: Answer,
    },
    /// A pass over all objects found news: some were changed outside, or are again as they were.
    Drifted {
        /// Who asked for the pass.
        actor: String,
        /// What it was asked, and saw beside single objects.
        pass: DriftPass,
        /// Objects that are not as the book has them, as far as that is news, with what was decided.
        found: Vec<DriftJudged>,
        /// Objects that had drifted and have not any more.
        ended: Vec<Address>,
    },
    /// A run is over.
    Closed {
        /// Which.
        run: RunId,
        /// How it ended.
        result: RunResult,
    },
}

/// What a run is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunKind {
    /// Plan and apply resources.
    Apply,
    /// Build the artifacts of a release.
    Build,
    /// Apply resources, then roll out services.
    Deploy,
    /// Stop every instance; resources stay.
    Stop,
}

/// Who wants a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// A person.
    #[default]
    Person,
    /// A pass that decided to bring objects back.
    Heal,
    /// A person who takes this run back.
    Rollback(RunId),
}

/// What is taken back of a run. Its plan does that and no more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakeBack {
    /// The release that was in force before the run; none before the first.
    pub to: Option<Digest>,
    /// Objects that the run made, changed or destroyed, sorted.
    pub changed: Vec<Address>,
    /// Those of them that were not there before the run.
    pub made: Vec<Address>,
    /// Those of them that are marked as not to be destroyed, or as holding data.
    pub marked: Vec<Address>,
    /// Objects that may be destroyed although they are marked or hold data.
    pub allowed: Vec<Address>,
}

/// How a run is carried out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunOptions {
    /// What to plan.
    pub mode: PlanMode,
    /// Look at the world before planning.
    pub refresh: bool,
    /// Replace these even when nothing else asks for it.
    pub replace: Vec<Address>,
    /// Effects under way at the same time; 0 where nobody said how many.
    pub parallelism: u32,
    /// Seed of everything drawn by chance.
    pub seed: u64,
    /// Go ahead without an approval.
    pub auto_approve: bool,
    /// Environment name, for `environment.name` and its variables; empty outside delivery.
    pub environment: String,
    /// Take over at once instead of step by step (going back to a version that was good).
    pub at_once: bool,
    /// Plan only these and what they depend on; everything when there are none.
    #[serde(default)]
    pub targets: Vec<Endpoint>,
    /// Leave out these and everything that depends on them.
    #[serde(default)]
    pub excludes: Vec<Endpoint>,
    /// Objects to take over, beside those that `import` blocks name: where each shall stand, and what its provider
    /// knows it by.
    #[serde(default)]
    pub imports: Vec<(Address, String)>,
    /// Name of the workspace, for `terraform.workspace`; empty for `default`.
    #[serde(default)]
    pub workspace: String,
    /// Artifacts that are built again although they were built before: what was stored of them is damaged or gone.
    #[serde(default)]
    pub rebuild: Vec<Name>,
    /// When the plan was made that this run carries out, in milliseconds since 1970, where it was made before the run
    /// began; functions of time are given this time.
    #[serde(default)]
    pub planned_at_ms: Option<i64>,
    /// Who wants it; a plan that heals does nothing but bring its targets back.
    #[serde(default)]
    pub origin: Origin,
    /// What is taken back, where that is what is wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub take_back: Option<TakeBack>,
}

/// Orders of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Carry out this plan.
    Approve {
        /// Of which run.
        run: RunId,
        /// The plan that was seen.
        plan: Digest,
    },
    /// Begin nothing new, finish what is under way, then close the run.
    Cancel {
        /// Which run.
        run: RunId,
    },
    /// A parked action: the person says that it took effect or not.
    Resolve {
        /// Of which run.
        run: RunId,
        /// Which action.
        action: ActionId,
        /// What the person knows.
        inquiry: Inquiry,
    },
    /// Let a returned release be tried again.
    LiftQuarantine {
        /// Which release.
        release: Digest,
    },
    /// Mark an object as damaged, so that the next plan replaces it, or take the mark away.
    Taint {
        /// Which.
        address: Address,
        /// Whether it is damaged.
        tainted: bool,
    },
    /// Call objects by other names: each from one address to another.
    Rename {
        /// Old and new.
        moves: Vec<(Address, Address)>,
    },
    /// Forget objects without destroying them.
    Forget {
        /// Which.
        addresses: Vec<Address>,
    },
    /// Heal objects again that somebody else changed back each time.
    Forgive {
        /// Which.
        addresses: Vec<Address>,
    },
    /// The workspace is deleted, with all that the book knows of its objects; or it is made again, empty.
    Retire {
        /// Whether it is deleted.
        retired: bool,
    },
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunResult {
    /// All of it was done.
    Succeeded {
        /// Root outputs, where resources were applied.
        outputs: BTreeMap<Name, value::Value>,
        /// What became of every condition.
        #[serde(default)]
        checks: Vec<Checked>,
        /// Warnings, such as those of `check` blocks.
        #[serde(default)]
        warnings: Diagnostics,
    },
    /// Some of it could not be done; what was done is in the book.
    Failed {
        /// Why.
        diagnostics: Diagnostics,
    },
    /// A rollout went back to the old version.
    Returned {
        /// Services that went back, with the reason.
        services: BTreeMap<Name, String>,
    },
    /// A person stopped it.
    Cancelled,
}

/// Why a change is planned (`action_reason` of Terraform's JSON plan).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// An attribute cannot be changed in place.
    ReplaceBecauseCannotUpdate,
    /// The object is damaged.
    ReplaceBecauseTainted,
    /// A person asked for it.
    ReplaceByRequest,
    /// `replace_triggered_by`.
    ReplaceByTriggers,
    /// No longer written.
    DeleteBecauseNoResourceConfig,
    /// Its module is no longer called.
    DeleteBecauseNoModule,
    /// Beyond `count`.
    DeleteBecauseCountIndex,
    /// Not in `for_each`.
    DeleteBecauseEachKey,
    /// Has a key and should not, or the other way round.
    DeleteBecauseWrongRepetition,
    /// It was moved to where nothing is written.
    DeleteBecauseNoMoveTarget,
    /// The data source's configuration is not known yet.
    ReadBecauseConfigUnknown,
    /// What the data source depends on changes.
    ReadBecauseDependencyPending,
    /// The data source belongs to a check, which is to see what is there after the changes.
    ReadBecauseCheckNested,
}

impl RunResult {
    /// All of it was done, and there was nothing to check.
    pub fn succeeded(outputs: BTreeMap<Name, value::Value>) -> Self {
        Self::Succeeded {
            outputs,
            checks: Vec::new(),
            warnings: Diagnostics::new(),
        }
    }
}

impl Event {
    /// Number of the kind in the book's envelope. Never reused.
    pub const fn kind(&self) -> u16 {
        match self {
            Self::Opened { .. } => 1,
            Self::Started { .. } => 2,
            Self::Submitted { .. } => 3,
            Self::Answered { .. } => 4,
            Self::Planned { .. } => 5,
            Self::Commanded { .. } => 6,
            Self::Intended { .. } => 7,
            Self::Finished { .. } => 8,
            Self::Inquired { .. } => 9,
            Self::Retried { .. } => 10,
            Self::Parked { .. } => 11,
            Self::Observed(_) => 12,
            Self::Phased { .. } => 13,
            Self::Judged { .. } => 14,
            Self::Released { .. } => 15,
            Self::Closed { .. } => 16,
            Self::Replanned { .. } => 17,
            Self::Targeted { .. } => 18,
            Self::Checked { .. } => 19,
            Self::TakenOver { .. } => 20,
            Self::Called { .. } => 21,
            Self::Drifted { .. } => 22,
        }
    }

    /// The run it belongs to, if to one.
    pub const fn run(&self) -> Option<RunId> {
        match self {
            Self::Submitted { run, .. }
            | Self::Answered { run, .. }
            | Self::Planned { run, .. }
            | Self::Intended { run, .. }
            | Self::Finished { run, .. }
            | Self::Inquired { run, .. }
            | Self::Retried { run, .. }
            | Self::Parked { run, .. }
            | Self::Phased { run, .. }
            | Self::Judged { run, .. }
            | Self::Released { run, .. }
            | Self::Replanned { run, .. }
            | Self::Targeted { run, .. }
            | Self::Checked { run, .. }
            | Self::Called { run, .. }
            | Self::Closed { run, .. } => Some(*run),
            Self::Commanded { command, .. } => match command {
                Command::Approve { run, .. }
                | Command::Cancel { run }
                | Command::Resolve { run, .. } => Some(*run),
                Command::LiftQuarantine { .. }
                | Command::Taint { .. }
                | Command::Rename { .. }
                | Command::Forget { .. }
                | Command::Forgive { .. }
                | Command::Retire { .. } => None,
            },
            Self::Opened { .. }
            | Self::Started { .. }
            | Self::Observed(_)
            | Self::TakenOver { .. }
            | Self::Drifted { .. } => None,
        }
    }
}
