//! Terraform's settings of the command line, as far as they say where modules and providers come from: credentials,
//! hosts, mirrors, proxies.
//!
//! They are read from where Terraform reads them. What only Terraform itself needs is passed over.

use crate::diag;
use crate::written::{self, constant, texts};
use definition::syntax::Block;
use hyper::Uri;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use value::{Diagnostics, Value};

/// What was said outside of the project.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Variables of the environment.
    environment: BTreeMap<String, String>,
    /// Bearer tokens by host.
    tokens: BTreeMap<String, String>,
    /// Addresses of services by host, which is then not asked for them.
    hosts: BTreeMap<String, BTreeMap<String, String>>,
    /// Ways to providers, where they were said.
    methods: Option<Vec<Method>>,
    /// Where packages of providers are kept for all projects.
    plugin_cache: Option<PathBuf>,
}

/// A way to providers, and for which of them it is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Method {
    pub(crate) way: Way,
    /// Patterns of source addresses; all where there are none.
    pub(crate) include: Vec<String>,
    pub(crate) exclude: Vec<String>,
}

/// How providers are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// In a directory of this machine.
    Directory(PathBuf),
    /// At an address that mirrors registries.
    Mirror(String),
    /// In the registry that the source names.
    Direct,
}

impl Method {
    /// Whether it is taken for a provider.
    pub(crate) fn serves(&self, source: &str) -> bool {
        let fits = |pattern: &String| {
            let parts: Vec<&str> = pattern.split('/').collect();
            let mut pattern = vec!["registry.terraform.io", "hashicorp", "*"];
            let begin = pattern.len().saturating_sub(parts.len());
            pattern.splice(begin.., parts);
            let own: Vec<&str> = source.split('/').collect();
            let mut pairs = pattern.iter().zip(&own);
            pattern.len() == own.len()
                && pairs.all(|(one, other)| *one == "*" || one.eq_ignore_ascii_case(other))
        };
        let included = self.include.is_empty() || self.include.iter().any(fits);
        included && !self.exclude.iter().any(fits)
    }
}

impl Settings {
    /// Reads what there is, given the variables of the environment. What is wrong with a file is a warning: what it
    /// does not say is missed when it is needed.
    pub fn load(environment: BTreeMap<String, String>) -> (Self, Diagnostics) {
        let mut settings = Self {
            environment,
            ..Self::default()
        };
        let mut found = Diagnostics::new();
        for path in settings.files() {
            match written::read(&path) {
                Ok(Some(content)) if path.extension().is_some_and(|ending| ending == "json") => {
                    settings.json(&path, &content, &mut found);
                }
                Ok(Some(content)) => settings.native(&path, &content, &mut found),
                Ok(None) => {}
                Err(why) => found.push(diag::settings_unreadable(&path, &why.to_string())),
            }
        }
        (settings, found)
    }

    /// A variable of the environment, unless it is empty.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.environment
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// All variables of the environment.
    pub(crate) fn environment(&self) -> &BTreeMap<String, String> {
        &self.environment
    }

    /// The token for a host, which may have a port.
    pub(crate) fn token(&self, host: &str) -> Option<String> {
        let host = host.to_ascii_lowercase();
        let from_environment = self.environment.iter().find(|(name, _)| {
            let name = name.strip_prefix("TF_TOKEN_");
            name.is_some_and(|name| host_of_variable(name) == host)
        });
        let token = from_environment
            .map(|(_, token)| token)
            .or_else(|| self.tokens.get(&host));
        token.filter(|token| !token.is_empty()).cloned()
    }

    /// The address of a service of a host, where a `host` block gives the services of that host.
    pub(crate) fn service(&self, host: &str, service: &str) -> Option<Option<&str>> {
        let services = self.hosts.get(&host.to_ascii_lowercase())?;
        Some(services.get(service).map(String::as_str))
    }

