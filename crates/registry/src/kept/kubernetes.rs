//! The backend `kubernetes`: Secrets of a cluster, as Terraform 1.11 labels and fills them: gzip, cut into parts where
//! it is large.
//!
//! `kubectl` asks, which knows every way into a cluster: certificates, programs that log in, proxies. It is given a
//! configuration of its own, made of the files that the settings name with what else they say put over it, so that no
//! secret stands among its arguments and nothing else on this machine, such as `~/.kube/config`, is followed, which
//! Terraform does not follow either.

use super::program::Run;
use super::{Asked, Kept, Way};
use crate::Settings;
use crate::limits::{KUBE_CONFIG_BYTES_MAX, SECRETS_PER_BYTE};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::path::Path;

/// Where a pod finds what it may do.
const POD: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// The name of everything in the configuration that is made here.
const OWN: &str = "steadfast";

/// What to do without the program.
const OTHERWISE: &str =
    "install it, or bring the state here with `terraform state pull > terraform.tfstate`";

/// Settings that go into the description of the cluster, with their variables.
const CLUSTER: [(&str, &str, &str); 3] = [
    ("host", "KUBE_HOST", "server"),
    (
        "cluster_ca_certificate",
        "KUBE_CLUSTER_CA_CERT_DATA",
        "certificate-authority-data",
    ),
    ("proxy_url", "KUBE_PROXY_URL", "proxy-url"),
];

/// Settings that go into the description of the user, with their variables.
const USER: [(&str, &str, &str); 5] = [
    ("username", "KUBE_USER", "username"),
    ("password", "KUBE_PASSWORD", "password"),
    ("token", "KUBE_TOKEN", "token"),
    (
        "client_certificate",
        "KUBE_CLIENT_CERT_DATA",
        "client-certificate-data",
    ),
    ("client_key", "KUBE_CLIENT_KEY_DATA", "client-key-data"),
];

/// What a setting takes the place of.
const REPLACED: [(&str, &str); 4] = [
    ("certificate-authority-data", "certificate-authority"),
    ("client-certificate-data", "client-certificate"),
    ("client-key-data", "client-key"),
    ("token", "tokenFile"),
];

/// Secrets of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Secrets {
    namespace: String,
    /// Which they are.
    selector: String,
    /// Files that describe clusters, as they stand in a variable; none where there are none.
    files: Option<String>,
    /// Which of what they describe is meant.
    context: Option<String>,
    cluster_name: Option<String>,
    user_name: Option<String>,
    /// What is put over it.
    cluster: Map<String, Value>,
    user: Map<String, Value>,
    /// What must not be shown.
    secrets: Vec<String>,
}

/// The Secrets of a workspace.
pub(super) fn kept(asked: &Asked<'_>) -> Result<Kept, String> {
    let suffix = asked.required("secret_suffix", &[])?;
    let last = suffix.rsplit_once('-').map(|(_, last)| last);
    if last.is_some_and(|last| last.parse::<i64>().is_ok()) {
        return Err(
            "its secret_suffix ends with a number, which Terraform does not take".to_owned(),
        );
    }
    let namespace = asked.value("namespace", &["KUBE_NAMESPACE"]);
    let namespace = namespace.unwrap_or_else(|| "default".to_owned());
    let workspace = asked.workspace;
    let mut cluster = Map::new();
    let mut user = Map::new();
    let mut secrets = Vec::new();
    for (map, settings) in [(&mut cluster, &CLUSTER[..]), (&mut user, &USER[..])] {
        for (argument, variable, key) in settings {
            let Some(text) = asked.value(argument, &[variable]) else {
                continue;
            };
            if matches!(*key, "password" | "token" | "client-key-data") {
                secrets.push(text.clone());
            }
            let text = match key.ends_with("-data") {
                true => STANDARD.encode(text),
                false => text,
            };
            map.insert((*key).to_owned(), text.into());
        }
    }
    if asked.is_on("insecure", &["KUBE_INSECURE"]) {
        cluster.insert("insecure-skip-tls-verify".to_owned(), true.into());
    }
    if let Some(program) = program(asked) {
        user.insert("exec".to_owned(), program);
    }
    let of_pod = asked.is_on("in_cluster_config", &["KUBE_IN_CLUSTER_CONFIG"]);
    let files = match of_pod {
        true => None,
        false => files(asked)?,
    };
    if files.is_none() && !cluster.contains_key("server") {
        pod(asked, &mut cluster, &mut user)?;
    }
    Ok(Kept {
        shown: format!("kubernetes://{namespace}/tfstate-{workspace}-{suffix}"),
        way: Way::Secrets(Secrets {
            namespace,
            selector: selector(asked, &suffix),
            files,
            context: asked.value("config_context", &["KUBE_CTX"]),
            cluster_name: asked.value("config_context_cluster", &["KUBE_CTX_CLUSTER"]),
            user_name: asked.value("config_context_auth_info", &["KUBE_CTX_AUTH_INFO"]),
            cluster,
            user,
            secrets,
        }),
    })
}

