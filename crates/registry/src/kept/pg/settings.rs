//! What says where a database is, as lib/pq 1.10 reads it: a connection string, which is an address or pairs, libpq's
//! variables of the environment, a file of passwords.

use super::super::Asked;
use super::tls::{Mode, Tls};
use percent_encoding::percent_decode_str;
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;

/// Variables of the environment, and what they say.
const VARIABLES: [(&str, &str); 13] = [
    ("PGHOST", "host"),
    ("PGPORT", "port"),
    ("PGDATABASE", "dbname"),
    ("PGUSER", "user"),
    ("PGPASSWORD", "password"),
    ("PGPASSFILE", "passfile"),
    ("PGOPTIONS", "options"),
    ("PGAPPNAME", "application_name"),
    ("PGSSLMODE", "sslmode"),
    ("PGSSLCERT", "sslcert"),
    ("PGSSLKEY", "sslkey"),
    ("PGSSLROOTCERT", "sslrootcert"),
    ("PGTZ", "timezone"),
];

/// Variables that lib/pq does not take, because they would be passed over.
const REFUSED: [&str; 6] = [
    "PGHOSTADDR",
    "PGSERVICE",
    "PGSERVICEFILE",
    "PGREQUIRESSL",
    "PGSSLCRL",
    "PGREQUIREPEER",
];

/// What changes nothing about one question.
const PASSED_OVER: [&str; 7] = [
    "binary_parameters",
    "client_encoding",
    "connect_timeout",
    "datestyle",
    "disable_prepared_binary_result",
    "fallback_application_name",
    "sslsni",
];

/// A way to a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Connection {
    /// A name, or a directory with a socket.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) user: String,
    pub(super) password: Option<String>,
    pub(super) database: String,
    /// Settings of the session.
    pub(super) options: String,
    pub(super) application: String,
    pub(super) tls: Tls,
}

impl Connection {
    /// What the connection string says, or the environment.
    pub(super) fn find(asked: &Asked<'_>) -> Result<Self, String> {
        let refused = REFUSED
            .iter()
            .find(|name| asked.settings.variable(name).is_some());
        if let Some(name) = refused {
            return Err(format!(
                "{name} is set, which Terraform does not take: say it in conn_str"
            ));
        }
        let mut settings = BTreeMap::new();
        for (variable, name) in VARIABLES {
            if let Some(value) = asked.settings.variable(variable) {
                settings.insert(name.to_owned(), value.to_owned());
            }
        }
        let text = asked
            .value("conn_str", &["PG_CONN_STR"])
            .unwrap_or_default();
        let is_address = text.starts_with("postgres://") || text.starts_with("postgresql://");
        // What is wrong with it is not repeated: there may be a password in it.
        let read = match is_address {
            true => address(&text).ok_or("its conn_str is no address of a database"),
            false => pairs(&text)
                .ok_or("its conn_str is neither an address of a database nor made of pairs"),
        };
        settings.extend(read?);
        Self::of(asked, settings)
    }

    fn of(asked: &Asked<'_>, mut settings: BTreeMap<String, String>) -> Result<Self, String> {
        let mut take = |name: &str| settings.remove(name).filter(|value| !value.is_empty());
        let host = take("host").unwrap_or_else(|| "localhost".to_owned());
        let port = take("port").unwrap_or_else(|| "5432".to_owned());
        let user = take("user").or_else(|| asked.value("", &["USER"]));
        let user =
            user.ok_or("no user of the database is known: write it into conn_str, or set PGUSER")?;
        let database = take("dbname").unwrap_or_else(|| user.clone());
        let passwords = take("passfile").map(|path| asked.path(&path));
        let passwords = passwords.unwrap_or_else(|| asked.path("~/.pgpass"));
        let password = take("password").or_else(|| {
            // Only what nobody else can read is taken.
            let is_own = std::fs::metadata(&passwords).is_ok_and(|file| file.mode() & 0o77 == 0);
            let text = is_own
                .then(|| std::fs::read_to_string(&passwords).ok())
                .flatten()?;
            let host = if host.starts_with('/') {
                "localhost"
            } else {
                &host
            };
            password(&text, [host, &port, &database, &user])
        });
        let tls = encryption(asked, &host, &mut take)?;
        let application = settings.remove("application_name").unwrap_or_default();
        let mut options = settings.remove("options").unwrap_or_default();
        // Everything else is a setting of the session.
        settings.retain(|name, _| !PASSED_OVER.contains(&name.as_str()));
        for (name, value) in settings {
            let value = value.replace('\\', "\\\\").replace(' ', "\\ ");
            options.push_str(&format!(" -c {name}={value}"));
        }
        let port = port
            .parse()
            .map_err(|_| format!("its port {port} is none"))?;
        Ok(Self {
            host,
            port,
            user,
            password,
            database,
            options: options.trim_start().to_owned(),
            application,
            tls,
        })
    }

    /// What people may see of it.
    pub(super) fn shown(&self) -> String {
        format!("postgres://{}:{}/{}", self.host, self.port, self.database)
    }
}

