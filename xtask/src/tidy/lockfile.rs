//! What Cargo.lock holds, including what comes in behind other crates. `deny.toml` says the same to cargo-deny.

use std::collections::BTreeMap;

use super::Finding;
use crate::tree::Tree;
use toml::Value;

const PATH: &str = "Cargo.lock";

/// Crates that must not come in, with what to use instead.
const BANNED: &[(&str, &str)] = &[
    (
        "openssl",
        "rustls; one TLS stack, and no C library to find on the machine",
    ),
    (
        "openssl-sys",
        "rustls; one TLS stack, and no C library to find on the machine",
    ),
    ("native-tls", "rustls; one TLS stack"),
    ("serde_yaml", "a maintained reader; this one is archived"),
    ("serde_cbor", "minicbor-serde; this one is archived"),
    ("bincode", "minicbor-serde; the book has one encoding"),
    ("async-std", "tokio; one executor"),
    ("failure", "thiserror"),
    ("lazy_static", "std::sync::LazyLock"),
    ("structopt", "clap"),
    ("atty", "std::io::IsTerminal"),
];

pub(super) fn duplicates(tree: &Tree) -> Vec<Finding> {
    let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, version) in packages(tree) {
        versions.entry(name).or_default().push(version);
    }
    versions
        .into_iter()
        .filter(|(_, versions)| versions.len() > 1)
        .map(|(name, versions)| {
            let what = format!(
                "{} versions of `{name}` ({}); bring the users to one, or explain it in xtask/allow/duplicates.txt",
                versions.len(),
                versions.join(", ")
            );
            Finding::new(PATH, line_of(tree, &name), what).unless_allowed(name)
        })
        .collect()
}

pub(super) fn banned(tree: &Tree) -> Vec<Finding> {
    packages(tree)
        .into_iter()
        .filter_map(|(name, _)| {
            let (_, instead) = BANNED.iter().find(|(banned, _)| *banned == name)?;
            let what =
                format!("`{name}` is banned; use {instead} (who brings it: cargo tree -i {name})");
            Some(Finding::new(PATH, line_of(tree, &name), what))
        })
        .collect()
}

fn packages(tree: &Tree) -> Vec<(String, String)> {
    let table: toml::Table = tree
        .text(PATH)
        .and_then(|text| text.parse().ok())
        .unwrap_or_default();
    let packages = table.get("package").and_then(Value::as_array);
    packages
        .into_iter()
        .flatten()
        .filter_map(|package| {
            let text = |key: &str| package.get(key).and_then(Value::as_str).map(str::to_owned);
            Some((text("name")?, text("version")?))
        })
        .collect()
}

fn line_of(tree: &Tree, name: &str) -> usize {
    let wanted = format!("name = \"{name}\"");
    let text = tree.text(PATH).unwrap_or_default();
    text.lines()
        .position(|line| line == wanted)
        .map_or(1, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::super::planted::expect;
    use super::*;

    const LOCK: &str = "[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n\n\
        [[package]]\nname = \"b\"\nversion = \"1.0.0\"\n\n\
        [[package]]\nname = \"b\"\nversion = \"2.0.0\"\n\n\
        [[package]]\nname = \"native-tls\"\nversion = \"0.2.0\"\n";

    #[test]
    fn two_versions_of_a_crate_are_found() {
        expect(
            duplicates,
            &[(PATH, LOCK)],
            &[("Cargo.lock:6", "2 versions of `b` (1.0.0, 2.0.0)")],
        );
    }

    #[test]
    fn a_banned_crate_is_found_with_its_replacement() {
        expect(banned, &[(PATH, LOCK)], &[("Cargo.lock:14", "use rustls")]);
    }

    #[test]
    fn deny_toml_bans_the_same_crates() {
        let text = std::fs::read_to_string(crate::root().join("deny.toml")).unwrap();
        for (name, _) in BANNED {
            assert!(
                text.contains(&format!("\"{name}\"")),
                "deny.toml lacks {name}"
            );
        }
    }
}
