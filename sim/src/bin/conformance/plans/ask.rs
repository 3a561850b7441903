//! What is asked for when the second version is planned, drawn: mostly nothing but the plan.

use super::pair::{Block, Version, directory};
use super::request::TAINT;
use sim::Rng;

/// Addresses that are considered; a configuration can have more than anybody wants to draw from.
const ADDRESSES_MAX: usize = 60;

/// The option that destroys everything.
pub(crate) const DESTROY: &str = "-destroy";

/// A request for the second version of a pair.
pub(crate) fn request(rng: &mut Rng, first: &Version, second: &Version) -> Vec<String> {
    let mut lines = Vec::new();
    if rng.chance(550) {
        return lines;
    }
    let before = addresses(first);
    let mut all = before.clone();
    all.extend(addresses(second));
    let one = |rng: &mut Rng, of: &[String]| rng.pick(of).cloned();
    if rng.chance(300) {
        lines.extend(one(rng, &before).map(|address| format!("{TAINT}{address}")));
    }
    match rng.below(10) {
        0..=2 => {
            for _ in 0..rng.between(1, 2) {
                lines.extend(one(rng, &all).map(|address| format!("-replace={address}")));
            }
        }
        3..=5 => {
            for _ in 0..rng.between(1, 2) {
                let Some(mut target) = one(rng, &all) else {
                    continue;
                };
                match rng.below(4) {
                    0 => target = without_last_key(&target),
                    1 => target = module_of(&target).unwrap_or(target),
                    _ => {}
                }
                lines.push(format!("-target={target}"));
            }
            if rng.chance(150) {
                lines.push(DESTROY.to_owned());
            }
        }
        6 => lines.push("-refresh-only".to_owned()),
        7 | 8 => lines.push(DESTROY.to_owned()),
        _ => {}
    }
    if !lines.iter().any(|line| line == "-refresh-only") && rng.chance(150) {
        lines.push("-refresh=false".to_owned());
    }
    lines
}

/// Addresses of the objects of a version, as far as their keys are written out.
fn addresses(version: &Version) -> Vec<String> {
    let mut found = Vec::new();
    collect(version, 0, "", &mut found);
    found
}

/// Ends: modules only call later ones.
fn collect(version: &Version, module: usize, prefix: &str, found: &mut Vec<String>) {
    let items = version.modules.get(module).map(|one| &one.items);
    for block in items.into_iter().flatten() {
        let called = block.lines.iter().find_map(|line| {
            let path = line.strip_prefix("source = ")?.trim_matches('"');
            let name = path.rsplit('/').next()?;
            (0..version.modules.len()).find(|number| directory(*number) == name)
        });
        for key in keys(block) {
            if found.len() >= ADDRESSES_MAX {
                return;
            }
            let Some(name) = super::generate::reference(block) else {
                continue;
            };
            let address = format!("{prefix}{name}{key}");
            match called {
                Some(called) => collect(version, called, &format!("{address}."), found),
                None => found.push(address),
            }
        }
    }
}

/// Keys of the instances of a block, in brackets; without `count` and `for_each` an empty text.
fn keys(block: &Block) -> Vec<String> {
    for line in &block.lines {
        if let Some(count) = line.strip_prefix("count = ") {
            let count: u64 = count.parse().unwrap_or(1);
            return (0..count).map(|index| format!("[{index}]")).collect();
        }
        if line.starts_with("for_each = ") {
            let keys = ["a", "b", "c"].into_iter();
            return keys
                .filter(|key| {
                    line.contains(&format!("\"{key}\"")) || line.contains(&format!("{key} = "))
                })
                .map(|key| format!("[\"{key}\"]"))
                .collect();
        }
    }
    vec![String::new()]
}

fn without_last_key(address: &str) -> String {
    let (before, name) = address.split_at(address.rfind('.').unwrap_or(0));
    let name = name.split('[').next().unwrap_or(name);
    format!("{before}{name}")
}

fn module_of(address: &str) -> Option<String> {
    Some(address.rsplit_once(".terraform_data.")?.0.to_owned())
}
