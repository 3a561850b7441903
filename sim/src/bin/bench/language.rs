//! `bench language`: parsing and checking a generated tree of modules, ours beside `terraform validate`.
//!
//! The tree uses nothing but the provider that is built into both, so that what is measured is the language. Each
//! program is started several times and its CPU time summed up, because one start of ours is shorter than what the
//! clock can tell.

use crate::tool::{Step, Tool};
use std::fmt::Write as _;
use std::path::Path;

/// Files of one called module; the rest of the tree is more such modules, and the root that calls them.
const FILES_PER_MODULE: usize = 10;

/// How often ours is started for one figure, and theirs.
const RUNS_OURS: u32 = 20;
/// See [`RUNS_OURS`].
const RUNS_THEIRS: u32 = 3;

/// What is asked of the ratio.
pub(crate) const RATIO_MIN: f64 = 20.0;

const VALIDATE: Step = Step {
    name: "validate",
    words: &["validate"],
    code: 0,
};

/// One line of the table.
pub(crate) struct Figure {
    /// Files of the tree.
    pub files: usize,
    /// Their size.
    pub bytes: usize,
    /// CPU milliseconds of one run.
    pub cpu_ms: f64,
    /// Wall milliseconds of the fastest run.
    pub wall_ms: f64,
    /// Peak of memory.
    pub megabytes: u64,
}

/// Measures a program on a tree of so many files.
pub(crate) fn measured(tool: &Tool, files: usize, ours: bool) -> Result<Figure, String> {
    let place = tempfile::Builder::new()
        .prefix("steadfast-bench-")
        .tempdir()
        .map_err(|error| format!("cannot make a temporary directory: {error}"))?;
    let bytes = write_tree(place.path(), files)?;
    tool.prepare(place.path())?;
    let runs = if ours { RUNS_OURS } else { RUNS_THEIRS };
    let mut figure = Figure {
        files,
        bytes,
        cpu_ms: 0.0,
        wall_ms: f64::INFINITY,
        megabytes: 0,
    };
    for _ in 0..runs {
        let cost = tool.measure(&VALIDATE, place.path())?;
        figure.cpu_ms += cost.cpu.as_secs_f64() * 1e3 / f64::from(runs);
        figure.wall_ms = figure.wall_ms.min(cost.wall.as_secs_f64() * 1e3);
        figure.megabytes = figure.megabytes.max(cost.megabytes());
    }
    Ok(figure)
}

/// Measures all sizes and prints the table; whether the ratio is as it should be wherever it was taken.
pub(crate) fn run(
    ours: &Tool,
    theirs: Option<&Tool>,
    sizes: &[usize],
    theirs_max: usize,
) -> Result<bool, String> {
    println!(
        "{:>7}{:>9}  {:>10}{:>12}{:>10}{:>6}   {:>10}{:>10}{:>7}{:>9}{:>9}",
        "files",
        "KB",
        "CPU ms",
        "us per KB",
        "wall ms",
        "MB",
        "tf CPU ms",
        "wall ms",
        "MB",
        "CPU x",
        "wall x"
    );
    let mut enough = true;
    for size in sizes {
        let one = measured(ours, *size, true)?;
        let kilobytes = one.bytes as f64 / 1e3;
        let mut line = format!(
            "{:>7}{kilobytes:>9.0}  {:>10.1}{:>12.1}{:>10.1}{:>6}",
            one.files,
            one.cpu_ms,
            one.cpu_ms * 1e3 / kilobytes,
            one.wall_ms,
            one.megabytes
        );
        if let Some(theirs) = theirs.filter(|_| *size <= theirs_max) {
            let other = measured(theirs, *size, false)?;
            let (cpu, wall) = (other.cpu_ms / one.cpu_ms, other.wall_ms / one.wall_ms);
            let _ = write!(
                line,
                "   {:>10.0}{:>10.0}{:>7}{cpu:>8.1}x{wall:>8.1}x",
                other.cpu_ms, other.wall_ms, other.megabytes
            );
            enough &= cpu >= RATIO_MIN && wall >= RATIO_MIN;
        }
        println!("{line}");
    }
    println!(
        "One run of validate: CPU is the mean of {RUNS_OURS} runs ({RUNS_THEIRS} of terraform), wall the fastest of them. Asked for: {RATIO_MIN}x."
    );
    Ok(enough)
}