    /// The proxy for a host, from the environment. This machine is never behind one, and neither is who says what the
    /// machine may do.
    pub(crate) fn proxy(&self, scheme: &str, host: &str) -> Option<Uri> {
        let bare = host.trim_matches(['[', ']']);
        let is_local = matches!(bare, "localhost" | "metadata.google.internal")
            || bare.parse::<IpAddr>().is_ok_and(|address| match address {
                IpAddr::V4(address) => address.is_loopback() || address.is_link_local(),
                IpAddr::V6(address) => address.is_loopback(),
            });
        let excluded = self
            .variable("NO_PROXY")
            .or_else(|| self.variable("no_proxy"))
            .unwrap_or_default();
        let is_excluded = excluded
            .split(',')
            .map(str::trim)
            .filter(|one| !one.is_empty())
            .any(|one| {
                let name = one.trim_start_matches(['*', '.']);
                one == "*"
                    || bare == name
                    || (!name.is_empty() && bare.ends_with(&format!(".{name}")))
            });
        if is_local || is_excluded {
            return None;
        }
        let names: [&str; 2] = if scheme == "https" {
            ["HTTPS_PROXY", "https_proxy"]
        } else {
            ["HTTP_PROXY", "http_proxy"]
        };
        let proxy = names.iter().find_map(|name| self.variable(name))?;
        let proxy = if proxy.contains("://") {
            proxy.to_owned()
        } else {
            format!("http://{proxy}")
        };
        proxy.parse().ok()
    }

    /// The ways to providers, where the user has said which.
    pub(crate) fn methods(&self) -> Option<&[Method]> {
        self.methods.as_deref()
    }

    /// Where packages of providers are kept for all projects, if anywhere.
    pub(crate) fn plugin_cache(&self) -> Option<PathBuf> {
        self.variable("TF_PLUGIN_CACHE_DIR")
            .map(PathBuf::from)
            .or_else(|| self.plugin_cache.clone())
    }

    /// Directories with providers that are looked into without being named.
    pub(crate) fn plugin_directories(&self) -> Vec<PathBuf> {
        let home = self.home().map(|home| home.join(".terraform.d/plugins"));
        let data = self.variable("XDG_DATA_HOME").map(PathBuf::from);
        let data = data.or_else(|| self.home().map(|home| home.join(".local/share")));
        let shared = self
            .variable("XDG_DATA_DIRS")
            .unwrap_or("/usr/local/share:/usr/share");
        let shared = shared
            .split(':')
            .filter(|path| !path.is_empty())
            .map(PathBuf::from);
        home.into_iter()
            .chain(
                data.into_iter()
                    .chain(shared)
                    .map(|data| data.join("terraform/plugins")),
            )
            .collect()
    }

    fn home(&self) -> Option<&Path> {
        self.variable("HOME").map(Path::new)
    }

