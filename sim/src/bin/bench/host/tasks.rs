//! The twenty tasks, in both languages: a group, a user, four directories, six files, two links, three lines, a job of
//! cron, a command, and an archive.

use super::farm::Farm;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

/// How many there are on each machine.
pub(crate) const N_TASKS: usize = 20;

const N_DIRECTORIES: usize = 4;
const N_FILES: usize = 6;
const N_LINKS: usize = 2;
const N_LINES: usize = 3;

/// What there is once on each machine.
const ONCE: &str = r#"resource "host_group" "app" {
  name = "sfapp"
}
resource "host_user" "app" {
  name   = "sfapp"
  group  = host_group.app.name
  groups = ["games"]
  home   = "/srv/sfapp"
  shell  = "/bin/false"
}
resource "host_cron" "job" {
  name     = "sfapp"
  schedule = "*/5 * * * *"
  command  = "true"
}
resource "host_command" "made" {
  command = "mkdir /opt/made"
  creates = "/opt/made"
}
resource "host_archive" "app" {
  source = "app.tar.gz"
  path   = "/opt/app"
}
"#;

/// Content of a file, as a configuration may be.
fn content(n: usize) -> String {
    (0..40)
        .map(|line| format!("setting_{n}_{line} = {}\n", line * 7))
        .collect()
}

/// Writes the archive that both unpack.
fn write_archive(project: &Path) -> Result<(), String> {
    let tree = project.join("tree");
    let trouble = |error: std::io::Error| format!("cannot pack an archive: {error}");
    std::fs::create_dir_all(&tree).map_err(trouble)?;
    for n in 0..10 {
        std::fs::write(tree.join(format!("file-{n}")), content(n)).map_err(trouble)?;
    }
    let packed = Command::new("tar")
        .args(["-czf", "app.tar.gz", "-C", "tree", "."])
        .current_dir(project)
        .status()
        .map_err(trouble)?;
    packed
        .success()
        .then_some(())
        .ok_or_else(|| "tar fails".to_owned())
}

/// Ours: one module for each machine.
pub(crate) fn write_definition(project: &Path, farm: &Farm) -> Result<(), String> {
    write_archive(project)?;
    let machines: String = farm
        .addresses()
        .enumerate()
        .map(|(n, address)| format!("    m{n} = \"{address}\"\n"))
        .collect();
    let main = format!(
        r#"locals {{
  machines = {{
{machines}  }}
}}

provider "host" {{
  alias    = "at"
  for_each = local.machines
  connection {{
    host        = each.value
    user        = "root"
    private_key = file("{}")
    host_key    = trimspace(file("{}.pub"))
    agent       = false
  }}
}}

module "tasks" {{
  source    = "./tasks"
  for_each  = local.machines
  providers = {{ host = host.at[each.key] }}
}}
"#,
        farm.key("user").display(),
        farm.key("host").display()
    );
    let directory = project.join("tasks");
    std::fs::create_dir_all(&directory).map_err(|error| error.to_string())?;
    crate::write(&project.join("main.tf"), &main)?;
    crate::write(&directory.join("main.tf"), &definition())
}

/// The module for one machine.
fn definition() -> String {
    let mut tasks = String::from(ONCE);
    let mut resource = |kind: &str, n: usize, body: &str| {
        // Writing to a text cannot fail.
        let _ = writeln!(tasks, "resource \"{kind}\" \"n{n}\" {{\n{body}\n}}");
    };
    for n in 0..N_DIRECTORIES {
        resource(
            "host_directory",
            n,
            &format!("  path = \"/opt/directory-{n}\""),
        );
    }
    for n in 0..N_FILES {
        let lines = content(n);
        let body = format!(
            "  path = \"/etc/file-{n}.conf\"\n  mode = \"0640\"\n  content = <<-EOT\n{lines}EOT"
        );
        resource("host_file", n, &body);
    }
    for n in 0..N_LINKS {
        let body = format!("  path = \"/opt/link-{n}\"\n  target = \"/etc/file-{n}.conf\"");
        resource("host_link", n, &body);
    }
    for n in 0..N_LINES {
        let body = format!(
            "  path = \"/etc/services\"\n  line = \"sfservice{n} {}/tcp\"",
            40_000 + n
        );
        resource("host_line", n, &body);
    }
    tasks
}

/// Theirs: a play with the modules of `ansible-core`.
pub(crate) fn write_playbook(project: &Path, farm: &Farm) -> Result<(), String> {
    write_archive(project)?;
    let n_machines = farm.addresses().count();
    let settings = format!(
        "[defaults]\nforks = {}\nhost_key_checking = False\ngathering = explicit\ncallback_result_format = yaml\n\
         [ssh_connection]\npipelining = True\n\
         ssh_args = -o ControlMaster=auto -o ControlPersist=60s -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR\n\
         control_path_dir = {}\n",
        n_machines.max(5),
        project.join("cp").display()
    );
    let inventory: String = farm
        .addresses()
        .enumerate()
        .map(|(n, address)| {
            format!(
                "m{n} ansible_host={address} ansible_user=root \
                 ansible_ssh_private_key_file={} ansible_python_interpreter=/usr/bin/python3\n",
                farm.key("user").display()
            )
        })
        .collect();
    let mut play = String::from("- hosts: all\n  gather_facts: false\n  tasks:\n");
    let mut task = |module: &str, arguments: &str| {
        // Writing to a text cannot fail.
        let _ = writeln!(play, "    - ansible.builtin.{module}:\n        {arguments}");
    };
    task("group", "name: sfapp");
    task(
        "user",
        "{name: sfapp, group: sfapp, groups: [games], home: /srv/sfapp, shell: /bin/false}",
    );
    task(
        "cron",
        "{name: sfapp, cron_file: sfapp, user: root, minute: '*/5', job: 'true'}",
    );
    task("command", "{cmd: mkdir /opt/made, creates: /opt/made}");
    for n in 0..N_DIRECTORIES {
        task(
            "file",
            &format!("{{path: /opt/directory-{n}, state: directory, mode: '0755'}}"),
        );
    }
    for n in 0..N_FILES {
        let lines = content(n).replace('\n', "\\n");
        task(
            "copy",
            &format!("{{dest: /etc/file-{n}.conf, mode: '0640', content: \"{lines}\"}}"),
        );
    }
    for n in 0..N_LINKS {
        task(
            "file",
            &format!("{{path: /opt/link-{n}, src: /etc/file-{n}.conf, state: link}}"),
        );
    }
    for n in 0..N_LINES {
        task(
            "lineinfile",
            &format!(
                "{{path: /etc/services, line: sfservice{n} {}/tcp}}",
                40_000 + n
            ),
        );
    }
    // Its module wants the directory, which ours makes.
    task("unarchive", "{src: app.tar.gz, dest: /opt/directory-0}");
    crate::write(&project.join("ansible.cfg"), &settings)?;
    crate::write(&project.join("inventory.ini"), &inventory)?;
    crate::write(&project.join("playbook.yml"), &play)
}
