//! `host_directory`: what is taken over, what is refused, and what drifts. Not here: the life of an object, which is
//! the suite's.

use crate::bed::{Bed, action, code, deletion, is_deleted, refusal, text};
use contract::Inquiry;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

const KIND: &str = "host_directory";

fn mode(bed: &Bed, name: &str) -> u32 {
    let metadata = std::fs::symlink_metadata(bed.path(name)).unwrap();
    metadata.permissions().mode() & 0o7777
}

#[tokio::test]
async fn only_an_empty_directory_is_removed() {
    let bed = Bed::new();
    let made = bed.create(KIND, &[("path", text("d"))]).await;
    std::fs::write(bed.path("d/precious"), "").unwrap();
    let delete = deletion(KIND, &made);
    assert_eq!(refusal(&bed.apply(&delete).await), "SF0812");
    assert!(bed.path("d/precious").exists());
    assert_eq!(bed.inquire(&delete).await, Inquiry::Absent);
    std::fs::remove_file(bed.path("d/precious")).unwrap();
    assert!(is_deleted(&bed.apply(&delete).await));
    assert!(!bed.path("d").exists());
}

#[tokio::test]
async fn an_existing_directory_is_taken_over_only_if_it_is_as_configured() {
    let bed = Bed::new();
    std::fs::create_dir(bed.path("d")).unwrap();
    std::fs::set_permissions(bed.path("d"), Permissions::from_mode(0o700)).unwrap();
    let create = bed.creation(KIND, &[("path", text("d"))]).await;
    assert_eq!(refusal(&bed.apply(&create).await), "SF0808");
    assert_eq!(mode(&bed, "d"), 0o700, "it was not touched");
    assert!(matches!(
        bed.inquire(&create).await,
        Inquiry::Unclear { .. }
    ));
    let config = [("path", text("d")), ("mode", text("0700"))];
    bed.create(KIND, &config).await;

    std::fs::write(bed.path("f"), "").unwrap();
    let create = bed.creation(KIND, &[("path", text("f"))]).await;
    assert_eq!(refusal(&bed.apply(&create).await), "SF0808");
}

#[tokio::test]
async fn drift_of_mode_is_read_and_mended() {
    let bed = Bed::new();
    let config = [("path", text("d")), ("mode", text("777"))];
    let made = bed.create(KIND, &config).await;
    assert_eq!(mode(&bed, "d"), 0o777, "whatever the umask");
    std::fs::set_permissions(bed.path("d"), Permissions::from_mode(0o1750)).unwrap();
    let drifted = bed.read(KIND, &made).await.object.unwrap();
    assert_eq!(drifted.get("mode"), Some(&text("1750")));
    let mend = bed.update(KIND, &drifted, &config).await;
    assert_eq!(bed.inquire(&mend).await, Inquiry::Absent);
    assert_eq!(bed.made(&mend).await, made);
    assert_eq!(mode(&bed, "d"), 0o777);
    assert!(matches!(bed.inquire(&mend).await, Inquiry::Found(_)));
}

#[tokio::test]
async fn an_attempt_that_was_killed_leaves_nothing_behind_after_the_next() {
    let bed = Bed::new();
    let leftover = format!(".steadfast-{}.tmp", action());
    std::fs::create_dir(bed.path(&leftover)).unwrap();
    bed.create(KIND, &[("path", text("d"))]).await;
    assert_eq!(bed.names(), ["d"]);
}

#[tokio::test]
async fn a_parent_is_not_made_by_the_way() {
    let bed = Bed::new();
    let create = bed.creation(KIND, &[("path", text("a/b"))]).await;
    assert_eq!(refusal(&bed.apply(&create).await), "SF0806");
    assert!(bed.names().is_empty());
}

#[tokio::test]
async fn something_else_in_its_place_counts_as_gone_and_is_not_touched() {
    let bed = Bed::new();
    let made = bed.create(KIND, &[("path", text("d"))]).await;
    std::fs::remove_dir(bed.path("d")).unwrap();
    std::os::unix::fs::symlink("/", bed.path("d")).unwrap();
    let answer = bed.read(KIND, &made).await;
    assert_eq!(answer.object, None);
    assert_eq!(code(&answer.diagnostics), "SF0823");
    let config = [("path", text("d")), ("mode", text("0700"))];
    let update = bed.update(KIND, &made, &config).await;
    assert_eq!(refusal(&bed.apply(&update).await), "SF0808");
    let delete = deletion(KIND, &made);
    assert_eq!(refusal(&bed.apply(&delete).await), "SF0808");
    assert!(bed.path("d").is_symlink());
}