    /// The files to read, weakest first.
    fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let directory = self.home().map(|home| home.join(".terraform.d"));
        if let Some(directory) = &directory {
            files.push(directory.join("credentials.tfrc.json"));
        }
        match self
            .variable("TF_CLI_CONFIG_FILE")
            .or_else(|| self.variable("TERRAFORM_CONFIG"))
        {
            Some(path) => files.push(path.into()),
            None => {
                files.extend(self.home().map(|home| home.join(".terraformrc")));
                let entries = directory.and_then(|directory| std::fs::read_dir(directory).ok());
                let mut more: Vec<PathBuf> = entries
                    .into_iter()
                    .flatten()
                    .flatten()
                    .map(|entry| entry.path())
                    .filter(|path| {
                        let name = path
                            .file_name()
                            .and_then(|name| name.to_str())
                            .unwrap_or_default();
                        (name.ends_with(".tfrc") || name.ends_with(".tfrc.json"))
                            && name != "credentials.tfrc.json"
                    })
                    .collect();
                more.sort();
                files.extend(more);
            }
        }
        files
    }

    fn native(&mut self, path: &Path, content: &[u8], found: &mut Diagnostics) {
        let spread;
        let parsed = match written::parsed(content) {
            // What is wrong is told of as it is written.
            Err(why) => {
                spread = written::spread(content);
                written::parsed(spread.as_bytes()).map_err(|_| why)
            }
            parsed => parsed,
        };
        let (text, body) = match parsed {
            Ok(parsed) => parsed,
            Err(why) => return found.push(diag::settings_unreadable(path, &why)),
        };
        let cache = constant(text, &body, "plugin_cache_dir");
        if let Some(path) = cache.as_ref().and_then(Value::as_str) {
            self.plugin_cache = Some(self.expanded(path));
        }
        for block in &body.blocks {
            self.block(text, block);
        }
    }

    /// A block inside of `provider_installation`.
    fn method(&self, text: &str, block: &Block) -> Option<Method> {
        let value = |name: &str| constant(text, &block.body, name);
        let patterns = |name: &str| value(name).map(|value| texts(&value)).unwrap_or_default();
        let way = match &*block.kind.name {
            "direct" => Way::Direct,
            "filesystem_mirror" => Way::Directory(self.expanded(value("path")?.as_str()?)),
            "network_mirror" => Way::Mirror(value("url")?.as_str()?.to_owned()),
            _ => return None,
        };
        Some(Method {
            way,
            include: patterns("include"),
            exclude: patterns("exclude"),
        })
    }

    /// A path in which `~` and `$HOME` are replaced.
    fn expanded(&self, path: &str) -> PathBuf {
        let home = self.home().unwrap_or(Path::new("/"));
        for start in ["~/", "$HOME/", "${HOME}/"] {
            if let Some(rest) = path.strip_prefix(start) {
                return home.join(rest);
            }
        }
        path.into()
    }

    fn block(&mut self, text: &str, block: &Block) {
        let label = block
            .labels
            .first()
            .map(|label| label.name.to_ascii_lowercase());
        match (&*block.kind.name, label) {
            ("credentials", Some(host)) => {
                if let Some(token) = constant(text, &block.body, "token")
                    .and_then(|value| value.as_str().map(str::to_owned))
                {
                    self.tokens.insert(host, token);
                }
            }
            ("host", Some(host)) => {
                let services = constant(text, &block.body, "services");
                let entries = services
                    .as_ref()
                    .and_then(Value::entries)
                    .into_iter()
                    .flatten();
                let services = entries.filter_map(|(name, value)| {
                    Some((name.to_string(), value.as_str()?.to_owned()))
                });
                self.hosts.insert(host, services.collect());
            }
            ("provider_installation", None) => {
                let methods = block
                    .body
                    .blocks
                    .iter()
                    .filter_map(|way| self.method(text, way));
                self.methods = Some(methods.collect());
            }
            // Settings of Terraform that say nothing about where anything comes from.
            _ => {}
        }
    }

    fn json(&mut self, path: &Path, content: &[u8], found: &mut Diagnostics) {
        let document: serde_json::Value = match serde_json::from_slice(content) {
            Ok(document) => document,
            Err(error) => return found.push(diag::settings_unreadable(path, &error.to_string())),
        };
        let hosts = |name: &str| {
            document
                .get(name)
                .and_then(serde_json::Value::as_object)
                .into_iter()
                .flatten()
        };
        for (host, credentials) in hosts("credentials") {
            if let Some(token) = credentials.get("token").and_then(serde_json::Value::as_str) {
                self.tokens
                    .insert(host.to_ascii_lowercase(), token.to_owned());
            }
        }
        for (host, settings) in hosts("host") {
            let services = settings
                .get("services")
                .and_then(serde_json::Value::as_object)
                .into_iter()
                .flatten();
            let services = services
                .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
            self.hosts
                .insert(host.to_ascii_lowercase(), services.collect());
        }
    }
}

