//! The same trials for Terraform, whose answer to a kill is its state: what was written to it before.

use super::Options;
use super::strike::{self, Strike};
use super::trial::Bed;
use super::{LATE_MS_MAX, LATE_PER_MILLE};
use crate::book::Stage;
use crate::finding::{Finding, Promise};
use crate::services::proxy::Weather;
use crate::trial::{Hit, Kind, Report};
use sim::Rng;
use std::path::Path;
use std::process::Command;

/// The trial of this number.
pub(crate) fn report(
    options: &Options,
    place: &Path,
    installed: &Path,
    seed: u64,
    number: u64,
) -> Report {
    let directory = place.join(format!("peer-{number}"));
    let mut rng = Rng::new(seed, number);
    let weather = Rng::new(seed, number ^ (1 << 32));
    let mut hits = Vec::new();
    let findings = match Bed::make(options, &directory, installed, weather, None) {
        Ok(bed) => storm(&bed, &mut rng, &mut hits).unwrap_or_else(|finding| vec![finding]),
        Err(what) => vec![Promise::Ends.broken(what)],
    };
    Report {
        trial: number,
        kind: Kind::Create,
        hits,
        findings,
        directory,
    }
}

fn storm(bed: &Bed, rng: &mut Rng, hits: &mut Vec<Hit>) -> Result<Vec<Finding>, Finding> {
    let apply = || {
        let mut command = Command::new("terraform");
        command
            .args(["apply", "-auto-approve", "-no-color", "-input=false"])
            .current_dir(&bed.root);
        command
    };
    let ends = |what| Promise::Ends.broken(what);
    bed.proxy.weather(Weather {
        late_per_mille: LATE_PER_MILLE,
        late_ms_max: LATE_MS_MAX,
        ..Weather::default()
    });
    let objects = bed.project.objects;
    let strike = Strike::drawn(rng, 2 * objects, objects);
    let struck = strike::run(apply(), Some(strike), &bed.proxy).map_err(ends)?;
    if struck.hit {
        hits.push(Hit {
            stage: Stage::Applying,
            n_open: 0,
            was_resuming: false,
        });
    }
    // Its provider lives on; whoever waited for it would wait for its end.
    strike::kill_in(&bed.root);
    bed.proxy.weather(Weather::default());
    let mut findings = Vec::new();
    let again = strike::run(apply(), None, &bed.proxy).map_err(ends)?;
    if again.ended.code != Some(0) {
        let what = format!("the next apply ends with {:?}", again.ended.code);
        findings.push(Promise::Ends.broken(what));
    }
    findings.extend(bed.compare(false));
    let mut plan = Command::new("terraform");
    plan.args(["plan", "-detailed-exitcode", "-no-color", "-input=false"])
        .current_dir(&bed.root);
    let plan = strike::run(plan, None, &bed.proxy).map_err(ends)?;
    if plan.ended.code != Some(0) {
        let what = format!("a plan after that ends with {:?}", plan.ended.code);
        findings.push(Promise::Empty.broken(what));
    }
    Ok(findings)
}
