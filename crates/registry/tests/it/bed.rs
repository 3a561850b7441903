//! A project on the disk, and what happens when its modules are installed.

use definition::{Files, Given};
use registry::{Event, Installation, Manifest, Options, Settings, WithModules};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// A directory with a project, and room beside it.
pub(crate) struct Bed {
    directory: tempfile::TempDir,
    environment: BTreeMap<String, String>,
}

/// What an installation came to.
pub(crate) struct Outcome {
    pub(crate) installation: Installation,
    pub(crate) events: Vec<Event>,
}

/// Reads the project as the program does.
struct Disk(PathBuf);

impl Files for Disk {
    fn list(&self, directory: &str) -> Option<Vec<String>> {
        let entries = fs::read_dir(self.0.join(directory)).ok()?.flatten();
        let files = entries.filter(|entry| entry.path().is_file());
        Some(
            files
                .filter_map(|entry| entry.file_name().into_string().ok())
                .collect(),
        )
    }

    fn read(&self, path: &str) -> Option<Vec<u8>> {
        fs::read(self.0.join(path)).ok()
    }

    fn may_leave_root(&self) -> bool {
        true
    }
}

impl Bed {
    /// A project of one file.
    pub(crate) fn new(main: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut environment = BTreeMap::new();
        let home = directory.path().join("home");
        fs::create_dir(&home).unwrap();
        environment.insert("HOME".to_owned(), home.to_str().unwrap().to_owned());
        environment.insert("PATH".to_owned(), std::env::var("PATH").unwrap());
        let bed = Self {
            directory,
            environment,
        };
        bed.write("project/main.tf", main);
        bed
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.directory.path().join(path)
    }

    /// The project's own directory.
    pub(crate) fn project(&self) -> PathBuf {
        self.path("project")
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_default()
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.environment.insert(name.to_owned(), value.to_owned());
    }

    pub(crate) fn environment(&self) -> &BTreeMap<String, String> {
        &self.environment
    }

    /// Says where the registry of a host is, as a `host` block does.
    pub(crate) fn host(&mut self, host: &str, url: &str) {
        let text = format!(
            "host \"{host}\" {{\n  services = {{\n    \"modules.v1\" = \"{url}\"\n  }}\n}}\n"
        );
        self.write("home/settings.tfrc", &text);
        let path = self.path("home/settings.tfrc");
        self.set("TF_CLI_CONFIG_FILE", path.to_str().unwrap());
    }

    pub(crate) async fn install(&self) -> Outcome {
        self.install_with(|_| {}).await
    }

    pub(crate) async fn upgrade(&self) -> Outcome {
        self.install_with(|options| options.upgrade = true).await
    }

    pub(crate) async fn install_with(&self, change: impl FnOnce(&mut Options<'_>)) -> Outcome {
        let project = self.project();
        let disk = Disk(project.clone());
        let events = Mutex::new(Vec::new());
        let tell = |event: &Event| events.lock().unwrap().push(event.clone());
        let given: Vec<Given> = Vec::new();
        let mut options = Options {
            files: &disk,
            given: &given,
            schemas: &[],
            directory: &project,
            data: ".terraform",
            upgrade: false,
            lock_readonly: false,
            settings: Settings::load(self.environment.clone()).0,
            tell: &tell,
        };
        change(&mut options);
        let installation = registry::install(options).await;
        Outcome {
            installation,
            events: events.into_inner().unwrap(),
        }
    }

    /// What the compiler makes of the project with what is installed.
    pub(crate) fn compile(&self) -> definition::Compiled {
        let modules = Manifest::read(&self.project().join(".terraform")).unwrap();
        let disk = Disk(self.project());
        let files = WithModules {
            files: &disk,
            modules: &modules,
        };
        definition::compile(&files, &[], &[])
    }

    /// A Git repository beside the project with one commit of these files, tagged `v1`.
    pub(crate) fn repository(&self, name: &str, files: &[(&str, &str)]) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(&path).unwrap();
        self.git(&path, &["init", "-q", "-b", "main"]);
        self.commit(name, files, "one");
        self.git(&path, &["tag", "v1"]);
        path
    }

    /// One more commit; its hash.
    pub(crate) fn commit(&self, name: &str, files: &[(&str, &str)], message: &str) -> String {
        for (path, text) in files {
            self.write(&format!("{name}/{path}"), text);
        }
        let path = self.path(name);
        self.git(&path, &["add", "-A"]);
        self.git(&path, &["commit", "-q", "--allow-empty", "-m", message]);
        self.git(&path, &["rev-parse", "HEAD"])
    }

    pub(crate) fn git(&self, directory: &Path, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .current_dir(directory)
            .envs(&self.environment)
            .args([
                "-c",
                "user.name=a",
                "-c",
                "user.email=a@example.com",
                "-c",
                "protocol.file.allow=always",
            ])
            .args(arguments)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

impl Outcome {
    /// Codes and details of everything that is wrong.
    pub(crate) fn wrong(&self) -> String {
        let lines = self
            .installation
            .diagnostics
            .iter()
            .map(|one| format!("{}: {}", one.code, one.detail));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// That nothing is wrong, and how many modules were put into their places.
    #[track_caller]
    pub(crate) fn good(&self) -> usize {
        assert!(self.installation.diagnostics.is_empty(), "{}", self.wrong());
        self.installation.n_installed
    }

    /// That exactly this is wrong.
    #[track_caller]
    pub(crate) fn bad(&self, code: &str, part: &str) {
        let wrong = self.wrong();
        assert!(
            wrong.starts_with(code) && wrong.contains(part),
            "{code} with {part:?} expected, found:\n{wrong}"
        );
    }

    pub(crate) fn n_fetched(&self) -> usize {
        self.events
            .iter()
            .filter(|event| matches!(event, Event::Fetching { .. }))
            .count()
    }
}