/// The host that the rest of `TF_TOKEN_...` stands for: a dot is written as `_`, a dash as `__`.
fn host_of_variable(name: &str) -> String {
    name.replace("__", "-")
        .replace('_', ".")
        .to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(variables: &[(&str, &str)]) -> Settings {
        let variables = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::load(variables.collect()).0
    }

    /// As Terraform takes them: its settings are in the first version of the language.
    #[test]
    fn blocks_may_stand_on_one_line() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let line = "provider_installation { filesystem_mirror { path = \"/mirror\" } }";
        for (text, is_right) in [
            (line, true),
            ("provider_installation { filesystem_mirror {", false),
        ] {
            std::fs::write(file.path(), text).unwrap();
            let path = file.path().display().to_string();
            let variables = BTreeMap::from([("TF_CLI_CONFIG_FILE".to_owned(), path)]);
            let (settings, found) = Settings::load(variables);
            assert_eq!(found.is_empty(), is_right, "{found:?}");
            let ways: Vec<&Way> = settings
                .methods
                .iter()
                .flatten()
                .map(|one| &one.way)
                .collect();
            let mirror = Way::Directory(PathBuf::from("/mirror"));
            assert_eq!(ways.contains(&&mirror), is_right);
        }
    }

    #[test]
    fn ways_to_providers_have_patterns() {
        let method = |include: &[&str], exclude: &[&str]| Method {
            way: Way::Direct,
            include: include.iter().map(|text| (*text).to_owned()).collect(),
            exclude: exclude.iter().map(|text| (*text).to_owned()).collect(),
        };
        let source = "registry.terraform.io/hashicorp/aws";
        for (include, exclude, serves) in [
            (&[][..], &[][..], true),
            (&["hashicorp/*"], &[], true),
            (&["*/*"], &[], true),
            (&["registry.terraform.io/*/*"], &["hashicorp/aws"], false),
            (&["example.com/*/*"], &[], false),
            (&["acme/*"], &[], false),
            (&[], &["*/*/*"], false),
        ] {
            assert_eq!(
                method(include, exclude).serves(source),
                serves,
                "{include:?} {exclude:?}"
            );
        }
    }

    #[test]
    fn proxies_come_from_the_environment() {
        let settings = settings(&[
            ("HTTPS_PROXY", "proxy:3128"),
            ("NO_PROXY", "inner.example, .corp"),
        ]);
        let proxy = |scheme, host| settings.proxy(scheme, host).map(|proxy| proxy.to_string());
        assert_eq!(
            proxy("https", "example.com").as_deref(),
            Some("http://proxy:3128/")
        );
        for host in [
            "localhost",
            "127.0.0.9",
            "[::1]",
            "inner.example",
            "a.inner.example",
            "x.corp",
        ] {
            assert_eq!(proxy("https", host), None, "{host}");
        }
        assert_eq!(proxy("http", "example.com"), None);
    }

    #[test]
    fn tokens_and_services_are_read_from_where_terraform_reads_them() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join(".terraform.d");
        std::fs::create_dir(&directory).unwrap();
        let stored =
            r#"{"credentials":{"stored.example":{"token":"s"},"both.example":{"token":"weak"}}}"#;
        std::fs::write(directory.join("credentials.tfrc.json"), stored).unwrap();
        let main = "credentials \"both.example\" {\n  token = \"strong\"\n}\nhost \"H.example\" {\n  services = {\n    \"modules.v1\" = \"http://localhost/m/\"\n  }\n}\ndisable_checkpoint = true\n";
        std::fs::write(home.path().join(".terraformrc"), main).unwrap();
        std::fs::write(directory.join("x.tfrc"), "credentials {").unwrap();
        let variables = [
            ("HOME", home.path().to_str().unwrap()),
            ("TF_TOKEN_my__host_example", "e"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let (settings, found) = Settings::load(variables.into());
        assert_eq!(
            found.iter().map(|one| &*one.code).collect::<Vec<_>>(),
            ["SF1315"]
        );
        for (host, token) in [
            ("stored.example", Some("s")),
            ("Both.example", Some("strong")),
            ("my-host.example", Some("e")),
            ("other.example", None),
        ] {
            assert_eq!(settings.token(host).as_deref(), token, "{host}");
        }
        assert_eq!(
            settings.service("h.EXAMPLE", "modules.v1"),
            Some(Some("http://localhost/m/"))
        );
        assert_eq!(settings.service("h.example", "providers.v1"), Some(None));
        assert_eq!(settings.service("other.example", "modules.v1"), None);
    }
}