/// What finds the Secrets: Terraform's labels, and those of the block.
fn selector(asked: &Asked<'_>, suffix: &str) -> String {
    let mut labels = BTreeMap::from([
        ("tfstate", "true"),
        ("tfstateSecretSuffix", suffix),
        ("tfstateWorkspace", asked.workspace),
        ("app.kubernetes.io/managed-by", "terraform"),
    ]);
    for (name, value) in asked.arguments {
        if let Some(name) = name.strip_prefix("labels.") {
            labels.insert(name, value);
        }
    }
    let labels = labels.iter().map(|(name, value)| format!("{name}={value}"));
    labels.collect::<Vec<_>>().join(",")
}

/// The program that logs in, as it is described for `kubectl`.
fn program(asked: &Asked<'_>) -> Option<Value> {
    // A block is an object, and one of those that may be repeated is a list.
    let get = |name: &str| {
        let names = [format!("exec.{name}"), format!("exec.0.{name}")];
        let mut found = names.iter().map(|name| asked.arguments.get(name));
        found.find_map(|text| text.cloned())
    };
    let command = get("command")?;
    let arguments = (0..).map_while(|index| get(&format!("args.{index}")));
    let of_list = asked.arguments.iter().filter_map(|(name, value)| {
        let name = name.strip_prefix("exec.")?;
        let name = name.strip_prefix("0.").unwrap_or(name);
        let name = name.strip_prefix("env.")?;
        Some(json!({ "name": name, "value": value }))
    });
    Some(json!({
        "apiVersion": get("api_version"),
        "command": command,
        "args": arguments.collect::<Vec<_>>(),
        "env": of_list.collect::<Vec<_>>(),
        "interactiveMode": "Never",
    }))
}

/// The files that describe clusters; those that are not there say nothing.
fn files(asked: &Asked<'_>) -> Result<Option<String>, String> {
    let listed = (0..).map_while(|index| asked.value(&format!("config_paths.{index}"), &[]));
    let mut paths: Vec<String> = match asked.value("config_path", &["KUBE_CONFIG_PATH"]) {
        Some(path) => vec![path],
        None => listed.collect(),
    };
    if paths.is_empty()
        && let Some(set) = asked.value("", &["KUBE_CONFIG_PATHS"])
    {
        paths = set.split(':').map(str::to_owned).collect();
    }
    let paths = paths.iter().filter(|path| !path.is_empty());
    let paths = paths
        .map(|path| asked.path(path))
        .filter(|path| path.exists());
    let paths: Vec<_> = paths.collect();
    if paths.is_empty() {
        return Ok(None);
    }
    let joined = std::env::join_paths(paths);
    let joined = joined.ok().and_then(|joined| joined.into_string().ok());
    let joined = joined.ok_or("a path of a configuration file has a colon in it, or is no text")?;
    Ok(Some(joined))
}

/// What a pod knows of the cluster that it is in.
fn pod(
    asked: &Asked<'_>,
    cluster: &mut Map<String, Value>,
    user: &mut Map<String, Value>,
) -> Result<(), String> {
    let host = asked.value("", &["KUBERNETES_SERVICE_HOST"]);
    let port = asked.value("", &["KUBERNETES_SERVICE_PORT"]);
    let (Some(host), Some(port)) = (host, port) else {
        return Err(
            "nothing says where the cluster is: write config_path or host, or set KUBE_CONFIG_PATH"
                .to_owned(),
        );
    };
    let host = match host.contains(':') {
        true => format!("[{host}]"),
        false => host,
    };
    cluster.insert("server".to_owned(), format!("https://{host}:{port}").into());
    if !cluster.contains_key("certificate-authority-data") {
        let authority = format!("{POD}/ca.crt");
        cluster.insert("certificate-authority".to_owned(), authority.into());
    }
    if !user.contains_key("token") {
        user.insert("tokenFile".to_owned(), format!("{POD}/token").into());
    }
    Ok(())
}

/// Some of the Secrets, as `kubectl` prints them.
#[derive(Deserialize)]
struct Listed {
    items: Vec<Secret>,
}

