//! The backend `pg`, with a real PostgreSQL.
//!
//! It needs `initdb`, `postgres` and `psql`; without them such tests have nothing to say, unless `STEADFAST_TEST_NEEDS`
//! names `postgres`. Where the machine has Terraform, it writes the states.

use crate::bed::Bed;
use crate::states::{backends, object, why};
use contract::States as _;
use contract::conformance::{self, StatesFixture};
use registry::Backends;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use value::Value;

/// A database server, and a client that may do everything.
struct Database {
    process: Child,
    port: u16,
    programs: PathBuf,
    bed: Bed,
    /// Its files and its socket, which belong to whom it runs as.
    place: tempfile::TempDir,
}

impl Drop for Database {
    fn drop(&mut self) {
        // At once, and its helpers with it.
        let id = self.process.id().to_string();
        let _ = Command::new("kill").args(["-QUIT", &id]).status();
        let _ = self.process.wait();
    }
}

/// Where the programs of PostgreSQL are: on the PATH, or where Debian has them.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let versions = versions.flatten().map(|version| version.path().join("bin"));
    let mut places = std::env::split_paths(&path).chain(versions);
    let names = ["initdb", "postgres", "psql"];
    places.find(|place| names.iter().all(|name| place.join(name).is_file()))
}

/// A program that runs as somebody whom a database server accepts: not as root.
fn unprivileged(program: &Path) -> Command {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"])
        .arg(program);
    command
}

