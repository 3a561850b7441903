//! `bench aws`: objects of AWS, with the real provider against a simulation of its services. A proxy before them makes
//! every request take as much longer as one over a network does; what counts is the time on the clock.

use crate::measure::Cost;
use crate::services::moto::Moto;
use crate::services::provider;
use crate::services::proxy::{Proxy, Weather};
use crate::tool::{APPLY, PLAN, PLAN_OF_NOTHING, Step, Tool};
use sim::Rng;
use std::net::SocketAddr;

/// The course.
const STEPS: [Step; 4] = [
    PLAN,
    APPLY,
    PLAN_OF_NOTHING,
    Step {
        name: "destroy",
        words: &["destroy", "-auto-approve"],
        code: 0,
    },
];

/// Measures all sizes, each tool with services of its own.
///
/// # Errors
/// When a tool or a server does not do what it should.
pub(crate) fn run(
    ours: &Tool,
    theirs: Option<&Tool>,
    sizes: &[usize],
    latency_ms: u64,
) -> Result<bool, String> {
    println!("parameters of SSM; each request takes {latency_ms} ms more than moto does");
    println!(
        "{:>7}  {:<13}{:>9}{:>8}   {:>9}{:>9}{:>9}",
        "N", "command", "wall s", "CPU s", "tf wall", "tf CPU", "wall x"
    );
    for size in sizes {
        let costs = measured(&ours.with_providers(), *size, latency_ms)?;
        let beside = match theirs {
            Some(theirs) => Some(measured(&theirs.with_providers(), *size, latency_ms)?),
            None => None,
        };
        for (index, (step, cost)) in STEPS.iter().zip(&costs).enumerate() {
            let other = beside.as_ref().and_then(|costs| costs.get(index));
            println!("{}", line(*size, step.name, cost, other));
        }
    }
    println!("CPU is that of the program and its provider together.");
    Ok(true)
}

fn line(size: usize, command: &str, cost: &Cost, other: Option<&Cost>) -> String {
    let (wall, cpu) = (cost.wall.as_secs_f64(), cost.cpu.as_secs_f64());
    let mut text = format!("{size:>7}  {command:<13}{wall:>9.2}{cpu:>8.2}");
    if let Some(other) = other {
        let theirs = other.wall.as_secs_f64();
        let other_cpu = other.cpu.as_secs_f64();
        let ratio = theirs / wall;
        text.push_str(&format!("   {theirs:>9.2}{other_cpu:>9.2}{ratio:>8.1}x"));
    }
    text
}

/// The costs of all steps on one project in a fresh directory, against fresh services.
fn measured(tool: &Tool, size: usize, latency_ms: u64) -> Result<Vec<Cost>, String> {
    let place = tempfile::Builder::new()
        .prefix("steadfast-bench-aws-")
        .tempdir()
        .map_err(|error| format!("cannot make a temporary directory: {error}"))?;
    let moto = Moto::start(&place.path().join("moto.log"))?;
    let proxy = Proxy::start(moto.address, Rng::new(0, 0))
        .map_err(|error| format!("the proxy cannot listen: {error}"))?;
    proxy.weather(Weather {
        latency_ms,
        ..Weather::default()
    });
    let project = place.path().join("project");
    std::fs::create_dir(&project)
        .map_err(|error| format!("cannot make {}: {error}", project.display()))?;
    crate::write(&project.join("main.tf"), &definition(size, proxy.address))?;
    tool.prepare(&project)?;
    STEPS
        .iter()
        .map(|step| tool.measure(step, &project))
        .collect()
}

fn definition(size: usize, services: SocketAddr) -> String {
    let provider = provider(services, None);
    format!(
        r#"{provider}resource "aws_ssm_parameter" "p" {{
  count = {size}
  name  = "/bench/p-${{count.index}}"
  type  = "String"
  value = "v-${{count.index}}"
}}
"#
    )
}
