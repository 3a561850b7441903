//! Looking at an instance: does its shim live, does its process run, does it answer.
//!
//! Looking changes nothing but one mark, that the instance has once been healthy: whether it is still starting or has
//! become unhealthy must not depend on which control plane looks.

use crate::files::{self, Durable, chain};
use crate::limits::{DETAIL_LINES_MAX, SHIM_LOG_LINES_MAX};
use crate::place::address;
use crate::process::{self, LiveShim};
use crate::record::{Order, RecordError, Stage, Status};
use crate::{LocalRuntime, blocking, health, log};
use contract::{InstanceReport, Unavailable};
use model::{InstanceId, InstanceState};
use std::path::Path;

/// What is known before the check.
struct Look {
    order: Order,
    status: Option<Status>,
    /// A shim lives, and the state is its own.
    looked_after: bool,
    was_healthy: bool,
}

pub(crate) async fn observe(
    runtime: &LocalRuntime,
    id: &InstanceId,
) -> Result<InstanceReport, Unavailable> {
    let instance = runtime.home.instance(id);
    let directory = instance.clone();
    let known = crate::is_usable(id);
    let look = blocking(move || if known { look(&directory) } else { Ok(None) })
        .await?
        .map_err(|error| Unavailable(chain(&error)))?;
    let Some(look) = look else {
        return Ok(InstanceReport {
            state: InstanceState::Gone,
            detail: format!("no instance {id} is placed here"),
            address: None,
            starts: 0,
        });
    };
    let (state, said) = judge(&look, &instance).await?;
    let detail = blocking(move || {
        if state == InstanceState::Healthy {
            return said;
        }
        let lines = log::last_lines(&instance.join("log"), DETAIL_LINES_MAX);
        let shim = log::last_lines(&instance.join("shim.log"), SHIM_LOG_LINES_MAX);
        [vec![said], shim, lines].concat().join("\n")
    })
    .await?;
    Ok(InstanceReport {
        state,
        detail,
        address: look.status.as_ref().map(address),
        starts: look.status.map_or(0, |status| status.starts),
    })
}

fn look(instance: &Path) -> Result<Option<Look>, RecordError> {
    let Some(order) = Order::read(instance)? else {
        return Ok(None);
    };
    // The lock first: a state read after it cannot be older than the shim that holds it, unless that shim has not
    // written yet, which its number tells.
    let shim = LiveShim::of(instance)?.map(|shim| shim.pid);
    let status = Status::read(instance)?;
    Ok(Some(Look {
        looked_after: shim.is_some(),
        status: status.filter(|status| shim.is_none() || shim == Some(status.shim)),
        was_healthy: instance.join("healthy").exists(),
        order,
    }))
}

async fn judge(look: &Look, instance: &Path) -> Result<(InstanceState, String), Unavailable> {
    let not_well = if look.was_healthy {
        InstanceState::Unhealthy
    } else {
        InstanceState::Starting
    };
    let Some(status) = &look.status else {
        return Ok(match look.looked_after {
            true => (not_well, "the shim has just come up".to_owned()),
            false => (InstanceState::Gone, "it was never started".to_owned()),
        });
    };
    let last_exit = status.last_exit.as_deref();
    let ended = last_exit.unwrap_or("the shim was killed, and the process with it");
    match status.stage {
        Stage::Down => return Ok((InstanceState::Gone, format!("it is down: {ended}"))),
        _ if !look.looked_after => {
            return Ok((
                InstanceState::Gone,
                format!("no shim looks after it: {ended}"),
            ));
        }
        Stage::Starting => return Ok((not_well, "the process is being started".to_owned())),
        Stage::Waiting => return Ok((not_well, format!("{ended}; it will be started again"))),
        Stage::Stopping => return Ok((not_well, "it was asked to stop".to_owned())),
        Stage::Running => {}
    }
    let spec = &look.order.spec;
    match health::check(&address(status), &spec.health_path, spec.health_timeout_ms).await {
        Err(why) => Ok((not_well, why)),
        Ok(said) => {
            let (directory, status, marked) =
                (instance.to_path_buf(), status.clone(), look.was_healthy);
            let counts = blocking(move || passed(&directory, &status, marked)).await?;
            Ok(match counts {
                true => (InstanceState::Healthy, said),
                false => (
                    not_well,
                    "the process ended while it was checked".to_owned(),
                ),
            })
        }
    }
}

/// Whether a passed check counts: only if the process that was checked still runs. One that could not take its port
/// ends soon, and the answer was another's.
fn passed(instance: &Path, checked: &Status, marked: bool) -> bool {
    let same = Status::read(instance)
        .ok()
        .flatten()
        .is_some_and(|now| now.process == checked.process && now.stage == Stage::Running);
    if !same || !checked.process.as_ref().is_some_and(process::runs) {
        return false;
    }
    if !marked {
        // A mark that cannot be made is made by the next look.
        let _ = files::write_atomic(&instance.join("healthy"), b"", Durable::Yes);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Supervision;
    use model::{Digest, InstanceSpec, Version};

    #[test]
    fn a_passed_check_counts_only_for_the_process_that_was_checked() {
        let temporary = tempfile::tempdir().unwrap();
        let instance = temporary.path();
        let spec = InstanceSpec {
            instance: InstanceId("web-1".to_owned()),
            service: "web".into(),
            version: Version(Digest([0; 32])),
            artifact: Digest([0; 32]),
            run: Vec::new(),
            env: Default::default(),
            health_path: "/".to_owned(),
            health_timeout_ms: 1,
            memory_bytes_max: 0,
        };
        let order = Order::new(spec, "/".into(), 20_000, 1, Supervision::default());
        let mut status = Status::new(1, &order, 1);
        status.stage = Stage::Running;
        status.process = process::record(std::process::id().try_into().unwrap());
        status.write(instance).unwrap();
        let mut another = status.clone();
        another.process.as_mut().unwrap().start_ticks += 1;
        assert!(
            !passed(instance, &another, false),
            "started again meanwhile"
        );
        another.write(instance).unwrap();
        assert!(!passed(instance, &another, false), "it does not run");
        status.stage = Stage::Waiting;
        status.write(instance).unwrap();
        assert!(!passed(instance, &status, false), "it ended meanwhile");
        assert!(!instance.join("healthy").exists());
        status.stage = Stage::Running;
        status.write(instance).unwrap();
        assert!(passed(instance, &status, false));
        assert!(instance.join("healthy").exists());
    }
}
