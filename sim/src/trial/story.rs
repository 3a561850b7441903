//! How a play is set up, and what comes of it.

use crate::check::Violation;
use crate::{Coverage, Mutant};
use model::{Effect, Event};

/// When the engine dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crashes {
    /// Never.
    None,
    /// At the n-th boundary, counted from 1. What was asked for after the run in which that comes is left out.
    At(u64),
    /// At each boundary there is: one play without a crash, and for each boundary another that branches off from it
    /// there and is the same as the one that [`Crashes::At`] gives.
    Everywhere,
    /// Wherever the seed says.
    Random,
}

/// How a scenario is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// When the engine dies.
    pub crashes: Crashes,
    /// Whether requests meet trouble, people interfere and a second controller takes over.
    pub trouble: bool,
    /// Whether a person takes back runs that did not come to their end.
    pub takes_back: bool,
    /// A planted fault.
    pub mutant: Option<Mutant>,
    /// Keeps a line for everything that happens.
    pub trace: bool,
}

impl Settings {
    /// Nothing goes wrong.
    pub const fn calm() -> Self {
        Self {
            crashes: Crashes::None,
            trouble: false,
            takes_back: false,
            mutant: None,
            trace: false,
        }
    }

    /// Everything goes wrong that the seed says.
    pub const fn storm() -> Self {
        Self {
            crashes: Crashes::Random,
            trouble: true,
            ..Self::calm()
        }
    }

    /// The same, with a person who takes back what did not come to its end.
    pub const fn going_back() -> Self {
        Self {
            takes_back: true,
            ..Self::storm()
        }
    }

    /// Nothing goes wrong but one crash.
    pub const fn crash_at(boundary: u64) -> Self {
        Self {
            crashes: Crashes::At(boundary),
            ..Self::calm()
        }
    }

    /// A crash at each boundary, one at a time.
    pub const fn everywhere() -> Self {
        Self {
            crashes: Crashes::Everywhere,
            ..Self::calm()
        }
    }
}

/// What came of a play, or of several that branch off from one.
#[derive(Clone, Debug, Default)]
pub struct Story {
    /// The first rule that did not hold.
    pub violation: Option<Violation>,
    /// The boundary at which the engine died in the branch in which it did not hold.
    pub branch: Option<u64>,
    /// What was hit.
    pub coverage: Coverage,
    /// Plays.
    pub plays: u64,
    /// Boundaries passed, each of them a place to crash at.
    pub boundaries: u64,
    /// Crashes.
    pub crashes: u64,
    /// Things that happened.
    pub happenings: u64,
    /// Entries of the book.
    pub entries: u64,
    /// Virtual time it took.
    pub virtual_ms: i64,
    /// A digest of when everything happened and of all that was written: the same for each play of the same seed.
    pub fingerprint: Fingerprint,
    /// A line for everything that happened, where asked for.
    pub trace: Vec<String>,
}

impl Story {
    /// Adds a play that branched off; `boundary` is where the engine died in it.
    pub(super) fn absorb(&mut self, boundary: Option<u64>, branch: Self) {
        self.plays += branch.plays;
        self.crashes += branch.crashes;
        self.happenings += branch.happenings;
        self.entries += branch.entries;
        self.coverage.add(&branch.coverage);
        if self.violation.is_none() && branch.violation.is_some() {
            self.violation = branch.violation;
            self.branch = boundary;
        }
    }
}

/// FNV-1a over what is shown to it (Fowler, Noll and Vo): tells plays apart, and is no proof of anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(u64);

impl Default for Fingerprint {
    fn default() -> Self {
        Self(0xCBF2_9CE4_8422_2325)
    }
}

impl Fingerprint {
    /// One more thing.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
        }
    }
}

/// The beginning of a line that could be long.
pub(super) fn shortened(text: &str) -> String {
    text.chars().take(260).collect()
}

/// What an entry counts as in the coverage.
pub(super) fn kind_name(event: &Event) -> &'static str {
    match event {
        Event::Opened { .. } => "entry.opened",
        Event::Started { .. } => "entry.started",
        Event::Submitted { .. } => "entry.submitted",
        Event::Answered { .. } => "entry.answered",
        Event::Planned { .. } => "entry.planned",
        Event::Commanded { .. } => "entry.commanded",
        Event::Intended {
            effect, attempt, ..
        } => intent_name(effect, *attempt),
        Event::Finished { .. } => "entry.finished",
        Event::Inquired { .. } => "entry.inquired",
        Event::Retried { .. } => "entry.retried",
        Event::Parked { .. } => "entry.parked",
        Event::Observed(_) => "entry.observed",
        Event::Phased { .. } => "entry.phased",
        Event::Judged { .. } => "entry.judged",
        Event::Released { .. } => "entry.released",
        Event::Replanned { .. } => "entry.replanned",
        Event::Targeted { .. } => "entry.targeted",
        Event::Checked { .. } => "entry.checked",
        Event::TakenOver { .. } => "entry.taken over",
        Event::Called { .. } => "entry.called",
        Event::Drifted { .. } => "entry.drifted",
        Event::Closed { .. } => "entry.closed",
    }
}

fn intent_name(effect: &Effect, attempt: u32) -> &'static str {
    match effect {
        Effect::Change(_) if attempt == 1 => "entry.intended change",
        Effect::Change(_) => "entry.intended change again",
        Effect::Place(_) => "entry.intended place",
        Effect::Stop { .. } => "entry.intended stop",
        Effect::Publish(_) => "entry.intended publish",
        Effect::Build(_) => "entry.intended build",
        Effect::Provision(_) => "entry.intended provision",
        Effect::Probe(_) => "entry.intended probe",
    }
}