/// Writes a tree of so many files; how many bytes they have.
fn write_tree(root: &Path, files: usize) -> Result<usize, String> {
    let mut bytes = 0;
    let mut write = |path: &Path, text: &str| -> Result<(), String> {
        bytes += text.len();
        std::fs::write(path, text)
            .map_err(|error| format!("cannot write {}: {error}", path.display()))
    };
    let modules = (files - 1) / FILES_PER_MODULE;
    let mut left = files - modules * FILES_PER_MODULE;
    let mut main = String::from("terraform {\n  required_version = \">= 1.5\"\n}\n\n");
    for module in 0..modules {
        let directory = root.join(format!("modules/m{module}"));
        std::fs::create_dir_all(&directory).map_err(|error| error.to_string())?;
        for file in 0..FILES_PER_MODULE {
            write(&directory.join(format!("f{file}.tf")), &text(file))?;
        }
        let _ = write!(
            main,
            "module \"m{module}\" {{\n  source  = \"./modules/m{module}\"\n  name_f0 = \"m{module}\"\n  size_f1 = {module}\n}}\n\n"
        );
    }
    write(&root.join("main.tf"), &main)?;
    left -= 1;
    for file in 0..left {
        write(&root.join(format!("root{file}.tf")), &text(file))?;
    }
    Ok(bytes)
}

/// One file, as people write them: variables, local values, resources that repeat and refer, outputs. Names carry the
/// number of the file, so that files of one directory go together.
fn text(file: usize) -> String {
    let own = format!("f{file}");
    let before = match file {
        0 => "\"none\"".to_owned(),
        file => format!("local.label_f{}", file - 1),
    };
    FILE.replace("{own}", &own).replace("{before}", &before)
}

const FILE: &str = r#"# What this file is for, in a line or two of prose
# that nobody but its readers looks at.

variable "name_{own}" {
  description = "Name of everything in this file"
  type        = string
  default     = "{own}"

  validation {
    condition     = length(var.name_{own}) > 0 && length(var.name_{own}) < 64
    error_message = "A name has between 1 and 63 characters."
  }
}

variable "size_{own}" {
  type    = number
  default = 3
}

variable "tags_{own}" {
  type = map(object({
    value    = string
    priority = optional(number, 10)
    labels   = optional(list(string), [])
  }))
  default = {
    team  = { value = "platform", priority = 1 }
    stage = { value = "test", labels = ["a", "b"] }
  }
}

locals {
  before_{own} = {before}
  label_{own}  = "${var.name_{own}}-${var.size_{own} > 2 ? "large" : "small"}"
  tags_{own}   = { for key, tag in var.tags_{own} : upper(key) => tag.value if tag.priority < 100 }
  ports_{own}  = [for port in range(8000, 8000 + 4) : port if port % 2 == 0]
  merged_{own} = merge(local.tags_{own}, {
    name  = local.label_{own}
    ports = join(",", [for port in local.ports_{own} : tostring(port)])
  })
  script_{own} = <<-EOT
    #!/bin/sh
    # ${local.label_{own}}
    %{ for key, value in local.tags_{own} ~}
    export ${key}="${value}"
    %{ endfor ~}
    exec serve --ports ${join(" ", local.ports_{own})}
  EOT
}

resource "terraform_data" "one_{own}" {
  input = {
    name   = local.label_{own}
    tags   = local.merged_{own}
    script = base64encode(local.script_{own})
    before = local.before_{own}
  }

  lifecycle {
    create_before_destroy = true
    precondition {
      condition     = var.size_{own} < 1000
      error_message = "At most 1000, not ${var.size_{own}}."
    }
  }
}

resource "terraform_data" "counted_{own}" {
  count            = 3
  input            = "${terraform_data.one_{own}.output.name}-${count.index}"
  triggers_replace = [terraform_data.one_{own}.id, local.ports_{own}[count.index % 2]]
}

resource "terraform_data" "keyed_{own}" {
  for_each = local.tags_{own}

  input = {
    key   = each.key
    value = lower(each.value)
    other = terraform_data.counted_{own}[0].output
  }
  depends_on = [terraform_data.one_{own}]
}

output "ids_{own}" {
  description = "Everything that was made"
  value       = concat([terraform_data.one_{own}.id], terraform_data.counted_{own}[*].id)
}

output "keyed_{own}" {
  value = { for key, data in terraform_data.keyed_{own} : key => data.output if data.id != "" }
}
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_has_as_many_files_as_asked_for() {
        for files in [1, 9, 25, 101] {
            let place = tempfile::tempdir().unwrap();
            write_tree(place.path(), files).unwrap();
            let mut found = 0;
            let mut open = vec![place.path().to_owned()];
            while let Some(directory) = open.pop() {
                for entry in std::fs::read_dir(directory).unwrap() {
                    let path = entry.unwrap().path();
                    if path.is_dir() {
                        open.push(path);
                    } else {
                        found += 1;
                    }
                }
            }
            assert_eq!(found, files);
        }
    }
}
