//! `bench host`: the same twenty tasks on N machines over SSH, by this program and by `ansible-playbook`.
//!
//! The machines are OpenSSH servers, each in namespaces of its own with its own network and its own file system over
//! that of this machine (`farm`), so this needs root. Ansible gets what makes it fast: pipelining, as many forks as
//! machines, no facts, connections that stay. What is measured is a first run, one that finds nothing to do, and a
//! check.

mod farm;
mod tasks;

use crate::measure::{self, Cost};
use farm::Farm;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// What is run, in this order, on what the one before left.
const RUNS: [&str; 3] = ["first run", "nothing to do", "check"];

/// What a run cost, here and on all machines together.
#[derive(Clone, Copy)]
struct Bill {
    here: Cost,
    there: Duration,
}

/// Measures for each number of machines; `ansible` is left out where there is none.
pub(crate) fn run(ours: &Path, ansible: Option<&Path>, sizes: &[usize]) -> Result<bool, String> {
    if !rustix::process::geteuid().is_root() {
        return Err("machines of their own need root".to_owned());
    }
    match ansible {
        Some(path) => println!("steadfast beside {}, in one run", version(path)?),
        None => println!("steadfast alone: there is no ansible-playbook (--ansible PATH)"),
    }
    println!("{} tasks on each machine", tasks::N_TASKS);
    println!(
        "{:>8}  {:<14}{:>8}{:>8}{:>12}   {:>10}{:>8}{:>12}{:>9}{:>8}",
        "machines",
        "run",
        "wall s",
        "CPU s",
        "CPU there s",
        "an. wall s",
        "CPU s",
        "CPU there s",
        "wall x",
        "CPU x"
    );
    for size in sizes {
        let own = steadfast(ours, *size)?;
        let beside = ansible.map(|path| playbook(path, *size)).transpose()?;
        for (index, (name, bill)) in RUNS.iter().zip(&own).enumerate() {
            let other = beside.as_ref().and_then(|bills| bills.get(index));
            println!("{}", line(*size, name, *bill, other.copied()));
        }
    }
    Ok(true)
}

fn line(size: usize, name: &str, own: Bill, other: Option<Bill>) -> String {
    let (wall, cpu) = (own.here.wall.as_secs_f64(), own.here.cpu.as_secs_f64());
    let mut text = format!(
        "{size:>8}  {name:<14}{wall:>8.2}{cpu:>8.2}{:>12.2}",
        own.there.as_secs_f64()
    );
    if let Some(other) = other {
        let (other_wall, other_cpu) = (other.here.wall.as_secs_f64(), other.here.cpu.as_secs_f64());
        text.push_str(&format!(
            "   {other_wall:>10.2}{other_cpu:>8.2}{:>12.2}{:>8.1}x{:>7.1}x",
            other.there.as_secs_f64(),
            other_wall / wall,
            // Both sides of the line: what runs there is part of the price.
            (other_cpu + other.there.as_secs_f64()) / (cpu + own.there.as_secs_f64())
        ));
    }
    text
}

fn steadfast(binary: &Path, size: usize) -> Result<Vec<Bill>, String> {
    let farm = Farm::start(size)?;
    let project = farm.directory("project")?;
    tasks::write_definition(&project, &farm)?;
    let parallelism = format!("-parallelism={}", size.max(10));
    let words: [&[&str]; 3] = [
        &["apply", "-auto-approve", &parallelism],
        &["apply", "-auto-approve", &parallelism],
        &["plan", "-detailed-exitcode", &parallelism],
    ];
    let bills = words.iter().enumerate().map(|(index, words)| {
        let mut command = Command::new(binary);
        command.args(*words).current_dir(&project);
        let (said, bill) = measured(command, &farm)?;
        let is_idle = said.contains("No changes.");
        match is_idle == (index > 0) {
            true => Ok(bill),
            false => Err(format!("{} did something else:\n{said}", words.join(" "))),
        }
    });
    bills.collect()
}

fn playbook(binary: &Path, size: usize) -> Result<Vec<Bill>, String> {
    let farm = Farm::start(size)?;
    let project = farm.directory("project")?;
    tasks::write_playbook(&project, &farm)?;
    let words: [&[&str]; 3] = [&[], &[], &["--check"]];
    let bills = words.iter().enumerate().map(|(index, words)| {
        let mut command = Command::new(binary);
        command
            .args(["-i", "inventory.ini", "playbook.yml"])
            .args(*words)
            .current_dir(&project)
            .env("ANSIBLE_CONFIG", project.join("ansible.cfg"))
            .env("ANSIBLE_HOME", project.join("home"));
        let (said, bill) = measured(command, &farm)?;
        let is_idle = said.matches("changed=0 ").count() == size;
        match is_idle == (index > 0) {
            true => Ok(bill),
            false => Err(format!("the playbook did something else:\n{said}")),
        }
    });
    bills.collect()
}

/// Runs a command, and says what it printed and what it cost.
fn measured(mut command: Command, farm: &Farm) -> Result<(String, Bill), String> {
    let log = farm.directory("log")?.join("output");
    let trouble = |error: std::io::Error| format!("cannot run it: {error}");
    let output = std::fs::File::create(&log).map_err(trouble)?;
    let errors = output.try_clone().map_err(trouble)?;
    let before = farm.cpu();
    command
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors)
        .env("NO_COLOR", "1");
    let (status, here) = measure::run(&mut command).map_err(trouble)?;
    let said = std::fs::read_to_string(&log).unwrap_or_default();
    if !status.success() {
        return Err(format!("{status}:\n{said}"));
    }
    let there = farm.cpu().saturating_sub(before);
    Ok((said, Bill { here, there }))
}

fn version(ansible: &Path) -> Result<String, String> {
    let output = Command::new(ansible).arg("--version").output();
    let output = output.map_err(|error| format!("cannot start {}: {error}", ansible.display()))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// The `ansible-playbook` on the PATH.
pub(crate) fn on_path() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut found =
        std::env::split_paths(&path).map(|directory| directory.join("ansible-playbook"));
    found.find(|path| path.exists())
}
