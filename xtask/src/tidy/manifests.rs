//! What manifests say: flat crates, one place for versions, heavy dependencies on one leaf each.

use std::collections::BTreeSet;

use super::Finding;
use super::floors;
use crate::tree::{Dependency, Manifest, Tree, line_of_key};
use toml::Value;

/// Names that say nothing.
const EMPTY_NAMES: [&str; 7] = [
    "common", "commons", "helper", "helpers", "misc", "util", "utils",
];

/// A dependency that only some rooms may have.
struct Heavy {
    name: &'static str,
    /// Rooms that may ship it.
    rooms: &'static [&'static str],
    /// Rooms that may use it in tests only.
    tests: &'static [&'static str],
    /// Why it is kept apart.
    reason: &'static str,
}

/// Heavy or tempting dependencies and where they may hang.
const HEAVY: &[Heavy] = &[
    Heavy {
        name: "rusqlite",
        rooms: &["journal"],
        tests: &[],
        reason: "C code and 40 s of build; the book is behind `journal`",
    },
    Heavy {
        name: "libsqlite3-sys",
        rooms: &["journal"],
        tests: &[],
        reason: "C code; the book is behind `journal`",
    },
    Heavy {
        name: "chacha20poly1305",
        rooms: &["engine"],
        tests: &[],
        reason: "secrets are sealed in one place",
    },
    Heavy {
        name: "hyper",
        rooms: &["proxy", "registry", "plugin"],
        tests: &["cli", "sim"],
        reason: "the data plane is one room, fetching another, and providers a third",
    },
    Heavy {
        name: "hyper-util",
        rooms: &["proxy", "registry", "plugin"],
        tests: &["cli", "sim"],
        reason: "the data plane is one room, fetching another, and providers a third",
    },
    Heavy {
        name: "http-body-util",
        rooms: &["proxy", "registry"],
        tests: &["cli", "sim"],
        reason: "the data plane is one room, and fetching another",
    },
    Heavy {
        name: "tonic",
        rooms: &["plugin"],
        tests: &[],
        reason: "gRPC is how providers are met, and nothing else is",
    },
    Heavy {
        name: "prost",
        rooms: &["plugin"],
        tests: &[],
        reason: "messages of providers are read where providers are met",
    },
    Heavy {
        name: "tar",
        rooms: &["artifact", "registry"],
        tests: &[],
        reason: "packing is the business of `artifact`, unpacking what others packed that of `registry`",
    },
    Heavy {
        name: "rustls",
        rooms: &["registry", "plugin", "host"],
        tests: &[],
        reason: "TLS and its C code are spoken where something outside of the machine is met",
    },
    Heavy {
        name: "tokio-rustls",
        rooms: &["registry", "plugin", "host"],
        tests: &[],
        reason: "TLS and its C code are spoken where something outside of the machine is met",
    },
    Heavy {
        name: "tokio-postgres",
        rooms: &["registry"],
        tests: &[],
        reason: "states that Terraform keeps are fetched in one place (0021)",
    },
    Heavy {
        name: "zip",
        rooms: &["registry"],
        tests: &["cli"],
        reason: "archives of others are unpacked in one place",
    },
    Heavy {
        name: "rustyline",
        rooms: &["cli"],
        tests: &[],
        reason: "talking with a person is the business of the program (0014)",
    },
    Heavy {
        name: "clap",
        rooms: &["cli"],
        tests: &[],
        reason: "command lines are the business of the program",
    },
    Heavy {
        name: "clap_complete",
        rooms: &["cli"],
        tests: &[],
        reason: "command lines are the business of the program",
    },
    Heavy {
        name: "indicatif",
        rooms: &["cli"],
        tests: &[],
        reason: "a library never draws",
    },
    Heavy {
        name: "anyhow",
        rooms: &["cli", "server", "sim", "xtask"],
        tests: &[],
        reason: "rooms have error enums of their own",
    },
    Heavy {
        name: "lsp-server",
        rooms: &["language-server"],
        tests: &[],
        reason: "how editors talk is behind `language-server`",
    },
    Heavy {
        name: "lsp-types",
        rooms: &["language-server"],
        tests: &[],
        reason: "how editors talk is behind `language-server`",
    },
];

/// Keys that pin a dependency in place.
const VERSION_KEYS: [&str; 7] = ["version", "path", "git", "branch", "tag", "rev", "registry"];