impl Database {
    /// None where this machine lacks the programs.
    fn start() -> Option<Self> {
        let bed = Bed::new("");
        let Some(programs) = programs() else {
            let needs = std::env::var("STEADFAST_TEST_NEEDS").unwrap_or_default();
            assert!(!needs.contains("postgres"), "there is no PostgreSQL");
            return None;
        };
        if !crate::tls::certificate(&bed, &[]) {
            return None;
        }
        let place = tempfile::tempdir().unwrap();
        for name in ["server.pem", "server.key"] {
            fs::copy(bed.path(name), place.path().join(name)).unwrap();
        }
        let key = place.path().join("server.key");
        fs::set_permissions(key, fs::Permissions::from_mode(0o600)).unwrap();
        if fs::metadata("/proc/self").unwrap().uid() == 0 {
            let owner = ["-R", "nobody:nogroup"];
            let given = Command::new("chown").args(owner).arg(place.path()).status();
            assert!(given.unwrap().success());
        }
        let made = unprivileged(&programs.join("initdb"))
            .args(["--no-sync", "-A", "trust", "-U", "admin", "-D"])
            .arg(place.path().join("data"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "{said}");
        let rules = "local all all trust\nhostssl all app 127.0.0.1/32 scram-sha-256\n\
                     hostnossl all plain 127.0.0.1/32 md5\n";
        fs::write(place.path().join("data/pg_hba.conf"), rules).unwrap();
        for _ in 0..20 {
            let free = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = free.local_addr().unwrap().port();
            drop(free);
            if let Some(process) = listening(&programs, place.path(), port) {
                let database = Self {
                    process,
                    port,
                    programs,
                    bed,
                    place,
                };
                database.prepare();
                return Some(database);
            }
            // Somebody else took the port meanwhile.
        }
        panic!("the database does not come up");
    }

    fn prepare(&self) {
        self.run(
            "CREATE ROLE app LOGIN PASSWORD 'a-secret'; SET password_encryption = md5; \
             CREATE ROLE plain LOGIN PASSWORD 'a-secret';",
        );
        self.run("CREATE DATABASE states OWNER app");
        self.run("GRANT app TO plain");
        let to = "\\c states";
        for schema in ["kept", "empty"] {
            self.run(&format!(
                "{to}\nSET ROLE app; CREATE SCHEMA {schema}; \
                 CREATE TABLE {schema}.states (id bigserial PRIMARY KEY, name text UNIQUE, data text);"
            ));
        }
        self.run(&format!("{to}\nGRANT CREATE ON SCHEMA public TO app;"));
    }

    /// What the database answers to who may do everything.
    fn run(&self, text: &str) -> String {
        let script = self.bed.path("script.sql");
        fs::write(&script, text).unwrap();
        let output = Command::new(self.programs.join("psql"))
            .args([
                "-X",
                "-q",
                "-A",
                "-t",
                "-v",
                "ON_ERROR_STOP=1",
                "-U",
                "admin",
                "-d",
                "postgres",
            ])
            .args(["-p", &self.port.to_string(), "-h"])
            .arg(self.place.path())
            .arg("-f")
            .arg(script)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn keep(&self, state: &str) {
        self.run(&format!(
            "\\c states\nDELETE FROM kept.states; INSERT INTO kept.states (name, data) VALUES ('default', $a${state}$a$);"
        ));
    }

    /// A way in over TLS, with more settings.
    fn address(&self, more: &str) -> String {
        let port = self.port;
        format!("postgres://app:a-secret@127.0.0.1:{port}/states?{more}")
    }

    fn authority(&self) -> String {
        format!("sslrootcert={}", self.bed.path("authority.pem").display())
    }
}

fn listening(programs: &Path, place: &Path, port: u16) -> Option<Child> {
    let log = place.join("log");
    let file = |name: &str| place.join(name).display().to_string();
    let settings = [
        format!("port={port}"),
        "listen_addresses=127.0.0.1".to_owned(),
        format!("unix_socket_directories={}", place.display()),
        "ssl=on".to_owned(),
        format!("ssl_cert_file={}", file("server.pem")),
        format!("ssl_key_file={}", file("server.key")),
        "fsync=off".to_owned(),
    ];
    let mut process = unprivileged(&programs.join("postgres"))
        .arg("-D")
        .arg(place.join("data"))
        .args(settings.iter().flat_map(|setting| ["-c", setting]))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    while process.try_wait().unwrap().is_none() {
        let said = fs::read_to_string(&log).unwrap();
        if said.contains("database system is ready to accept connections") {
            return Some(process);
        }
        std::thread::yield_now();
    }
    let said = fs::read_to_string(&log).unwrap();
    assert!(said.contains("Address already in use"), "{said}");
    None
}

fn config(address: &str, schema: &str) -> Value {
    object([("conn_str", address), ("schema_name", schema)])
}

impl StatesFixture for Database {
    fn backend(&self) -> String {
        "pg".to_owned()
    }

    fn keeping(&self, bytes: &[u8]) -> Value {
        self.keep(std::str::from_utf8(bytes).unwrap());
        config(&self.address(&self.authority()), "kept")
    }

    fn empty(&self) -> Value {
        config(&self.address(""), "empty")
    }

    /// The schema is not there, which does not say that there is no state.
    fn away(&self) -> Value {
        config(&self.address(""), "away")
    }
}

async fn has(states: &Backends, config: &Value) -> Option<Vec<u8>> {
    states.state("pg", config, "default").await.unwrap()
}

#[tokio::test]
async fn rows_are_read_as_far_as_servers_are_trusted() {
    let Some(database) = Database::start() else {
        return;
    };
    let states = backends(&[]);
    conformance::states(&states, &database).await;
    database.keep("{}");
    let kept = Some(b"{}".to_vec());
    let authority = database.authority();
    for way in [
        "",
        "sslmode=require",
        "sslmode=verify-full",
        "sslmode=verify-ca",
    ] {
        let address = database.address(&format!("{way}&{authority}"));
        assert_eq!(has(&states, &config(&address, "kept")).await, kept, "{way}");
    }
    // Nobody who vouches for it is known, and require does not ask.
    assert_eq!(
        has(&states, &config(&database.address(""), "kept")).await,
        kept
    );
    let port = database.port;
    let plain = format!(
        "host=127.0.0.1 port={port} user=plain password=a-secret dbname=states sslmode=disable"
    );
    assert_eq!(has(&states, &config(&plain, "kept")).await, kept);
    let directory = database.place.path().display();
    let socket = format!("host={directory} port={port} user=app dbname=states search_path=kept");
    assert_eq!(has(&states, &config(&socket, "kept")).await, kept);

    // The certificate is not one for this name, and that of another authority.
    let other = Bed::new("");
    crate::tls::certificate(&other, &[]);
    let stranger = format!("sslrootcert={}", other.path("authority.pem").display());
    let by_name = |way: &str| database.address(way).replace("127.0.0.1", "localhost");
    let any_name = config(&by_name(&format!("sslmode=verify-ca&{authority}")), "kept");
    assert_eq!(has(&states, &any_name).await, kept);
    let place = |host: &str, schema: &str| {
        format!("postgres://{host}:{port}/states/{schema}.states/default")
    };
    for (address, said) in [
        (
            by_name(&format!("sslmode=verify-full&{authority}")),
            "certificate not valid for name",
        ),
        (
            database.address(&format!("sslmode=verify-ca&{stranger}")),
            "BadSignature",
        ),
        (database.address(&stranger), "BadSignature"),
        (
            database.address("").replace("a-secret", "wrong"),
            "the database says: password authentication failed for user \"app\"",
        ),
        (
            database.address("sslmode=disable"),
            "the database says: no pg_hba.conf entry for host",
        ),
    ] {
        let found = why(&states, "pg", &config(&address, "kept")).await;
        assert!(found.contains(said), "{address}: {found}");
        assert!(
            !found.contains("a-secret") && !found.contains("wrong"),
            "{found}"
        );
    }
    let found = why(&states, "pg", &database.away()).await;
    assert_eq!(
        found,
        format!(
            "{}: the database has no table away.states: see to schema_name; where there is no state yet, `terraform init` \
             makes it",
            place("127.0.0.1", "away")
        )
    );
    let arguments = [
        ("conn_str", database.address("")),
        ("schema_name", "kept".to_owned()),
    ];
    let arguments = arguments.map(|(name, text)| (name.to_owned(), text)).into();
    let long = states
        .fetch("pg", &arguments, "default", 1)
        .await
        .unwrap_err();
    assert_eq!(long.why, "the state is longer than 1 bytes");
}

#[tokio::test]
async fn what_is_no_database_is_an_error() {
    let server = crate::server::Server::start().await;
    let port = server.port();
    let states = backends(&[("HOME", "/nonexistent")]);
    for way in ["disable", "require"] {
        let address = format!("postgres://u:a-secret@127.0.0.1:{port}/d?sslmode={way}");
        let found = why(&states, "pg", &config(&address, "s")).await;
        assert!(!found.contains("a-secret"), "{found}");
    }
    let address = "postgres://u:a-secret@127.0.0.1:1/d";
    let found = why(&states, "pg", &config(address, "s")).await;
    let refused = "postgres://127.0.0.1:1/d/s.states/default: the database cannot be reached: Connection refused";
    assert!(found.starts_with(refused), "{found}");
}

#[tokio::test]
async fn what_terraform_wrote_is_read() {
    let Some(database) = Database::start() else {
        return;
    };
    let bed = &database.bed;
    bed.write(
        "project/main.tf",
        "terraform {\n  backend \"pg\" {\n    schema_name = \"a schema\"\n  }\n}\n\
         resource \"terraform_data\" \"a\" {\n  input = \"a\"\n}\n",
    );
    let address = database.address(&database.authority());
    let terraform = |arguments: &[&str]| {
        let run = Command::new("terraform")
            .args(arguments)
            .current_dir(bed.project())
            .env_clear()
            .envs(bed.environment())
            .env("CHECKPOINT_DISABLE", "1")
            .env("PG_CONN_STR", &address)
            .output()
            .ok()?;
        let said = String::from_utf8_lossy(&run.stderr).into_owned();
        assert!(run.status.success(), "{said}");
        Some(String::from_utf8(run.stdout).unwrap())
    };
    if terraform(&["init", "-no-color"]).is_none() {
        return;
    }
    let states = backends(&[("PG_CONN_STR", &address)]);
    let config = object([("schema_name", "a schema")]);
    for workspace in ["default", "eu"] {
        if workspace != "default" {
            terraform(&["workspace", "new", workspace]);
        }
        terraform(&["apply", "-auto-approve", "-no-color"]);
        let found = states
            .state("pg", &config, workspace)
            .await
            .unwrap()
            .unwrap();
        let found: serde_json::Value = serde_json::from_slice(&found).unwrap();
        let pulled = terraform(&["state", "pull"]).unwrap();
        let pulled: serde_json::Value = serde_json::from_str(&pulled).unwrap();
        assert_eq!(found, pulled);
        assert_eq!(found["resources"][0]["name"], "a");
    }
    let nothing = states.state("pg", &config, "other").await;
    assert_eq!(nothing, Ok(None));
}
