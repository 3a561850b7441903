//! Providers that we start: handshakes, crashes, ends, and schemas kept on disk.

use crate::bed::{SCRIPT, SOURCE, codes, config, configured, create, plan_question};
use contract::{Answer, Outcome, Provider as _};
use plugin::{Launch, Options, Plugin};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use value::{Name, Value};

/// A directory with programs in it.
struct Programs(TempDir);

impl Programs {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A shell script as a provider.
    fn shell(&self, text: &str) -> PathBuf {
        let path = self.0.path().join("terraform-provider-shell");
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// The mock with a script of its own.
    fn mock(&self, script: &str, protocol: u64) -> PathBuf {
        let data = self.0.path().join("script.json");
        std::fs::write(&data, script).unwrap();
        self.shell(&format!(
            "export MOCK_SCRIPT='{}' MOCK_PROTOCOL={protocol}\necho started >>'{}'\nexec '{}'",
            data.display(),
            self.log().display(),
            env!("CARGO_BIN_EXE_terraform-provider-mock"),
        ))
    }

    fn log(&self) -> PathBuf {
        self.0.path().join("log")
    }

    fn starts(&self) -> usize {
        let log = std::fs::read_to_string(self.log()).unwrap_or_default();
        log.lines().count()
    }
}

fn options(program: &Path) -> Options {
    Options {
        source: SOURCE.into(),
        launch: Launch::Program(program.to_owned()),
        wanted: None,
        cache: None,
        settle_ms: 0,
        tether: None,
    }
}

#[tokio::test]
async fn a_provider_is_started_used_and_ended() {
    for protocol in [5, 6] {
        let programs = Programs::new();
        let plugin = Plugin::start(options(&programs.mock(SCRIPT, protocol)))
            .await
            .unwrap();
        let provider = configured(&plugin).await.unwrap();
        let outcome = create(provider.as_ref(), config("a", None, None)).await;
        assert!(matches!(outcome, Outcome::Changed { .. }), "{outcome:?}");
        provider.stop().await;
        provider.close().await;
        let answer = provider
            .ask(&plan_question(config("a", None, None), None))
            .await;
        let Answer::Failed(found) = answer else {
            panic!("{answer:?}");
        };
        assert_eq!(
            codes(&found),
            ["SF1504"],
            "it is gone, and does not come back"
        );
        assert_eq!(
            programs.starts(),
            1,
            "one process for schema and configuration"
        );
    }
}

#[tokio::test]
async fn each_configuration_has_a_process_of_its_own() {
    let programs = Programs::new();
    let plugin = Plugin::start(options(&programs.mock(SCRIPT, 6)))
        .await
        .unwrap();
    let one = configured(&plugin).await.unwrap();
    let other = configured(&plugin).await.unwrap();
    assert_eq!(programs.starts(), 2);
    one.close().await;
    let outcome = create(other.as_ref(), config("a", None, None)).await;
    assert!(matches!(outcome, Outcome::Changed { .. }), "{outcome:?}");
    other.close().await;
}

#[tokio::test]
async fn a_schema_that_is_known_needs_no_process() {
    let programs = Programs::new();
    let program = programs.mock(&SCRIPT.replacen('{', "{\"schema_optional\": true,", 1), 6);
    let cached = Options {
        cache: Some(programs.0.path().join("schemas")),
        ..options(&program)
    };
    let first = Plugin::start(cached.clone()).await.unwrap();
    first.close().await;
    assert_eq!(programs.starts(), 1);
    let second = Plugin::start(cached.clone()).await.unwrap();
    assert_eq!(second.schema(), first.schema());
    assert_eq!(programs.starts(), 1);
    configured(&second).await.unwrap().close().await;
    assert_eq!(programs.starts(), 2);
    // A file that is not whole is not taken for a smaller provider.
    for entry in std::fs::read_dir(programs.0.path().join("schemas")).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
    }
    let third = Plugin::start(cached).await.unwrap();
    assert_eq!(third.schema(), first.schema());
    assert_eq!(programs.starts(), 3);
    third.close().await;
}

