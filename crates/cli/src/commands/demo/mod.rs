//! `demo`: the example shop from its source to production, a good release, a bad one, and a control plane that dies in
//! the middle of each. Everything is real: the builds, the processes, the data plane, the requests and the kills.

mod control;
mod story;
mod traffic;

use crate::args::DemoArgs;
use crate::error::CommandError;
use crate::exit;
use crate::render::style::{BOLD, DIM, RESET};
use control::failed;
use std::path::{Path, PathBuf};
use story::Story;

/// Environments in their order.
const ENVIRONMENTS: [&str; 3] = ["dev", "staging", "production"];

/// Deepest directory of the example that is copied.
const COPY_DEPTH_MAX: u32 = 16;

/// Tells the story.
pub(crate) fn run(args: DemoArgs, chdir: Option<&Path>) -> Result<u8, CommandError> {
    let project = chdir.map_or_else(
        || args.project.clone(),
        |directory| directory.join(&args.project),
    );
    if !project.join(definition::DELIVERY_FILE).is_file() {
        return Err(CommandError::Usage(format!(
            "there is no {} in {}; run the demo in the directory of Steadfast's source, or say where the example is: \
             steadfast demo --project DIR",
            definition::DELIVERY_FILE,
            project.display()
        )));
    }
    let directory = work_directory(args.directory.as_deref())?;
    copy(&project, &directory, 0)?;
    let mut story = Story::new(&directory, &args);
    let told = tell(&mut story, &project);
    let result = told.and_then(|()| story.sum_up());
    if args.keep {
        anstream::println!(
            "\nEverything is left running in {}. To stop it:",
            directory.display()
        );
        for environment in ENVIRONMENTS {
            anstream::println!(
                "  steadfast --chdir {} stop {environment}",
                directory.display()
            );
        }
    } else {
        story.clean_up()?;
        if args.directory.is_none() {
            std::fs::remove_dir_all(&directory).map_err(failed("remove", &directory))?;
        }
        anstream::println!(
            "{DIM}Everything was stopped and removed; --keep leaves it running.{RESET}"
        );
    }
    result.map(|good| if good { exit::OK } else { exit::FAILED })
}

fn tell(story: &mut Story, project: &Path) -> Result<(), CommandError> {
    anstream::println!(
        "{BOLD}The shop, from its source to production.{RESET} Two services, one stack, three environments."
    );
    story.chapter("Version 1 goes through dev and staging to production");
    for environment in ENVIRONMENTS {
        story.deploy(environment, 1, 0)?;
    }
    story.open_the_shop()?;

    story.chapter("Version 2, a good one: production gets it step by step, and the control plane is killed on the way");
    story.lay_over(&project.join("releases/2"))?;
    for environment in ENVIRONMENTS {
        let kills = if environment == "production" {
            story.kills()
        } else {
            0
        };
        story.deploy(environment, 2, kills)?;
    }

    story.chapter("Version 3, a bad one: its health check is fine, but 5% of its requests fail");
    story.lay_over(&project.join("releases/3"))?;
    for environment in ENVIRONMENTS {
        let kills = if environment == "production" {
            story.kills()
        } else {
            0
        };
        story.deploy(environment, 3, kills)?;
    }

    story.chapter("The bad release does not come back");
    story.refused("production")?;
    story.close_the_shop()
}

/// A new directory with a short path: sockets allow no long ones.
fn work_directory(wanted: Option<&Path>) -> Result<PathBuf, CommandError> {
    let directory = match wanted {
        Some(directory) => directory.to_path_buf(),
        None => std::env::temp_dir().join(format!(
            "steadfast-demo-{:08x}",
            crate::session::fresh()? >> 32
        )),
    };
    std::fs::create_dir_all(&directory).map_err(failed("make", &directory))?;
    if std::fs::read_dir(&directory)
        .map_err(failed("read", &directory))?
        .next()
        .is_some()
    {
        return Err(CommandError::Usage(format!(
            "{} is not empty; the demo wants a directory of its own",
            directory.display()
        )));
    }
    std::fs::canonicalize(&directory).map_err(failed("enter", &directory))
}

/// Copies a directory over another; what belongs to an earlier use of the example stays behind.
fn copy(from: &Path, to: &Path, depth: u32) -> Result<(), CommandError> {
    if depth > COPY_DEPTH_MAX {
        return Err(CommandError::Usage(format!(
            "{} is nested too deeply",
            from.display()
        )));
    }
    for entry in std::fs::read_dir(from).map_err(failed("read", from))? {
        let entry = entry.map_err(failed("read", from))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().map_err(failed("look at", &source))?;
        let name = entry.file_name();
        let left_behind =
            depth == 0 && (name == ".steadfast" || name == "releases" || name == "target");
        if left_behind {
            continue;
        }
        if kind.is_dir() {
            std::fs::create_dir_all(&target).map_err(failed("make", &target))?;
            copy(&source, &target, depth + 1)?;
        } else if kind.is_file() {
            std::fs::copy(&source, &target).map_err(failed("copy", &source))?;
        }
    }
    Ok(())
}
