//! What came of all trials, as a table, and whether that proves anything.

use crate::book::Stage;
use crate::finding::Promise;
use crate::trial::{Hit, Kind, Report};
use std::fmt;
use std::time::Duration;

/// Trials below which chance alone may let most kills miss.
const TRIALS_TO_JUDGE_MIN: usize = 20;

/// Counts over all trials.
pub(crate) struct Summary {
    trials: usize,
    of_kind: Vec<(Kind, usize)>,
    hits: Vec<Hit>,
    broken: Vec<(Promise, usize)>,
    took: Duration,
}

impl Summary {
    /// Counts.
    pub(crate) fn of(reports: &[Report], took: Duration) -> Self {
        let kinds = Kind::ALL.into_iter();
        let findings = || reports.iter().flat_map(|report| &report.findings);
        Self {
            trials: reports.len(),
            of_kind: kinds
                .map(|kind| {
                    (
                        kind,
                        reports.iter().filter(|report| report.kind == kind).count(),
                    )
                })
                .collect(),
            hits: reports
                .iter()
                .flat_map(|report| report.hits.iter().copied())
                .collect(),
            broken: Promise::ALL
                .into_iter()
                .map(|promise| {
                    (
                        promise,
                        findings()
                            .filter(|finding| finding.promise == promise)
                            .count(),
                    )
                })
                .collect(),
            took,
        }
    }

    fn count(&self, stage: Stage) -> usize {
        self.hits.iter().filter(|hit| hit.stage == stage).count()
    }

    /// Why this is no success, if it is none.
    pub(crate) fn complaint(&self) -> Option<String> {
        if self.broken.iter().any(|(_, count)| *count > 0) {
            return Some("A promise was not kept.".to_owned());
        }
        let during = self.count(Stage::Planning) + self.count(Stage::Applying);
        if self.trials >= TRIALS_TO_JUDGE_MIN && during * 2 <= self.hits.len() {
            let what = "Most kills missed the run: nothing was proven. Is the machine very busy?";
            return Some(what.to_owned());
        }
        None
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |name: &str, count: usize| writeln!(f, "  {name:<42}{count:>6}");
        line("trials", self.trials)?;
        for (kind, count) in &self.of_kind {
            let name = match kind {
                Kind::Create => "  first apply",
                Kind::Change => "  apply that changes, replaces, removes",
                Kind::Destroy => "  destroy",
            };
            line(name, *count)?;
        }
        line("kills with SIGKILL", self.hits.len())?;
        for (name, stage) in [
            ("  before the run was in the book", Stage::Before),
            ("  while it was planned", Stage::Planning),
            ("  while it was carried out", Stage::Applying),
            ("  after its end", Stage::Over),
        ] {
            line(name, self.count(stage))?;
        }
        line(
            "  of all, with effects under way",
            self.hits.iter().filter(|hit| hit.n_open > 0).count(),
        )?;
        line(
            "  of all, during a resumption",
            self.hits.iter().filter(|hit| hit.was_resuming).count(),
        )?;
        line(
            "effects whose outcome was lost",
            self.hits.iter().map(|hit| hit.n_open).sum(),
        )?;
        for (promise, count) in &self.broken {
            line(promise.line(), *count)?;
        }
        writeln!(f, "  {:<42}{:>6.1}", "seconds", self.took.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Finding;
    use std::path::PathBuf;

    fn report(stage: Stage, findings: Vec<Finding>) -> Report {
        let hit = Hit {
            stage,
            n_open: 1,
            was_resuming: false,
        };
        Report {
            trial: 0,
            kind: Kind::Create,
            hits: vec![hit],
            findings,
            directory: PathBuf::new(),
        }
    }

    fn complaint(stage: Stage, broken: bool) -> Option<String> {
        let of_each = |_| {
            let findings = broken.then(|| Promise::Lost.broken("x"));
            report(stage, findings.into_iter().collect())
        };
        let reports: Vec<Report> = (0..TRIALS_TO_JUDGE_MIN).map(of_each).collect();
        Summary::of(&reports, Duration::ZERO).complaint()
    }

    #[test]
    fn broken_promises_and_kills_that_miss_are_no_success() {
        assert_eq!(complaint(Stage::Applying, false), None);
        assert!(complaint(Stage::Applying, true).is_some());
        assert!(complaint(Stage::Over, false).is_some());
    }
}