/// A Secret.
#[derive(Deserialize)]
struct Secret {
    metadata: Metadata,
    #[serde(default)]
    data: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
}

impl Secrets {
    /// The state.
    pub(super) async fn fetch(
        &self,
        settings: &Settings,
        limit_bytes: u64,
    ) -> Result<Option<Vec<u8>>, String> {
        let directory = tempfile::tempdir();
        let unkept = |error| format!("the configuration of kubectl cannot be kept: {error}");
        let directory = directory.map_err(unkept)?;
        let config = self.config(settings, directory.path()).await?;
        // Only its owner can read it.
        let mut file = tempfile::NamedTempFile::new_in(directory.path()).map_err(unkept)?;
        file.write_all(config.to_string().as_bytes())
            .map_err(unkept)?;
        let path = file.path().to_string_lossy();
        let arguments = [
            "get",
            "secrets",
            "--namespace",
            &self.namespace,
            "--selector",
            &self.selector,
            "--output",
            "json",
        ];
        let limit = limit_bytes.saturating_mul(SECRETS_PER_BYTE);
        let printed = self
            .run(settings, &path, directory.path(), &arguments, limit)
            .await?;
        let listed: Listed = serde_json::from_slice(&printed)
            .map_err(|_| "kubectl printed no list of Secrets".to_owned())?;
        unpacked(listed, limit_bytes)
    }

    /// The configuration with which `kubectl` asks.
    async fn config(&self, settings: &Settings, directory: &Path) -> Result<Value, String> {
        let [cluster, user] = match &self.files {
            Some(files) => {
                let view = ["config", "view", "--raw", "--flatten", "--output", "json"];
                let printed = self
                    .run(settings, files, directory, &view, KUBE_CONFIG_BYTES_MAX)
                    .await?;
                let config: Value = serde_json::from_slice(&printed)
                    .map_err(|_| "kubectl printed no configuration".to_owned())?;
                self.chosen(&config)?
            }
            None => [Map::new(), Map::new()],
        };
        self.over(cluster, user)
    }

    /// The same with what the settings say over it.
    fn over(
        &self,
        mut cluster: Map<String, Value>,
        mut user: Map<String, Value>,
    ) -> Result<Value, String> {
        for (map, over) in [(&mut cluster, &self.cluster), (&mut user, &self.user)] {
            for (key, value) in over {
                let replaced = REPLACED.iter().find(|(name, _)| name == key);
                if let Some((_, replaced)) = replaced {
                    map.remove(*replaced);
                }
                map.insert(key.clone(), value.clone());
            }
        }
        // The two exclude each other.
        if cluster.contains_key("insecure-skip-tls-verify") {
            cluster.remove("certificate-authority");
            cluster.remove("certificate-authority-data");
        }
        if !cluster.contains_key("server") {
            return Err(
                "nothing says where the cluster is: write host, or config_context".to_owned(),
            );
        }
        Ok(json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{ "name": OWN, "cluster": cluster }],
            "users": [{ "name": OWN, "user": user }],
            "contexts": [{ "name": OWN, "context": { "cluster": OWN, "user": OWN } }],
            "current-context": OWN,
        }))
    }

    /// The cluster and the user that are meant, of all that files describe.
    fn chosen(&self, config: &Value) -> Result<[Map<String, Value>; 2], String> {
        let current = config.get("current-context").and_then(Value::as_str);
        let current = self.context.as_deref().or(current).unwrap_or_default();
        let named = |list: &str, name: &str, part: &str| {
            let list = config.get(list).and_then(Value::as_array);
            let mut list = list.into_iter().flatten();
            let found = list.find(|one| one.get("name").and_then(Value::as_str) == Some(name));
            found
                .and_then(|one| one.get(part))
                .and_then(Value::as_object)
                .cloned()
        };
        let context = named("contexts", current, "context");
        if let (Some(name), None) = (&self.context, &context) {
            return Err(format!(
                "the configuration of kubectl has no context {name}"
            ));
        }
        let meant = |written: &Option<String>, part: &str, list: &str| {
            let of_context = || context.as_ref()?.get(part)?.as_str().map(str::to_owned);
            let Some(name) = written.clone().or_else(of_context) else {
                return Ok(Map::new());
            };
            let found = named(&format!("{list}s"), &name, part);
            let missing = || format!("the configuration of kubectl has no {list} {name}");
            found.ok_or_else(missing)
        };
        Ok([
            meant(&self.cluster_name, "cluster", "cluster")?,
            meant(&self.user_name, "user", "user")?,
        ])
    }

    async fn run(
        &self,
        settings: &Settings,
        config: &str,
        directory: &Path,
        arguments: &[&str],
        limit_bytes: u64,
    ) -> Result<Vec<u8>, String> {
        let directory = directory.to_string_lossy();
        let cache = ["--cache-dir", &directory];
        let run = Run {
            program: "kubectl",
            arguments: &[arguments, &cache].concat(),
            variables: &[("KUBECONFIG", config)],
            secrets: &self.secrets,
            otherwise: OTHERWISE,
        };
        run.output(settings, limit_bytes).await
    }
}