/// What is said about encryption.
fn encryption(
    asked: &Asked<'_>,
    host: &str,
    take: &mut impl FnMut(&str) -> Option<String>,
) -> Result<Tls, String> {
    let mode = match take("sslmode").as_deref() {
        // A socket of this machine is not encrypted.
        _ if host.starts_with('/') => Mode::Disable,
        None | Some("require") => Mode::Require,
        Some("disable") => Mode::Disable,
        Some("verify-ca") => Mode::VerifyCa,
        Some("verify-full") => Mode::VerifyFull,
        Some(mode) => {
            return Err(format!(
                "its sslmode {mode} is not one that Terraform takes: require, verify-full, verify-ca and disable are"
            ));
        }
    };
    if take("sslinline").is_some() || take("sslpassword").is_some() {
        return Err(
            "certificates within conn_str, and keys with a password, are not used here: name files"
                .to_owned(),
        );
    }
    let mut file = |name: &str, at_home: Option<&str>| {
        let at_home = || {
            at_home
                .map(|name| asked.path(name))
                .filter(|path| path.exists())
        };
        take(name).map(|path| asked.path(&path)).or_else(at_home)
    };
    Ok(Tls {
        mode,
        authority: file("sslrootcert", None),
        certificate: file("sslcert", Some("~/.postgresql/postgresql.crt")),
        key: file("sslkey", Some("~/.postgresql/postgresql.key")),
    })
}

/// The settings in an address: `postgres://user:password@host:port/database?name=value`.
fn address(text: &str) -> Option<BTreeMap<String, String>> {
    let plain = |text: &str| {
        let text = percent_decode_str(text).decode_utf8().ok()?;
        Some(text.into_owned())
    };
    let mut settings = BTreeMap::new();
    let mut set = |name: &str, value: &str| {
        let value = plain(value)?;
        if !value.is_empty() {
            settings.insert(name.to_owned(), value);
        }
        Some(())
    };
    let (_, rest) = text.split_once("://")?;
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
    let (login, place) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    // A colon within brackets is one of an address of IPv6.
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port),
        _ => (place, ""),
    };
    set("user", user)?;
    set("password", password)?;
    set("host", host.trim_matches(['[', ']']))?;
    set("port", port)?;
    set("dbname", database)?;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=')?;
        set(&plain(name)?, &value.replace('+', " "))?;
    }
    Some(settings)
}

/// The settings in pairs: `name=value name = 'value with spaces'`; a backslash keeps what follows it as it is.
fn pairs(text: &str) -> Option<BTreeMap<String, String>> {
    let mut settings = BTreeMap::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=')?;
        let name = name.trim();
        if name.is_empty() || name.contains(char::is_whitespace) {
            return None;
        }
        let after = after.trim_start();
        let quoted = after.strip_prefix('\'');
        let after = quoted.unwrap_or(after);
        let mut value = String::new();
        let mut characters = after.char_indices();
        let mut end = after.len();
        let mut is_open = quoted.is_some();
        while let Some((at, character)) = characters.next() {
            match character {
                '\\' => value.push(characters.next()?.1),
                '\'' if quoted.is_some() => {
                    (is_open, end) = (false, at + 1);
                    break;
                }
                character if quoted.is_none() && character.is_whitespace() => {
                    end = at;
                    break;
                }
                character => value.push(character),
            }
        }
        if is_open {
            return None;
        }
        settings.insert(name.to_owned(), value);
        rest = after.get(end..)?.trim_start();
    }
    Some(settings)
}

