//! Stopping an instance and forgetting it.
//!
//! The directory leaves the list of instances in one step, by a rename, and only then is it asked whether a shim has
//! come up meanwhile: a shim that takes its lock later than that sees that its directory has moved, and ends.

use crate::files::{self, chain};
use crate::limits::{GRACE_MS_MAX, KILL_TIMEOUT_MS, POLL_MS, SHIM_MARGIN_MS};
use crate::process::LiveShim;
use crate::record::{Status, StopRequest};
use crate::{Home, LocalRuntime, blocking, log, memory, place};
use contract::{Outcome, Unavailable};
use model::InstanceId;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::{Instant, sleep};

pub(crate) async fn stop(runtime: &LocalRuntime, id: &InstanceId, grace_ms: u64) -> Outcome {
    match try_stop(runtime, id, grace_ms.min(GRACE_MS_MAX)).await {
        Ok(()) => Outcome::Stopped,
        Err(Unavailable(why)) => Outcome::Unknown { why },
    }
}

async fn try_stop(
    runtime: &LocalRuntime,
    id: &InstanceId,
    grace_ms: u64,
) -> Result<(), Unavailable> {
    // What could never be placed is not there.
    if !crate::is_usable(id) || !runtime.home.instance(id).exists() {
        return Ok(());
    }
    let instance = runtime.home.instance(id);
    {
        let _changing = runtime.change().await?.map_err(unavailable)?;
        let directory = instance.clone();
        blocking(move || ask(&directory, grace_ms)).await??;
    }
    until_gone(&instance, grace_ms + SHIM_MARGIN_MS).await?;
    let _changing = runtime.change().await?.map_err(unavailable)?;
    remove(&runtime.home, id).await
}

/// Asks the shim to stop, if there is one.
fn ask(instance: &Path, grace_ms: u64) -> Result<(), Unavailable> {
    let Some(shim) = LiveShim::of(instance).map_err(unavailable)? else {
        return Ok(());
    };
    // Without the request the shim grants its default time, so a full disk cannot keep an instance alive.
    let _ = StopRequest::new(grace_ms).write(instance);
    shim.terminate();
    Ok(())
}

/// Waits for the shim to end, and kills it when it does not.
async fn until_gone(instance: &Path, wait_ms: u64) -> Result<(), Unavailable> {
    for (wait_ms, kill) in [(wait_ms, false), (KILL_TIMEOUT_MS, true)] {
        let deadline = Instant::now() + Duration::from_millis(wait_ms);
        // At least one look, so that the shim is killed when its time was zero.
        loop {
            let directory = instance.to_path_buf();
            let lives = blocking(move || {
                let shim = LiveShim::of(&directory).map_err(unavailable)?;
                if let (Some(shim), true) = (&shim, kill) {
                    shim.kill();
                }
                Ok::<_, Unavailable>(shim.is_some())
            })
            .await??;
            if !lives {
                return Ok(());
            }
            if Instant::now() >= deadline {
                break;
            }
            sleep(Duration::from_millis(POLL_MS)).await;
        }
    }
    Err(Unavailable(format!(
        "the shim of {} was killed and does not end",
        instance.display()
    )))
}

/// Removes all traces of an instance whose shim has ended, except its log. The caller holds the right to change.
pub(crate) async fn remove(home: &Home, id: &InstanceId) -> Result<(), Unavailable> {
    let (home_there, id_there) = (home.clone(), id.clone());
    let moved = blocking(move || move_away(&home_there, &id_there)).await??;
    let Some(trash) = moved else {
        return Ok(());
    };
    // One that came up between the last look and the move.
    until_gone(&trash, 0).await?;
    if let Err(why) = place::end_leftovers(&trash).await? {
        return Err(Unavailable(why));
    }
    let (home, id) = (home.clone(), id.clone());
    blocking(move || forget(&home, &id, &trash)).await?
}

fn move_away(home: &Home, id: &InstanceId) -> Result<Option<PathBuf>, Unavailable> {
    let instance = home.instance(id);
    if !instance.exists() {
        return Ok(None);
    }
    files::create_dir(&home.trash()).map_err(unavailable)?;
    let trash = home.trash().join(&id.0);
    // Left by a stop that was interrupted after its move; everything in it is dead.
    let _ = std::fs::remove_dir_all(&trash);
    std::fs::rename(&instance, &trash).map_err(|error| {
        Unavailable(format!("cannot move {} away: {error}", instance.display()))
    })?;
    files::sync_dir(&home.instances()).map_err(unavailable)?;
    Ok(Some(trash))
}

fn forget(home: &Home, id: &InstanceId, trash: &Path) -> Result<(), Unavailable> {
    if let Some(group) = Status::read(trash)
        .ok()
        .flatten()
        .and_then(|status| status.cgroup)
    {
        memory::remove_group(&group);
    }
    // A log that cannot be kept must not keep the instance.
    let _ = log::archive(trash, &home.logs(), &id.0);
    std::fs::remove_dir_all(trash)
        .map_err(|error| Unavailable(format!("cannot remove {}: {error}", trash.display())))
}

fn unavailable(error: files::FileError) -> Unavailable {
    Unavailable(chain(&error))
}
