//! The lock file: what has come once is what comes again.

use crate::bed::Bed;
use registry::Event;

const MODULE: &str = "output \"o\" {\n  value = 1\n}\n";

fn call(source: &str) -> String {
    format!("module \"a\" {{\n  source = \"{source}\"\n}}\n")
}

fn forget(bed: &Bed) {
    std::fs::remove_dir_all(bed.path("project/.terraform")).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tag_that_moves_is_refused_and_a_branch_stays_where_it_was() {
    let bed = Bed::new("");
    let repository = bed.repository("net", &[("main.tf", MODULE), ("VERSION", "1")]);
    let url = format!("git::file://{}", repository.display());
    let first = bed.git(&repository, &["rev-parse", "HEAD"]);
    for source in [
        format!("{url}?ref=v1"),
        url.clone(),
        format!("{url}?ref=main"),
    ] {
        bed.git(&repository, &["reset", "-q", "--hard", &first]);
        bed.git(&repository, &["tag", "-f", "v1", &first]);
        bed.write("project/main.tf", &call(&source));
        bed.upgrade().await.good();
        let lock = bed.read("project/.steadfast.lock.hcl");
        assert!(lock.contains(&format!("commit = \"{first}\"")), "{lock}");
        let second = bed.commit("net", &[("VERSION", "2")], "two");
        bed.git(&repository, &["tag", "-f", "v1", &second]);
        forget(&bed);
        let outcome = bed.install().await;
        if source.ends_with("v1") {
            outcome.bad("SF1310", &first);
            assert!(outcome.wrong().contains(&second));
            assert!(!bed.path("project/.terraform/modules/a").exists());
        } else {
            assert_eq!(outcome.good(), 1);
            assert_eq!(
                bed.read("project/.terraform/modules/a/VERSION"),
                "1",
                "{source}"
            );
        }
        assert_eq!(
            bed.read("project/.steadfast.lock.hcl"),
            lock,
            "nothing is written down that was refused"
        );
        let upgraded = bed.upgrade().await;
        assert_eq!(upgraded.good(), 1);
        assert_eq!(
            bed.read("project/.terraform/modules/a/VERSION"),
            "2",
            "{source}"
        );
        assert!(bed.read("project/.steadfast.lock.hcl").contains(&second));
    }
    // The branch was written anew, and what was locked is in nothing any more.
    bed.git(&repository, &["checkout", "-q", "--orphan", "other"]);
    bed.commit("net", &[("VERSION", "3")], "three");
    bed.git(&repository, &["branch", "-D", "main"]);
    bed.git(&repository, &["branch", "-m", "main"]);
    bed.git(&repository, &["tag", "-d", "v1"]);
    bed.git(&repository, &["reflog", "expire", "--expire=now", "--all"]);
    bed.git(&repository, &["gc", "-q", "--prune=now"]);
    forget(&bed);
    bed.install().await.bad("SF1310", "is no longer there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archive_that_changes_is_refused_and_one_packed_anew_is_not() {
    let bed = Bed::new("");
    let pack = |text: &str, extra: &str| {
        bed.write("packed/main.tf", text);
        let archive = bed.path("m.tar.gz");
        let arguments = ["-czf", archive.to_str().unwrap(), extra, "."];
        let status = std::process::Command::new("tar")
            .args(arguments)
            .current_dir(bed.path("packed"))
            .status();
        assert!(status.unwrap().success());
        std::fs::read(archive).unwrap()
    };
    let one = pack(MODULE, "--format=gnu");
    bed.write(
        "project/main.tf",
        &call(&bed.path("m.tar.gz").display().to_string()),
    );
    bed.install().await.good();
    let other = pack(MODULE, "--format=pax");
    assert_ne!(one, other);
    forget(&bed);
    assert_eq!(bed.install().await.good(), 1);
    pack("output \"o\" {\n  value = 2\n}\n", "--format=gnu");
    forget(&bed);
    let outcome = bed.install().await;
    outcome.bad("SF1310", "h1:");
    assert!(!bed.path("project/.terraform/modules/a").exists());
    let upgraded = bed.upgrade().await;
    assert_eq!(upgraded.good(), 1);
    assert!(
        upgraded
            .events
            .iter()
            .any(|event| matches!(event, Event::Renewed { .. })),
        "the change is told"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_changed_on_the_disk_is_fetched_again() {
    let bed = Bed::new("");
    let repository = bed.repository("net", &[("main.tf", MODULE)]);
    bed.write(
        "project/main.tf",
        &call(&format!("git::file://{}", repository.display())),
    );
    bed.install().await.good();
    bed.write("project/.terraform/modules/a/main.tf", "# planted");
    let outcome = bed.install().await;
    assert_eq!(outcome.good(), 1);
    assert!(outcome.events.contains(&Event::Changed {
        call: "a".to_owned()
    }));
    assert_eq!(bed.read("project/.terraform/modules/a/main.tf"), MODULE);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_that_may_not_change_refuses_to_grow_and_to_shrink() {
    let bed = Bed::new("");
    let repository = bed.repository("net", &[("main.tf", MODULE)]);
    let source = format!("git::file://{}", repository.display());
    bed.write("project/main.tf", &call(&source));
    bed.install_with(|options| options.lock_readonly = true)
        .await
        .bad("SF1316", "is not in it");
    assert!(!bed.path("project/.steadfast.lock.hcl").exists());
    bed.install().await.good();
    bed.install_with(|options| options.lock_readonly = true)
        .await
        .good();
    bed.write("project/main.tf", "");
    bed.install_with(|options| options.lock_readonly = true)
        .await
        .bad("SF1316", "called by nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_lock_stops_everything() {
    let bed = Bed::new(&call("git::file:///nowhere"));
    bed.write(
        "project/.steadfast.lock.hcl",
        "<<<<<<< HEAD\nmodule \"a\" {\n",
    );
    bed.install().await.bad("SF1313", "Restore it");
    bed.write("project/.steadfast.lock.hcl", "");
    bed.write("project/.terraform/modules/modules.json", "[");
    bed.install().await.bad("SF1314", "modules");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn directories_of_this_machine_are_copied_and_not_locked() {
    let bed = Bed::new("");
    bed.write("shared/main.tf", MODULE);
    bed.write(
        "shared/deep/main.tf",
        "module \"up\" {\n  source = \"../\"\n}\n",
    );
    let shared = bed.path("shared").display().to_string();
    bed.write(
        "project/main.tf",
        &(call(&shared) + &call(&format!("{shared}//deep")).replace("\"a\"", "\"b\"")),
    );
    assert_eq!(bed.install().await.good(), 2);
    assert!(!bed.compile().diagnostics.has_errors());
    assert!(!bed.path("project/.steadfast.lock.hcl").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn modules_without_end_are_left() {
    let bed = Bed::new("");
    // Each calls the next one, whose address differs.
    let text = "variable \"n\" {\n  default = 0\n}\nmodule \"next\" {\n  source = \"git::file://REPO?ref=main&depth=${var.n}\"\n  n      = var.n + 1\n}\n";
    let repository = bed.path("self");
    let text = text.replace("REPO", repository.to_str().unwrap());
    bed.repository("self", &[("main.tf", &text)]);
    bed.write("project/main.tf", &text);
    let outcome = bed.install().await;
    assert!(outcome.installation.diagnostics.has_errors());
    assert!(
        outcome.wrong().starts_with("SF13") || outcome.wrong().contains("levels deep"),
        "{}",
        outcome.wrong()
    );
}