/// The state in Secrets: their contents one after the other, in the order of their numbers.
fn unpacked(listed: Listed, limit_bytes: u64) -> Result<Option<Vec<u8>>, String> {
    let mut parts = BTreeMap::new();
    for Secret { metadata, mut data } in listed.items {
        let Some(part) = data.remove("tfstate") else {
            return Ok(None);
        };
        let number = metadata.name.rsplit_once("-part-");
        let number = number.and_then(|(_, number)| number.parse::<usize>().ok());
        parts.insert(number.unwrap_or(0), part);
    }
    if parts.is_empty() {
        return Ok(None);
    }
    let mut packed = Vec::new();
    for (expected, (number, part)) in parts.into_iter().enumerate() {
        if number != expected {
            return Err(format!("part {expected} of the state is not there"));
        }
        let part = STANDARD.decode(part);
        packed.extend(part.map_err(|_| "what is in the Secret is not in Base64".to_owned())?);
    }
    let mut state = Vec::new();
    flate2::read::GzDecoder::new(packed.as_slice())
        .take(limit_bytes.saturating_add(1))
        .read_to_end(&mut state)
        .map_err(|error| format!("what is in the Secret is not whole, or no gzip: {error}"))?;
    if state.len() as u64 > limit_bytes {
        return Err(format!("the state is longer than {limit_bytes} bytes"));
    }
    Ok(Some(state))
}

#[cfg(test)]
mod tests {
    use super::super::tests::ask;
    use super::*;

    fn secrets(more: &[(&str, &str)], environment: &[(&str, &str)]) -> Result<Secrets, String> {
        let arguments = [&[("secret_suffix", "shop")], more].concat();
        match ask("kubernetes", "eu", &arguments, environment)?
            .unwrap()
            .way
        {
            Way::Secrets(secrets) => Ok(secrets),
            way => panic!("{way:?}"),
        }
    }

    #[test]
    fn secrets_have_the_labels_of_terraform() {
        let found = secrets(&[("host", "https://h"), ("labels.team", "x")], &[]).unwrap();
        assert_eq!(
            found.selector,
            "app.kubernetes.io/managed-by=terraform,team=x,tfstate=true,tfstateSecretSuffix=shop,tfstateWorkspace=eu"
        );
        assert_eq!(found.namespace, "default");
        let set = [("KUBE_NAMESPACE", "states"), ("KUBE_HOST", "https://h")];
        assert_eq!(secrets(&[], &set).unwrap().namespace, "states");
    }

    #[test]
    fn settings_are_put_over_what_files_say() {
        let more = [
            ("host", "https://other"),
            ("client_key", "PEM"),
            ("insecure", "true"),
            ("config_context_auth_info", "second"),
            ("exec.api_version", "client.authentication.k8s.io/v1"),
            ("exec.command", "log-in"),
            ("exec.args.0", "a"),
            ("exec.args.1", "b"),
            ("exec.env.NAME", "v"),
        ];
        let found = secrets(&more, &[("KUBE_TOKEN", "a-secret")]).unwrap();
        let config = json!({
            "current-context": "x",
            "contexts": [{ "name": "x", "context": { "cluster": "c", "user": "first" } }],
            "clusters": [{ "name": "c", "cluster": { "server": "https://one", "certificate-authority-data": "Yw==" } }],
            "users": [
                { "name": "first", "user": { "token": "one" } },
                { "name": "second", "user": { "tokenFile": "/t", "client-key": "/k", "client-certificate": "/c" } },
            ],
        });
        let [cluster, user] = found.chosen(&config).unwrap();
        let config = found.over(cluster, user).unwrap();
        let user = json!({
            "client-certificate": "/c",
            "client-key-data": "UEVN",
            "token": "a-secret",
            "exec": {
                "apiVersion": "client.authentication.k8s.io/v1",
                "command": "log-in",
                "args": ["a", "b"],
                "env": [{ "name": "NAME", "value": "v" }],
                "interactiveMode": "Never",
            },
        });
        assert_eq!(config["users"][0]["user"], user);
        let cluster = json!({ "server": "https://other", "insecure-skip-tls-verify": true });
        assert_eq!(config["clusters"][0]["cluster"], cluster);
        assert_eq!(found.secrets, ["a-secret", "PEM"]);
    }

