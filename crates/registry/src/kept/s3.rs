//! The backend `s3`: an object of a bucket, behind a presigned address (AWS Signature Version 4, "Authenticating
//! Requests: Using Query Parameters").
//!
//! Nothing but that address has to be handed on; where the settings ask for what it cannot carry, they are refused.

use super::{Address, Asked, DEFAULT_WORKSPACE, Kept, NOT_IN_PATH, RESERVED, Way, keyed};
use percent_encoding::utf8_percent_encode;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use value::Moment;

/// How long a presigned address holds.
const PRESIGNED_SECONDS: u32 = 900;

/// Settings of a backend `s3` that change who asks or what is answered, in ways that no address can say.
const S3_REFUSED: [(&str, &str); 6] = [
    ("assume_role", ROLE),
    ("assume_role_with_web_identity", ROLE),
    ("role_arn", ROLE),
    ("sse_customer_key", "a key of the customer is not sent"),
    ("custom_ca_bundle", "set SSL_CERT_FILE instead"),
    ("http_proxy", "set HTTP_PROXY or HTTPS_PROXY instead"),
];
const ROLE: &str = "roles are not assumed here: set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN to \
    credentials of that role";

/// An object of a bucket, as the backend `s3` of Terraform 1.11 names it.
pub(super) fn kept(asked: &Asked<'_>) -> Result<Kept, String> {
    if let Some((name, why)) = S3_REFUSED.iter().find(|(name, _)| asked.has(name)) {
        return Err(format!("the backend has {name}, but {why}"));
    }
    let bucket = asked.required("bucket", &[])?;
    let key = asked.required("key", &[])?;
    let key = key.trim_start_matches('/');
    let prefix = asked.value("workspace_key_prefix", &[]);
    let key = match asked.workspace {
        DEFAULT_WORKSPACE => key.to_owned(),
        workspace => format!("{}/{workspace}/{key}", prefix.as_deref().unwrap_or("env:")),
    };
    let profile = Profile::load(asked)?;
    let region = asked
        .value("region", &["AWS_REGION", "AWS_DEFAULT_REGION"])
        .or_else(|| profile.get("region"))
        .ok_or("the backend has no region: write it, or set AWS_REGION")?;
    let endpoint = asked
        .value(
            "endpoints.s3",
            &["AWS_ENDPOINT_URL_S3", "AWS_S3_ENDPOINT", "AWS_ENDPOINT_URL"],
        )
        .or_else(|| asked.value("endpoint", &[]));
    // The certificate of a host with the bucket before it holds for one name only.
    let in_path =
        asked.says("use_path_style") || asked.says("force_path_style") || bucket.contains('.');
    let endpoint = endpoint.unwrap_or_else(|| format!("https://s3.{region}.amazonaws.com"));
    let (scheme, host) = endpoint.split_once("://").ok_or_else(|| {
        format!("its endpoint {endpoint} is no address: it begins with http:// or https://")
    })?;
    let host = host.trim_end_matches('/');
    let path = utf8_percent_encode(&key, NOT_IN_PATH);
    let (host, path) = match in_path {
        true => (host.to_owned(), format!("/{bucket}/{path}")),
        false => (format!("{bucket}.{host}"), format!("/{path}")),
    };
    let signed = Signer {
        credentials: &profile.credentials(asked)?,
        region: &region,
        now: Moment::of_ms(asked.now_ms),
    };
    let query = signed.get(&host.to_ascii_lowercase(), &path);
    Ok(Kept {
        shown: format!("s3://{bucket}/{key}"),
        way: Way::Address(Address {
            url: format!("{scheme}://{host}{path}?{query}"),
            absent: Some("<Code>NoSuchKey</Code>"),
            ..Address::default()
        }),
    })
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Credentials {
    access_key: String,
    secret_key: String,
    token: Option<String>,
}

/// What the shared files of AWS say of one profile (AWS SDKs and Tools Reference Guide, "Shared config and credentials
/// files").
#[derive(Debug, Default)]
struct Profile {
    name: String,
    /// It was asked for by its name.
    is_chosen: bool,
    values: BTreeMap<String, String>,
}

impl Profile {
    /// Reads both files; one that is not there says nothing.
    fn load(asked: &Asked<'_>) -> Result<Self, String> {
        let chosen = asked.value("profile", &["AWS_PROFILE"]);
        let mut profile = Self {
            is_chosen: chosen.is_some(),
            name: chosen.unwrap_or_else(|| DEFAULT_WORKSPACE.to_owned()),
            values: BTreeMap::new(),
        };
        let home = asked.settings.variable("HOME").unwrap_or_default();
        let file = |arguments: &[&str], variable: &str, name: &str| -> PathBuf {
            let written = arguments.iter().find_map(|one| asked.value(one, &[]));
            let path = written.or_else(|| asked.value("", &[variable]));
            path.map_or_else(|| Path::new(home).join(".aws").join(name), PathBuf::from)
        };
        let config = file(&["shared_config_files.0"], "AWS_CONFIG_FILE", "config");
        let credentials = file(
            &["shared_credentials_files.0", "shared_credentials_file"],
            "AWS_SHARED_CREDENTIALS_FILE",
            "credentials",
        );
        // The second counts where both say something.
        for path in [config, credentials] {
            match std::fs::read_to_string(&path) {
                Ok(text) => profile.read(&text),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(format!("{} cannot be read: {error}", path.display())),
            }
        }
        Ok(profile)
    }

    /// Takes what a text says of this profile: sections in brackets, in which a name and a value stand on each line.
    fn read(&mut self, text: &str) {
        let mut is_ours = false;
        for line in text.lines() {
            let line = line.trim();
            if let Some(section) = line
                .strip_prefix('[')
                .and_then(|rest| rest.split(']').next())
            {
                let section = section.trim();
                let name = section.strip_prefix("profile ").unwrap_or(section);
                is_ours = name.trim() == self.name;
            } else if is_ours
                && !line.starts_with(['#', ';'])
                && let Some((name, value)) = line.split_once('=')
            {
                let name = name.trim().to_ascii_lowercase();
                self.values.insert(name, value.trim().to_owned());
            }
        }
    }

    fn get(&self, name: &str) -> Option<String> {
        self.values.get(name).cloned()
    }

    /// The block, a profile that was asked for, the environment, the default profile: whoever is first to name a key.
    fn credentials(&self, asked: &Asked<'_>) -> Result<Credentials, String> {
        let written = || {
            Some(Credentials {
                access_key: asked.value("access_key", &[])?,
                secret_key: asked.value("secret_key", &[])?,
                token: asked.value("token", &[]),
            })
        };
        let set = || {
            Some(Credentials {
                access_key: asked.value("", &["AWS_ACCESS_KEY_ID"])?,
                secret_key: asked.value("", &["AWS_SECRET_ACCESS_KEY"])?,
                token: asked.value("", &["AWS_SESSION_TOKEN"]),
            })
        };
        let shared = || {
            Some(Credentials {
                access_key: self.get("aws_access_key_id")?,
                secret_key: self.get("aws_secret_access_key")?,
                token: self.get("aws_session_token"),
            })
        };
        let found = match self.is_chosen {
            true => written().or_else(shared),
            false => written().or_else(set).or_else(shared),
        };
        found.ok_or_else(|| match self.is_chosen {
            true => format!(
                "no access key is known of the profile {}: it needs aws_access_key_id and aws_secret_access_key in \
                 ~/.aws/credentials",
                self.name
            ),
            false => "no credentials are known: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile"
                .to_owned(),
        })
    }
}

/// Signs addresses.
struct Signer<'a> {
    credentials: &'a Credentials,
    region: &'a str,
    now: Moment,
}

