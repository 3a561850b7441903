//! Rule 8: fail closed. A verdict rests on the evidence beside it, and nothing is good for want of evidence.

use super::Ledger;
use decide::gate;
use model::{Event, Target, Verdict};

/// A verdict was recorded: the evidence beside it must bear it.
pub(crate) fn judged(ledger: &Ledger, event: &Event) -> Option<String> {
    let Event::Judged {
        service,
        evidence,
        verdict,
        ..
    } = event
    else {
        return None;
    };
    let rollout = ledger.world().services.get(service)?.rollout.as_ref()?;
    let target: &Target = &rollout.target;
    let rules = &target.rollout;
    let bad = rules.judge.errors && gate::is_bad(evidence, rules.judge.false_alarm_ppm);
    match verdict {
        Verdict::Good if bad => Some(format!("{service} was judged good on bad evidence")),
        Verdict::Good if evidence.new_finished < rules.requests_min.max(1) => Some(format!(
            "{service} was judged good after {} requests",
            evidence.new_finished
        )),
        Verdict::Bad if !bad => Some(format!("{service} was judged bad without evidence")),
        Verdict::Good | Verdict::Bad | Verdict::NotEnoughEvidence => None,
    }
}