    #[test]
    fn pods_know_their_cluster() {
        let set = [
            ("KUBERNETES_SERVICE_HOST", "fd00::1"),
            ("KUBERNETES_SERVICE_PORT", "443"),
        ];
        let found = secrets(&[("in_cluster_config", "true")], &set).unwrap();
        assert_eq!(found.cluster["server"], "https://[fd00::1]:443");
        let token = "/var/run/secrets/kubernetes.io/serviceaccount/token";
        assert_eq!(found.user["tokenFile"], token);
        assert_eq!(secrets(&[], &set).unwrap(), found);
    }

    #[test]
    fn what_says_nothing_is_refused() {
        let where_it_is =
            "nothing says where the cluster is: write config_path or host, or set KUBE_CONFIG_PATH";
        let path = [("config_path", "/nonexistent/config")];
        for more in [&[][..], &path] {
            assert_eq!(secrets(more, &[]).unwrap_err(), where_it_is);
        }
        let why = ask("kubernetes", "eu", &[("secret_suffix", "a-1")], &[]).unwrap_err();
        assert_eq!(
            why,
            "its secret_suffix ends with a number, which Terraform does not take"
        );
        let why = ask("kubernetes", "eu", &[], &[]).unwrap_err();
        assert_eq!(why, "the backend has no secret_suffix: write it");
        let found = secrets(&[("host", "https://h"), ("config_context", "x")], &[]).unwrap();
        let why = found.chosen(&json!({})).unwrap_err();
        assert_eq!(why, "the configuration of kubectl has no context x");
    }

    #[test]
    fn parts_are_put_together_by_their_numbers() {
        let mut packed = Vec::new();
        let state: String = (0..4_000).map(|n| format!("{n} ")).collect();
        flate2::read::GzEncoder::new(state.as_bytes(), flate2::Compression::fast())
            .read_to_end(&mut packed)
            .unwrap();
        let listed = |parts: &[(&str, Option<&[u8]>)]| Listed {
            items: parts
                .iter()
                .map(|(name, part)| Secret {
                    metadata: Metadata {
                        name: (*name).to_owned(),
                    },
                    data: part
                        .map(|part| ("tfstate".to_owned(), STANDARD.encode(part)))
                        .into_iter()
                        .collect(),
                })
                .collect(),
        };
        let names: Vec<String> = (1..12)
            .map(|n| format!("tfstate-eu-shop-part-{n}"))
            .collect();
        let chunks: Vec<&[u8]> = packed.chunks(packed.len() / 11).collect();
        let mut parts = vec![("tfstate-eu-shop", Some(chunks[0]))];
        parts.extend(
            names
                .iter()
                .zip(&chunks[1..])
                .map(|(name, part)| (&**name, Some(*part))),
        );
        assert_eq!(parts.len(), 12);
        // As a server lists them.
        parts.sort_by_key(|(name, _)| *name);
        let whole = unpacked(listed(&parts), 100_000).unwrap().unwrap();
        assert_eq!(String::from_utf8(whole).unwrap(), state);
        let why = unpacked(listed(&parts), 100).unwrap_err();
        assert_eq!(why, "the state is longer than 100 bytes");

        assert_eq!(unpacked(listed(&[]), 1), Ok(None));
        assert_eq!(unpacked(listed(&[("tfstate-eu-shop", None)]), 1), Ok(None));
        parts.remove(1);
        let why = unpacked(listed(&parts), 100_000).unwrap_err();
        assert_eq!(why, "part 1 of the state is not there");
        for bad in [&b"{}"[..], &packed[..20], b""] {
            let why = unpacked(listed(&[("tfstate-eu-shop", Some(bad))]), 100_000).unwrap_err();
            assert!(
                why.starts_with("what is in the Secret is not whole, or no gzip"),
                "{why}"
            );
        }
        let mut bad = listed(&[("tfstate-eu-shop", Some(&packed))]);
        bad.items[0]
            .data
            .insert("tfstate".to_owned(), "!".to_owned());
        let why = unpacked(bad, 1).unwrap_err();
        assert_eq!(why, "what is in the Secret is not in Base64");
    }
}