pub(super) fn manifests(tree: &Tree) -> Vec<Finding> {
    let mut findings = root(tree);
    for manifest in tree.manifests() {
        findings.extend(package(&manifest));
        for dependency in manifest.dependencies() {
            findings.extend(inherits(&manifest, &dependency));
        }
        let depth = manifest.path.matches('/').count();
        let flat = if manifest.path.starts_with("crates/") {
            2
        } else {
            1
        };
        if depth != flat {
            let what = "crates are flat: crates/<name>/Cargo.toml, no nesting by theme";
            findings.push(Finding::new(manifest.path, 1, what));
        }
    }
    findings
}

fn root(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let table = tree.root_manifest();
    if table.contains_key("package") || tree.has("src") {
        let what = "the root is virtual: no package and no src/ here";
        findings.push(Finding::new("Cargo.toml", 1, what));
    }
    let version = at(&table, &["workspace", "package", "version"]).and_then(Value::as_str);
    if !table.is_empty() && version != Some("0.0.0") {
        let what =
            "workspace.package.version has to be 0.0.0; releases are named when they are made";
        findings.push(Finding::new("Cargo.toml", 1, what));
    }
    findings
}

fn package(manifest: &Manifest<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut complain = |key: &str, what: String| {
        let line = manifest.line_of(key);
        findings.push(Finding::new(manifest.path, line, what));
    };
    let name = at(&manifest.table, &["package", "name"]).and_then(Value::as_str);
    if name != Some(manifest.room) {
        let what = format!(
            "the package has to be named `{}`, as its folder",
            manifest.room
        );
        complain("name", what);
    }
    for key in ["version", "edition", "rust-version", "license", "publish"] {
        if at(&manifest.table, &["package", key, "workspace"]) != Some(&Value::Boolean(true)) {
            complain(
                key,
                format!("write `{key}.workspace = true`; the root decides it for all"),
            );
        }
    }
    if at(&manifest.table, &["lints", "workspace"]) != Some(&Value::Boolean(true)) {
        let what =
            "write `[lints]` with `workspace = true`; a room without it is checked by nobody";
        complain("[lints", what.to_owned());
    }
    findings
}

fn inherits(manifest: &Manifest<'_>, dependency: &Dependency) -> Option<Finding> {
    let name = dependency.name.as_str();
    let table = dependency.entry.as_table();
    let inherited =
        table.is_some_and(|table| table.get("workspace") == Some(&Value::Boolean(true)));
    let pinned = table.is_some_and(|table| VERSION_KEYS.iter().any(|key| table.contains_key(*key)));
    if inherited && !pinned {
        return None;
    }
    let what = format!(
        "write `{name} = {{ workspace = true }}` and name its version, features and reason in the root manifest"
    );
    Some(Finding::new(manifest.path, manifest.line_of(name), what))
}

pub(super) fn names(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (_, path, _) in tree.house() {
        let mut parts = path.trim_end_matches(".rs").split('/');
        if let Some(name) = parts.find(|part| EMPTY_NAMES.contains(part)) {
            let what =
                format!("`{name}` says nothing; name the module after the thing it is about");
            findings.push(Finding::new(path, 1, what));
        }
    }
    for (_, path, source) in tree.house() {
        for name in EMPTY_NAMES {
            // `mod name;` is found by its file.
            for line in source.lines_with(&format!("mod {name} {{")) {
                let what =
                    format!("`{name}` says nothing; name the module after the thing it is about");
                findings.push(Finding::new(path, line, what));
            }
        }
    }
    findings
}

pub(super) fn heavy(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for manifest in tree.manifests() {
        for dependency in manifest.dependencies() {
            let Some(heavy) = HEAVY.iter().find(|heavy| heavy.name == dependency.name) else {
                continue;
            };
            let in_tests = dependency.section == "dev-dependencies";
            let allowed = heavy.rooms.contains(&manifest.room)
                || (in_tests && heavy.tests.contains(&manifest.room));
            if !allowed {
                let what = format!(
                    "only {} may have `{}`: {}",
                    heavy.rooms.join(", "),
                    heavy.name,
                    heavy.reason
                );
                let line = manifest.line_of(heavy.name);
                findings.push(Finding::new(manifest.path, line, what));
            }
        }
    }
    findings
}