impl Signer<'_> {
    /// The query that opens a path of a host for reading; the path is one of a URL already.
    fn get(&self, host: &str, path: &str) -> String {
        let Moment {
            year, month, day, ..
        } = self.now;
        let date = format!("{year:04}{month:02}{day:02}");
        let Moment {
            hour,
            minute,
            second,
            ..
        } = self.now;
        let time = format!("{date}T{hour:02}{minute:02}{second:02}Z");
        let scope = format!("{date}/{}/s3/aws4_request", self.region);
        let who = format!("{}/{scope}", self.credentials.access_key);
        let mut query = format!(
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={}&X-Amz-Date={time}&X-Amz-Expires={PRESIGNED_SECONDS}",
            utf8_percent_encode(&who, RESERVED)
        );
        // In the order of their names, as they are signed.
        if let Some(token) = &self.credentials.token {
            query.push_str("&X-Amz-Security-Token=");
            query.extend(utf8_percent_encode(token, RESERVED));
        }
        query.push_str("&X-Amz-SignedHeaders=host");
        let request = format!("GET\n{path}\n{query}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD");
        let digest = hex(&Sha256::digest(request.as_bytes()));
        let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{digest}");
        let first = format!("AWS4{}", self.credentials.secret_key).into_bytes();
        let key = [&*date, self.region, "s3", "aws4_request"]
            .iter()
            .fold(first, |key, part| keyed(&key, part));
        query + "&X-Amz-Signature=" + &hex(&keyed(&key, &text))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{address, ask};

    const KEYS: [(&str, &str); 2] = [
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
        (
            "AWS_SECRET_ACCESS_KEY",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        ),
    ];

    /// What botocore 1.42 signs for the same (`S3SigV4QueryAuth`).
    #[test]
    fn addresses_are_signed_as_others_sign_them() {
        let examples = [
            ("bucket", "examplebucket"),
            ("key", "test.txt"),
            ("region", "us-east-1"),
        ];
        let (shown, kept) = address("s3", "default", &examples, &KEYS).unwrap();
        assert_eq!(shown, "s3://examplebucket/test.txt");
        assert_eq!(
            kept.url,
            "https://examplebucket.s3.us-east-1.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256\
             &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request\
             &X-Amz-Date=20130524T000000Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host\
             &X-Amz-Signature=db2386a0383be8f8e71c9a55425dbea213b9eb6f8639809046db72ac57b6d118"
        );
        let session = [KEYS[0], KEYS[1], ("AWS_SESSION_TOKEN", "tok/en==")];
        let other = [
            ("bucket", "examplebucket"),
            ("key", "k+é.tfstate"),
            ("region", "eu-west-1"),
        ];
        let (shown, kept) = address("s3", "a b", &other, &session).unwrap();
        assert_eq!(shown, "s3://examplebucket/env:/a b/k+é.tfstate");
        let beginning =
            "https://examplebucket.s3.eu-west-1.amazonaws.com/env%3A/a%20b/k%2B%C3%A9.tfstate?";
        assert!(kept.url.starts_with(beginning), "{}", kept.url);
        let signature = "6abc84aa1b4ab35b1967850a0cefb088cb1725c4355853eb9e9c14cfe2bad766";
        assert!(kept.url.ends_with(signature), "{}", kept.url);
    }

    #[test]
    fn buckets_stand_in_the_path_where_a_host_could_not_have_their_name() {
        let place = |more: &[(&str, &str)]| {
            let mut arguments = vec![("key", "k"), ("region", "r")];
            arguments.extend_from_slice(more);
            let (_, kept) = address("s3", "default", &arguments, &KEYS).unwrap();
            kept.url.split('?').next().unwrap().to_owned()
        };
        assert_eq!(place(&[("bucket", "b")]), "https://b.s3.r.amazonaws.com/k");
        assert_eq!(
            place(&[("bucket", "b.c")]),
            "https://s3.r.amazonaws.com/b.c/k"
        );
        let own = ("endpoints.s3", "http://127.0.0.1:9000/");
        assert_eq!(place(&[("bucket", "b"), own]), "http://b.127.0.0.1:9000/k");
        let path_style = [("bucket", "b"), own, ("use_path_style", "true")];
        assert_eq!(place(&path_style), "http://127.0.0.1:9000/b/k");
    }

    #[test]
    fn profiles_are_read_from_the_shared_files() {
        let home = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            std::fs::create_dir_all(home.path().join(".aws")).unwrap();
            std::fs::write(home.path().join(".aws").join(name), text).unwrap();
        };
        write(
            "config",
            "[default]\nregion = r1\n[profile other]\nregion=r2 \n# aws_access_key_id = no\n",
        );
        write(
            "credentials",
            "[default]\naws_access_key_id = one\naws_secret_access_key = s\n\n[other]\nAWS_ACCESS_KEY_ID=two\naws_secret_access_key=s\n",
        );
        let home = ("HOME", home.path().to_str().unwrap());
        let who = |arguments: &[(&str, &str)], environment: &[(&str, &str)]| {
            let arguments = [&[("bucket", "b"), ("key", "k")], arguments].concat();
            let environment = [&[home], environment].concat();
            let (_, kept) = address("s3", "default", &arguments, &environment)?;
            let (_, credential) = kept.url.split_once("Credential=").unwrap();
            let mut parts = credential.split("%2F");
            Ok::<_, String>([parts.next().unwrap(), parts.nth(1).unwrap()].join(" "))
        };
        assert_eq!(who(&[], &[]).unwrap(), "one r1");
        assert_eq!(who(&[("profile", "other")], &KEYS).unwrap(), "two r2");
        assert_eq!(who(&[], &[("AWS_PROFILE", "other")]).unwrap(), "two r2");
        assert_eq!(who(&[], &KEYS).unwrap(), "AKIAIOSFODNN7EXAMPLE r1");
        let written = [
            ("access_key", "three"),
            ("secret_key", "s"),
            ("region", "r3"),
        ];
        assert_eq!(who(&written, &KEYS).unwrap(), "three r3");
        let nobody = who(&[("profile", "nobody"), ("region", "r")], &[]).unwrap_err();
        assert!(
            nobody.contains("no access key is known of the profile nobody"),
            "{nobody}"
        );
    }

    #[test]
    fn what_an_address_cannot_say_is_refused() {
        let cases: [(&[(&str, &str)], &str); 4] = [
            (&[("key", "k")], "the backend has no bucket: write it"),
            (&[("bucket", "b")], "the backend has no key: write it"),
            (
                &[("bucket", "b"), ("key", "k")],
                "the backend has no region: write it, or set AWS_REGION",
            ),
            (
                &[("bucket", "b"), ("key", "k"), ("assume_role.role_arn", "x")],
                "the backend has assume_role, but roles are not assumed here: set AWS_ACCESS_KEY_ID, \
                 AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN to credentials of that role",
            ),
        ];
        for (arguments, why) in cases {
            assert_eq!(ask("s3", "default", arguments, &KEYS).unwrap_err(), why);
        }
        let region = [("bucket", "b"), ("key", "k"), ("region", "r")];
        let nobody = ask("s3", "default", &region, &[]).unwrap_err();
        assert!(
            nobody.starts_with("no credentials are known: set AWS_ACCESS_KEY_ID"),
            "{nobody}"
        );
    }
}