/// The password in a file of them, for host, port, database and user ("The Password File" of PostgreSQL's manual).
fn password(text: &str, wanted: [&str; 4]) -> Option<String> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .find_map(|line| {
            let mut fields = vec![String::new()];
            let mut characters = line.chars();
            while let Some(character) = characters.next() {
                match (character, fields.last_mut()) {
                    (':', _) => fields.push(String::new()),
                    ('\\', Some(field)) => field.extend(characters.next()),
                    (character, Some(field)) => field.push(character),
                    (_, None) => {}
                }
            }
            let [host, port, database, user, password] = fields.try_into().ok()?;
            let fits = [host, port, database, user];
            let mut fits = fits.iter().zip(wanted);
            let fits = fits.all(|(field, wanted)| field == "*" || field == wanted);
            fits.then_some(password)
        })
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::ask;
    use super::super::super::{Kept, Way};
    use super::*;

    fn kept(arguments: &[(&str, &str)], environment: &[(&str, &str)]) -> Result<Kept, String> {
        ask("pg", "eu", arguments, environment).map(Option::unwrap)
    }

    fn connection(text: &str, environment: &[(&str, &str)]) -> Result<Connection, String> {
        match kept(&[("conn_str", text)], environment)?.way {
            Way::Row(row) => Ok(row.connection),
            way => panic!("{way:?}"),
        }
    }

    #[test]
    fn rows_are_named_as_terraform_names_them() {
        let at = ("conn_str", "postgres://me:a-secret@db.example/states");
        let shown = kept(&[at], &[]).unwrap().shown;
        let place = "postgres://db.example:5432/states";
        assert_eq!(shown, format!("{place}/terraform_remote_state.states/eu"));
        let set = [("PG_SCHEMA_NAME", "set"), ("PG_CONN_STR", at.1)];
        assert_eq!(
            kept(&[], &set).unwrap().shown,
            format!("{place}/set.states/eu")
        );
        let written = [("schema_name", "written")];
        let shown = kept(&written, &set).unwrap().shown;
        assert_eq!(shown, format!("{place}/written.states/eu"));
    }

    #[test]
    fn addresses_and_pairs_say_the_same() {
        let one = "postgresql://me:a%3Ab%40c@[::1]:5433/a%20b?sslmode=verify-ca&search_path=x%20y&application_name=n";
        let one = connection(one, &[("HOME", "/nonexistent")]).unwrap();
        let pairs = r"host=::1 port = '5433' user=me password='a:b@c' dbname=a\ b sslmode=verify-ca search_path='x y' application_name=n";
        assert_eq!(connection(pairs, &[("HOME", "/nonexistent")]).unwrap(), one);
        assert_eq!((one.host.as_str(), one.port), ("::1", 5433));
        assert_eq!(one.password.as_deref(), Some("a:b@c"));
        assert_eq!((&*one.user, &*one.database), ("me", "a b"));
        assert_eq!(one.options, r"-c search_path=x\ y");
        assert_eq!(one.application, "n");
        assert_eq!(one.tls.mode, Mode::VerifyCa);
    }

    #[test]
    fn what_is_not_said_is_set_or_usual() {
        let set = [
            ("PGHOST", "h"),
            ("PGPORT", "1"),
            ("PGUSER", "u"),
            ("PGPASSWORD", "p"),
            ("PGSSLMODE", "disable"),
            ("PGOPTIONS", "-c a=b"),
        ];
        let found = connection("host=other connect_timeout=3", &set).unwrap();
        assert_eq!(found.shown(), "postgres://other:1/u");
        assert_eq!(found.password.as_deref(), Some("p"));
        assert_eq!(found.tls.mode, Mode::Disable);
        assert_eq!(found.options, "-c a=b");
        let found = connection("", &[("USER", "somebody")]).unwrap();
        assert_eq!(found.shown(), "postgres://localhost:5432/somebody");
        assert_eq!((found.tls.mode, found.password), (Mode::Require, None));
        let socket = connection("host=/run/postgresql user=u sslmode=verify-full", &[]).unwrap();
        assert_eq!(socket.tls.mode, Mode::Disable);
    }

    #[test]
    fn passwords_are_looked_up_in_a_file_of_ones_own() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(".pgpass");
        let text = "# h:*:*:*:no\nh:5432:d:other:no\nshort\nh:*:d:u:a\\:b\n*:*:*:*:last\n";
        std::fs::write(&path, text).unwrap();
        let home = [("HOME", home.path().to_str().unwrap())];
        let found = |text: &str| connection(text, &home).unwrap().password;
        let open = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode));
        open(0o644).unwrap();
        assert_eq!(found("host=h user=u dbname=d"), None);
        open(0o600).unwrap();
        assert_eq!(found("host=h user=u dbname=d").as_deref(), Some("a:b"));
        assert_eq!(found("host=x user=u").as_deref(), Some("last"));
        assert_eq!(
            found("host=h user=u dbname=d password=p").as_deref(),
            Some("p")
        );
    }

    #[test]
    fn what_is_not_understood_is_refused_without_its_secrets() {
        for text in [
            "a-secret",
            "password='a-secret",
            "password=a-secret\\",
            "=a-secret",
            "a b=a-secret",
            "user=u password='a-secret'x",
        ] {
            let why = connection(text, &[]).unwrap_err();
            assert_eq!(
                why,
                "its conn_str is neither an address of a database nor made of pairs"
            );
        }
        for text in ["postgres://u:%ff@h/d", "postgres://u:a-secret@h/d?a-secret"] {
            let why = connection(text, &[]).unwrap_err();
            assert_eq!(why, "its conn_str is no address of a database");
        }
        for (text, why) in [
            (
                "host=h",
                "no user of the database is known: write it into conn_str, or set PGUSER",
            ),
            ("user=u port=x", "its port x is none"),
            (
                "user=u sslmode=prefer",
                "its sslmode prefer is not one that Terraform takes: require, verify-full, verify-ca and disable are",
            ),
            (
                "user=u sslinline=true",
                "certificates within conn_str, and keys with a password, are not used here: name files",
            ),
        ] {
            assert_eq!(connection(text, &[]).unwrap_err(), why);
        }
        let why = connection("user=u", &[("PGSERVICE", "x")]).unwrap_err();
        assert_eq!(
            why,
            "PGSERVICE is set, which Terraform does not take: say it in conn_str"
        );
    }
}