pub(super) fn hired(tree: &Tree) -> Vec<Finding> {
    let used: BTreeSet<String> = tree
        .manifests()
        .iter()
        .flat_map(Manifest::dependencies)
        .map(|dependency| dependency.name)
        .collect();
    let table = tree.root_manifest();
    let named = at(&table, &["workspace", "dependencies"]).and_then(Value::as_table);
    let text = tree.text("Cargo.toml").unwrap_or_default();
    named
        .into_iter()
        .flatten()
        // Rooms of the house are named there for those to come.
        .filter(|(name, _)| !used.contains(*name) && floors::floor(name).is_none())
        .map(|(name, _)| {
            let what = format!("no room uses `{name}`; remove it until one does");
            Finding::new("Cargo.toml", line_of_key(text, name), what)
        })
        .collect()
}

fn at<'a>(table: &'a toml::Table, path: &[&str]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    rest.iter()
        .try_fold(table.get(*first)?, |value, key| value.get(*key))
}

#[cfg(test)]
mod tests {
    use super::super::planted::expect;
    use super::*;

    const GOOD: &str = "[package]\nname = \"host\"\nversion.workspace = true\nedition.workspace = true\n\
        rust-version.workspace = true\nlicense.workspace = true\npublish.workspace = true\n\
        [lints]\nworkspace = true\n[dependencies]\nserde = { workspace = true, features = [\"std\"] }\n";

    #[test]
    fn a_good_manifest_passes() {
        let root = "[workspace.package]\nversion = \"0.0.0\"\n";
        expect(
            manifests,
            &[("Cargo.toml", root), ("crates/host/Cargo.toml", GOOD)],
            &[],
        );
    }

    #[test]
    fn versions_names_lints_and_nesting_are_checked() {
        let bad = GOOD
            .replace("\"host\"", "\"machines\"")
            .replace(
                "version.workspace = true\nedition",
                "version = \"1.0.0\"\nedition",
            )
            .replace("[lints]\nworkspace = true\n", "")
            .replace("serde = { workspace = true,", "serde = { version = \"1\",");
        expect(
            manifests,
            &[
                ("Cargo.toml", "[package]\nname = \"x\"\n"),
                ("crates/host/Cargo.toml", &bad),
                ("crates/host/inner/Cargo.toml", GOOD),
            ],
            &[
                ("Cargo.toml:1", "the root is virtual"),
                ("Cargo.toml:1", "has to be 0.0.0"),
                ("crates/host/Cargo.toml:1", "`[lints]`"),
                ("crates/host/Cargo.toml:2", "named `host`"),
                ("crates/host/Cargo.toml:3", "version.workspace"),
                ("crates/host/Cargo.toml:9", "serde = { workspace = true }"),
                ("crates/host/inner/Cargo.toml:1", "flat"),
            ],
        );
    }

    #[test]
    fn names_that_say_nothing_are_found() {
        expect(
            names,
            &[
                ("crates/host/src/utils.rs", ""),
                ("crates/host/tests/common/mod.rs", ""),
                ("crates/host/src/lib.rs", "mod file;\nmod misc {}\n"),
                ("crates/host/src/commonplace.rs", ""),
            ],
            &[
                ("crates/host/src/lib.rs:2", "`misc`"),
                ("crates/host/src/utils.rs:1", "`utils`"),
                ("crates/host/tests/common/mod.rs:1", "`common`"),
            ],
        );
    }

    #[test]
    fn a_heavy_dependency_in_the_wrong_room_is_found_in_tests_too() {
        expect(
            heavy,
            &[
                (
                    "crates/journal/Cargo.toml",
                    "[dependencies]\nrusqlite = {}\n",
                ),
                (
                    "crates/engine/Cargo.toml",
                    "[dev-dependencies]\nrusqlite = {}\n",
                ),
                ("crates/cli/Cargo.toml", "[dev-dependencies]\nhyper = {}\n"),
                ("sim/Cargo.toml", "[dependencies]\nhyper = {}\n"),
                ("crates/decide/Cargo.toml", "[dependencies]\nanyhow = {}\n"),
            ],
            &[
                ("crates/decide/Cargo.toml:2", "`anyhow`"),
                (
                    "crates/engine/Cargo.toml:2",
                    "only journal may have `rusqlite`",
                ),
                (
                    "sim/Cargo.toml:2",
                    "only proxy, registry, plugin may have `hyper`",
                ),
            ],
        );
    }

    #[test]
    fn a_dependency_that_nobody_uses_is_found() {
        expect(
            hired,
            &[
                (
                    "Cargo.toml",
                    "[workspace.dependencies]\nmodel = {}\nserde = \"1\"\ninsta = \"1\"\n",
                ),
                ("crates/host/Cargo.toml", GOOD),
            ],
            &[("Cargo.toml:4", "`insta`")],
        );
    }
}
