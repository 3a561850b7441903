//! `host_link`: what is taken over, what is refused, and what drifts. Not here: the life of an object, which is the
//! suite's.

use crate::bed::{Bed, action, code, deletion, is_deleted, refusal, text};
use contract::Inquiry;
use std::os::unix::fs::symlink;
use std::path::Path;

const KIND: &str = "host_link";

fn leads_to(bed: &Bed, name: &str) -> String {
    let target = std::fs::read_link(bed.path(name)).unwrap();
    target.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn it_is_turned_in_one_step_and_leads_where_nothing_is() {
    let bed = Bed::new();
    let made = bed
        .create(KIND, &[("path", text("current")), ("target", text("v1"))])
        .await;
    assert_eq!(leads_to(&bed, "current"), "v1");
    let config = [("path", text("current")), ("target", text("v2"))];
    let turn = bed.update(KIND, &made, &config).await;
    assert_eq!(bed.inquire(&turn).await, Inquiry::Absent);
    bed.made(&turn).await;
    assert!(matches!(bed.inquire(&turn).await, Inquiry::Found(_)));
    assert_eq!(leads_to(&bed, "current"), "v2");
    assert_eq!(bed.names(), ["current"]);
}

#[tokio::test]
async fn an_existing_link_is_taken_over_only_if_it_leads_there() {
    let bed = Bed::new();
    symlink("elsewhere", bed.path("l")).unwrap();
    let config = [("path", text("l")), ("target", text("here"))];
    let create = bed.creation(KIND, &config).await;
    assert_eq!(refusal(&bed.apply(&create).await), "SF0808");
    assert_eq!(leads_to(&bed, "l"), "elsewhere", "it was not touched");
    assert!(matches!(
        bed.inquire(&create).await,
        Inquiry::Unclear { .. }
    ));
    let same = [("path", text("l")), ("target", text("elsewhere"))];
    bed.create(KIND, &same).await;

    std::fs::write(bed.path("f"), "").unwrap();
    let config = [("path", text("f")), ("target", text("here"))];
    let create = bed.creation(KIND, &config).await;
    assert_eq!(refusal(&bed.apply(&create).await), "SF0808");
}

#[tokio::test]
async fn another_target_is_drift_and_another_thing_counts_as_gone() {
    let bed = Bed::new();
    let config = [("path", text("l")), ("target", text("here"))];
    let made = bed.create(KIND, &config).await;
    std::fs::remove_file(bed.path("l")).unwrap();
    symlink("there", bed.path("l")).unwrap();
    let drifted = bed.read(KIND, &made).await.object.unwrap();
    assert_eq!(drifted.get("target"), Some(&text("there")));
    let mend = bed.update(KIND, &drifted, &config).await;
    assert_eq!(bed.made(&mend).await, made);

    std::fs::remove_file(bed.path("l")).unwrap();
    std::fs::write(bed.path("l"), "precious").unwrap();
    let answer = bed.read(KIND, &made).await;
    assert_eq!(answer.object, None);
    assert_eq!(code(&answer.diagnostics), "SF0823");
    let other = [("path", text("l")), ("target", text("other"))];
    let update = bed.update(KIND, &made, &other).await;
    assert_eq!(refusal(&bed.apply(&update).await), "SF0808");
    let delete = deletion(KIND, &made);
    assert_eq!(refusal(&bed.apply(&delete).await), "SF0808");
    assert_eq!(std::fs::read(bed.path("l")).unwrap(), b"precious");
}

#[tokio::test]
async fn the_link_is_removed_and_not_what_it_leads_to() {
    let bed = Bed::new();
    std::fs::write(bed.path("f"), "precious").unwrap();
    let made = bed
        .create(KIND, &[("path", text("l")), ("target", text("f"))])
        .await;
    assert!(is_deleted(&bed.apply(&deletion(KIND, &made)).await));
    assert_eq!(bed.names(), ["f"]);
}

#[tokio::test]
async fn an_attempt_that_was_killed_leaves_nothing_behind_after_the_next() {
    let bed = Bed::new();
    symlink("x", bed.path(&format!(".steadfast-{}.tmp", action()))).unwrap();
    bed.create(KIND, &[("path", text("l")), ("target", text("here"))])
        .await;
    assert_eq!(bed.names(), ["l"]);
    assert!(Path::new(&bed.path("l")).is_symlink());
}

#[tokio::test]
async fn paths_and_targets_that_cannot_be_are_refused() {
    let bed = Bed::new();
    for (path, target) in [("", "t"), ("d/", "t"), ("l", ""), ("l", "a\0b")] {
        let config = bed.config(KIND, &[("path", text(path)), ("target", text(target))]);
        let refused = bed.refused_plan(KIND, &config).await;
        assert_eq!(refused, "SF0801", "{path:?} {target:?}");
    }
}
