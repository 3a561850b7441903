//! The law of the floors: a room uses only rooms on lower floors; rooms on one floor never use each other.
//!
//! The table is the design (docs/decisions/0001-floors.md). Changing it is a change of the architecture and takes a
//! decision record.

use super::Finding;
use crate::tree::Tree;

/// Every room and its floor. Rooms appear when they are needed; those not built yet have their place already.
pub(super) const FLOORS: &[(&str, u8)] = &[
    ("value", 1),
    ("model", 2),
    ("contract", 3),
    ("decide", 3),
    ("definition", 3),
    ("journal", 3),
    ("artifact", 4),
    ("engine", 4),
    ("host", 4),
    ("interchange", 4),
    ("plugin", 4),
    ("proxy", 4),
    ("registry", 4),
    ("runtime-kube", 4),
    ("runtime-local", 4),
    ("verify", 4),
    ("language-server", 5),
    ("server", 5),
    ("sim", 5),
    ("cli", 6),
];

/// The workshop stands outside: it uses no room, and no room uses it.
pub(super) const OUTSIDE: &str = "xtask";

/// The floor of a room, none if it is no room of the house.
pub(super) fn floor(room: &str) -> Option<u8> {
    FLOORS
        .iter()
        .find(|(name, _)| *name == room)
        .map(|(_, floor)| *floor)
}

pub(super) fn floors(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for manifest in tree.manifests() {
        let own = floor(manifest.room);
        if own.is_none() && manifest.room != OUTSIDE {
            let what = format!(
                "`{}` stands on no floor; put it into the table in xtask/src/tidy/floors.rs with a decision record",
                manifest.room
            );
            findings.push(Finding::new(manifest.path, 1, what));
            continue;
        }
        for dependency in manifest.dependencies() {
            let name = dependency.name.as_str();
            let used = floor(name);
            let complaint = match (own, used) {
                _ if name == OUTSIDE => "uses the workshop, which is never shipped".to_owned(),
                (None, Some(_)) => "is the workshop and uses a room of the house".to_owned(),
                (Some(own), Some(used)) if used >= own => format!(
                    "(floor {own}) uses `{name}` (floor {used}); a room uses only lower floors"
                ),
                _ => continue,
            };
            let line = manifest.line_of(name);
            let what = format!("`{}` {complaint}", manifest.room);
            findings.push(Finding::new(manifest.path, line, what));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::planted::expect;
    use super::*;

    #[test]
    fn a_room_that_reaches_sideways_or_up_is_found() {
        expect(
            floors,
            &[
                (
                    "crates/decide/Cargo.toml",
                    "[dependencies]\nmodel = {}\njournal = {}\n",
                ),
                (
                    "crates/model/Cargo.toml",
                    "[dev-dependencies]\nengine.workspace = true\n",
                ),
                (
                    "crates/engine/Cargo.toml",
                    "[target.'cfg(unix)'.dependencies]\nhost = {}\ndecide = {}\n",
                ),
                (
                    "crates/cli/Cargo.toml",
                    "[dependencies]\nsim = {}\nserde = {}\n",
                ),
            ],
            &[
                (
                    "crates/decide/Cargo.toml:3",
                    "(floor 3) uses `journal` (floor 3)",
                ),
                ("crates/engine/Cargo.toml:2", "uses `host`"),
                ("crates/model/Cargo.toml:2", "uses `engine`"),
            ],
        );
    }

    #[test]
    fn a_room_without_a_floor_is_found_and_the_workshop_stands_outside() {
        expect(
            floors,
            &[
                ("crates/attic/Cargo.toml", "[dependencies]\n"),
                (
                    "xtask/Cargo.toml",
                    "[dependencies]\ntoml = {}\nmodel = {}\n",
                ),
                ("sim/Cargo.toml", "[dependencies]\nxtask = {}\n"),
            ],
            &[
                ("crates/attic/Cargo.toml:1", "`attic` stands on no floor"),
                ("sim/Cargo.toml:2", "never shipped"),
                ("xtask/Cargo.toml:3", "is the workshop"),
            ],
        );
    }
}
