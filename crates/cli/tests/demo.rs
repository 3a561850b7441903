//! The demo from its beginning to its end, with two kills of the control plane: real builds, processes and requests.
//! What it must come to is checked by the demo itself, which ends with 0 only if no request failed on a good version,
//! the bad one was found with fewer than 200 of its requests, and every decision could be derived again.

use std::path::Path;
use std::process::Command;

#[test]
fn the_demo_comes_to_its_end() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let output = Command::new(env!("CARGO_BIN_EXE_steadfast"))
        .args(["demo", "--rate", "300"])
        .current_dir(root)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{errors}");
    for part in [
        "version 3 was sent back",
        "deploying version 3 again is refused",
        "the control plane was killed 2 times",
        "decisions were derived again",
    ] {
        assert!(said.contains(part), "no {part:?} in:\n{said}\n{errors}");
    }
}