/// The script of a provider that has something to say of every configuration: `error` or `warning`.
fn says_of_configurations(does: &str) -> String {
    let fault = format!(r#"{{"call": "ValidateProviderConfig", "does": "{does}", "says": "no"}}"#);
    SCRIPT.replacen('{', &format!("{{\"faults\": [{fault}],"), 1)
}

#[tokio::test]
async fn a_configuration_that_was_accepted_needs_no_second_check() {
    let programs = Programs::new();
    let program = programs.mock(SCRIPT, 6);
    let script = programs.0.path().join("script.json");
    let schemas = programs.0.path().join("schemas");
    let remembering = Options {
        cache: Some(schemas.clone()),
        ..options(&program)
    };
    let attempt = async |options: &Options, config: Option<&Value>| {
        let plugin = Plugin::start(options.clone()).await.unwrap();
        let made = match config {
            Some(config) => plugin.configured(config).unwrap().await,
            None => configured(&plugin).await,
        };
        match made {
            Ok(provider) => provider.close().await,
            Err(found) => {
                plugin.close().await;
                return Err(found);
            }
        }
        Ok(())
    };
    attempt(&remembering, None).await.unwrap();
    // The same program answers otherwise from now on.
    std::fs::write(&script, says_of_configurations("error")).unwrap();
    attempt(&remembering, None).await.unwrap();
    let other = Value::object([(Name::from("region"), Value::string("elsewhere"))].into());
    attempt(&remembering, Some(&other)).await.unwrap_err();
    let forgetting = options(&program);
    attempt(&forgetting, None).await.unwrap_err();
    let secret = schemas.join("secret");
    let mode = std::fs::metadata(&secret).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    std::fs::write(&secret, [7; 32]).unwrap();
    attempt(&remembering, None).await.unwrap_err();
    // Whoever warns is asked each time.
    std::fs::write(&script, says_of_configurations("warning")).unwrap();
    attempt(&remembering, None).await.unwrap();
    std::fs::write(&script, says_of_configurations("error")).unwrap();
    attempt(&remembering, None).await.unwrap_err();
}

/// Whoever kills a provider while it starts, or is configured, says nothing of what it was to do.
#[tokio::test]
async fn a_provider_that_is_killed_at_its_beginning_is_started_again() {
    let crash = r#"{"faults": [{"call": "ConfigureProvider", "does": "crash"}],"#;
    for (killed, script) in [
        ("$(wc -l <log) -lt 3", SCRIPT.to_owned()),
        ("$(wc -l <log) -lt 4", SCRIPT.to_owned()),
        ("1 -eq 2", SCRIPT.replacen('{', crash, 1)),
    ] {
        let programs = Programs::new();
        let mock = programs.mock(&script, 6);
        let text = std::fs::read_to_string(&mock).unwrap();
        let kill = format!(
            "cd '{}'; echo started >>log; [ {killed} ] && kill -KILL $$\n",
            programs.0.path().display()
        );
        let text = text.replacen("echo started", &format!("{kill}: echo started"), 1);
        std::fs::write(&mock, text).unwrap();
        let plugin = Plugin::start(options(&mock)).await;
        let made = match &plugin {
            Ok(plugin) => configured(plugin).await.map(|_| ()),
            Err(found) => Err(found.clone()),
        };
        assert_eq!(programs.starts(), 3, "{killed}");
        let is_whole = killed.ends_with('3') && made.is_ok();
        assert!(is_whole || made.is_err(), "{killed}: {made:?}");
    }
}

#[tokio::test]
async fn a_crash_is_told_with_its_last_words() {
    let faults = r#"{"faults": [{"call": "ApplyResourceChange", "does": "crash"}],"#;
    let programs = Programs::new();
    let program = programs.mock(&SCRIPT.replacen('{', faults, 1), 6);
    let plugin = Plugin::start(options(&program)).await.unwrap();
    let provider = configured(&plugin).await.unwrap();
    let outcome = create(provider.as_ref(), config("a", None, None)).await;
    let Outcome::Unknown { why } = outcome else {
        panic!("{outcome:?}");
    };
    assert!(why.contains("exit status: 2"), "{why}");
    assert!(why.contains("panic: the script says so"), "{why}");
}

#[tokio::test]
async fn programs_that_are_no_providers_are_told_apart() {
    let programs = Programs::new();
    for (text, code, says) in [
        ("echo hello", "SF1502", "said `hello`"),
        ("echo trouble >&2; exit 3", "SF1502", "trouble"),
        ("echo '1|4|unix|/x|grpc|'", "SF1502", "version 4"),
        (
            "echo '1|6|unix|/nonexistent|grpc|'; exec sleep 60",
            "SF1503",
            "cannot be reached",
        ),
    ] {
        let found = Plugin::start(options(&programs.shell(text)))
            .await
            .unwrap_err();
        assert_eq!(codes(&found), [code], "{text}");
        let detail = &found.iter().next().unwrap().detail;
        assert!(detail.contains(says), "{text}: {detail}");
    }
    let found = Plugin::start(options(Path::new("/nonexistent")))
        .await
        .unwrap_err();
    assert_eq!(codes(&found), ["SF1501"]);
}
