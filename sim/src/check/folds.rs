//! Rule 1: replay folds. What an engine believes is what the book says, folded from its beginning.

use decide::World;

/// The first part in which two worlds differ; none when they are the same.
pub(crate) fn difference(live: &World, book: &World) -> Option<String> {
    let differs = |what: &str, same: bool| {
        (!same).then(|| format!("{what} of the engine is not what the book says"))
    };
    differs("the position", live.position == book.position)
        .or_else(|| differs("the epoch", live.epoch == book.epoch))
        .or_else(|| differs("the resources", live.resources == book.resources))
        .or_else(|| differs("what replacements left", live.deposed == book.deposed))
        .or_else(|| differs("the outputs", live.outputs == book.outputs))
        .or_else(|| differs("the services", live.services == book.services))
        .or_else(|| differs("the instances", live.instances == book.instances))
        .or_else(|| differs("the route", live.route == book.route))
        .or_else(|| differs("the accepted releases", live.accepted == book.accepted))
        .or_else(|| differs("the quarantine", live.quarantine == book.quarantine))
        .or_else(|| differs("the artifacts", live.built == book.built))
        .or_else(|| differs("the released", live.released == book.released))
        .or_else(|| differs("the list of runs", live.runs == book.runs))
        .or_else(|| run_difference(live, book))
}

fn run_difference(live: &World, book: &World) -> Option<String> {
    let (one, other) = match (&live.run, &book.run) {
        (None, None) => return None,
        (Some(one), Some(other)) => (one, other),
        _ => return Some("only one of engine and book has a run under way".into()),
    };
    let same = one.id == other.id
        && one.plan_digest == other.plan_digest
        && one.approved == other.approved
        && one.cancelled == other.cancelled
        && one.actions == other.actions
        && one.targeted == other.targeted
        && one.returned == other.returned
        && one.ready == other.ready
        && one.live == other.live
        && one.providers == other.providers
        && one.replanned == other.replanned
        && one.refused == other.refused
        && one.steps_left == other.steps_left;
    (!same).then(|| "the run of the engine is not what the book says".into())
}
