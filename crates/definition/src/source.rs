//! Addresses of modules: where `source` of a `module` block says that the module is.
//!
//! Only the text is read here, by Terraform's rules, so that an installation of ours and one of Terraform's name the
//! same module the same way. Nothing is fetched; that an address is understood does not mean that it can be.

use crate::limits::MODULE_SOURCE_BYTES_MAX;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;

/// The registry that an address without a host means.
pub const DEFAULT_HOST: &str = "registry.terraform.io";

/// Hosts whose addresses look like those of a registry and mean a repository.
const REPOSITORY_HOSTS: [&str; 3] = ["github.com", "bitbucket.org", "gitlab.com"];

/// Where a module is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ModuleSource {
    /// A directory seen from the calling module, beginning with `./` or `../`, without `.` and `..` inside.
    Local(String),
    /// In a registry, which knows its versions.
    Registry(RegistrySource),
    /// In a repository, an archive or a directory of this machine.
    Remote(RemoteSource),
}

/// A module of a registry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RegistrySource {
    /// The registry: a host with a dot in it, in lower case, and possibly a port.
    pub host: String,
    /// Whose module.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// What it is for, usually the provider it needs.
    pub target: String,
    /// The directory inside of the package; empty for the whole of it.
    pub subdirectory: String,
}

/// A package that is fetched by its address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RemoteSource {
    /// How it is fetched, where the address says so: `git` in `git::https://...`.
    pub getter: Option<String>,
    /// Scheme and everything up to the query, without the directory inside of the package.
    pub url: String,
    /// What follows the `?`; empty if nothing does.
    pub query: String,
    /// The directory inside of the package; empty for the whole of it. Parts may be patterns with `*`.
    pub subdirectory: String,
}

impl ModuleSource {
    /// Reads an address.
    ///
    /// # Errors
    /// Why it is none, as a sentence without its full stop.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MODULE_SOURCE_BYTES_MAX {
            return Err(alloc::format!(
                "the address is longer than {MODULE_SOURCE_BYTES_MAX} bytes"
            ));
        }
        if text.chars().any(|c| c.is_control()) {
            return Err("the address contains characters that cannot be seen".into());
        }
        let local = ["./", "../", ".\\", "..\\"]
            .iter()
            .any(|start| text.starts_with(start));
        if local || text == "." || text == ".." {
            return Ok(Self::Local(local_path(text)));
        }
        if let Some(found) = RegistrySource::read(text)? {
            return Ok(Self::Registry(found));
        }
        RemoteSource::parse(text).map(Self::Remote)
    }

    /// The directory inside of the package; empty for the whole of it.
    pub fn subdirectory(&self) -> &str {
        match self {
            Self::Local(_) => "",
            Self::Registry(source) => &source.subdirectory,
            Self::Remote(source) => &source.subdirectory,
        }
    }

    /// The address of the whole package.
    #[must_use]
    pub fn package(&self) -> Self {
        let mut package = self.clone();
        match &mut package {
            Self::Local(_) => {}
            Self::Registry(source) => source.subdirectory.clear(),
            Self::Remote(source) => source.subdirectory.clear(),
        }
        package
    }
}

impl RegistrySource {
    /// None where the text is an address of another kind.
    fn read(text: &str) -> Result<Option<Self>, String> {
        let (address, subdirectory) = text.split_once("//").unwrap_or((text, ""));
        let parts: Vec<&str> = address.split('/').collect();
        let (host, parts) = match parts.as_slice() {
            [host, rest @ ..] if rest.len() == 3 => (*host, rest),
            rest if rest.len() == 3 => (DEFAULT_HOST, rest),
            _ => return Ok(None),
        };
        let host = host.to_ascii_lowercase();
        let [namespace, name, target] = parts else {
            return Ok(None);
        };
        let first = namespace.to_ascii_lowercase();
        let repository = REPOSITORY_HOSTS
            .iter()
            .any(|known| host == *known || first == *known);
        if repository
            || !is_host(&host)
            || ![namespace, name].iter().all(|part| is_name(part))
            || !is_target(target)
        {
            return Ok(None);
        }
        Ok(Some(Self {
            host,
            namespace: (*namespace).into(),
            name: (*name).into(),
            target: (*target).into(),
            subdirectory: inside(subdirectory)?,
        }))
    }

    /// `namespace/name/target`, as the registry's own addresses have it.
    pub fn path(&self) -> String {
        alloc::format!("{}/{}/{}", self.namespace, self.name, self.target)
    }
}

impl RemoteSource {
    /// Reads an address of this kind, as a registry's answer has it too.
    ///
    /// # Errors
    /// Why it is none, as a sentence without its full stop.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (getter, rest) = forced(text);
        let (package, subdirectory) = split(rest);
        if package.is_empty() {
            return Err("the address names no package".into());
        }
        let (address, query) = package.split_once('?').unwrap_or((&package, ""));
        let subdirectory = inside(&subdirectory)?;
        if let Some((scheme, rest)) = address.split_once(':')
            && is_scheme(scheme)
        {
            if rest.trim_matches('/').is_empty() {
                return Err(alloc::format!(
                    "\"{text}\" ends after its scheme; a host and a path follow"
                ));
            }
            return Ok(Self {
                getter: getter.map(str::to_string),
                url: address.into(),
                query: query.into(),
                subdirectory,
            });
        }
        let (found, url, extra) = detect(address, getter).ok_or_else(|| unknown(text))??;
        let getter = getter.or(found).map(str::to_string);
        let subdirectory = match (extra.is_empty(), subdirectory.is_empty()) {
            (true, _) => subdirectory,
            (false, true) => inside(&extra)?,
            (false, false) => inside(&alloc::format!("{extra}/{subdirectory}"))?,
        };
        Ok(Self {
            getter,
            url,
            query: query.into(),
            subdirectory,
        })
    }

    /// The value of a setting in the query, percent encoding undone.
    pub fn setting(&self, name: &str) -> Option<String> {
        let pairs = self
            .query
            .split('&')
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let mut found = pairs
            .filter(|(key, _)| *key == name)
            .map(|(_, value)| decoded(value));
        found.next()
    }

    /// The address without these settings.
    #[must_use]
    pub fn without(&self, names: &[&str]) -> Self {
        let keeps = |pair: &&str| !names.contains(&pair.split('=').next().unwrap_or_default());
        let query: Vec<&str> = self.query.split('&').filter(keeps).collect();
        Self {
            query: query.join("&"),
            ..self.clone()
        }
    }
}

/// `getter::rest`, where the getter is given.
fn forced(text: &str) -> (Option<&str>, &str) {
    match text.split_once("::") {
        Some((getter, rest))
            if !rest.is_empty()
                && !getter.is_empty()
                && getter.bytes().all(|byte| byte.is_ascii_alphanumeric()) =>
        {
            (Some(getter), rest)
        }
        _ => (None, text),
    }
}

/// The package with its query, and what stands after `//`.
fn split(text: &str) -> (String, String) {
    let end = text.find('?').unwrap_or(text.len());
    let (address, query) = text.split_at(end);
    let begin = address.find("://").map_or(0, |at| at + 3);
    let (head, tail) = address.split_at(begin);
    match tail.split_once("//") {
        Some((package, subdirectory)) => (
            alloc::format!("{head}{package}{query}"),
            subdirectory.into(),
        ),
        None => (text.into(), String::new()),
    }
}

/// What an address without a scheme means: getter, URL and a directory inside. None where it means nothing.
#[expect(clippy::type_complexity, reason = "used once, right above")]
fn detect<'a>(
    address: &str,
    getter: Option<&'a str>,
) -> Option<Result<(Option<&'a str>, String, String), String>> {
    let parts: Vec<&str> = address.split('/').collect();
    let with_suffix = |path: String| {
        if path.ends_with(".git") {
            path
        } else {
            path + ".git"
        }
    };
    let first = *parts.first()?;
    match (first, parts.get(1..).unwrap_or_default()) {
        ("github.com", [owner, repository, rest @ ..])
            if !owner.is_empty() && !repository.is_empty() =>
        {
            let url = with_suffix(alloc::format!("https://github.com/{owner}/{repository}"));
            return Some(Ok((Some("git"), url, rest.join("/"))));
        }
        ("github.com", _) => {
            return Some(Err(
                "an address at github.com is github.com/OWNER/REPOSITORY".into(),
            ));
        }
        ("bitbucket.org", [_, _, ..]) => {
            return Some(Ok((
                Some("git"),
                with_suffix(alloc::format!("https://{address}")),
                String::new(),
            )));
        }
        (host, [bucket, ..]) if host.ends_with(".amazonaws.com") && !bucket.is_empty() => {
            return Some(Ok((
                Some("s3"),
                alloc::format!("https://{address}"),
                String::new(),
            )));
        }
        (host, [_, ..]) if host.ends_with(".googleapis.com") => {
            return Some(Ok((
                Some("gcs"),
                alloc::format!("https://{address}"),
                String::new(),
            )));
        }
        _ => {}
    }
    if let Some((login, path)) = address.split_once(':')
        && let Some((user, host)) = login.split_once('@')
        && (user == "git" || getter == Some("git"))
        && !host.is_empty()
        && !path.is_empty()
    {
        let url = alloc::format!("ssh://{login}/{}", path.strip_prefix('/').unwrap_or(path));
        return Some(Ok((Some("git"), url, String::new())));
    }
    (address.len() > 1 && address.starts_with('/'))
        .then(|| Ok((None, alloc::format!("file://{address}"), String::new())))
}

fn unknown(text: &str) -> String {
    if text.starts_with("~/") {
        return alloc::format!(
            "\"{text}\" begins with ~, which is not replaced here: write the path in full"
        );
    }
    alloc::format!(
        "\"{text}\" is neither a path (which begins with ./ or ../), nor the address of a module in a registry (NAMESPACE/NAME/PROVIDER), nor that of a package (git::https://..., https://...)"
    )
}

fn is_scheme(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        // A host with a dot and a path after the colon is the short form for SSH, not a scheme.
        && !text.contains('.')
}

/// A host name with a dot in it, and possibly a port.
fn is_host(text: &str) -> bool {
    let (name, port) = text.split_once(':').unwrap_or((text, "1"));
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    name.contains('.') && name.split('.').all(is_label) && port.parse::<u16>().is_ok()
}

fn is_name(text: &str) -> bool {
    let ends = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    bytes.len() <= 64
        && ends(bytes.first())
        && ends(bytes.last())
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte))
}

fn is_target(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (1..=64).contains(&text.len()) && text.bytes().all(plain)
}

/// A path inside of a package, without `.` and `..`.
fn inside(path: &str) -> Result<String, String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                if parts.pop().is_none() {
                    return Err(alloc::format!(
                        "the directory \"{path}\" leads out of the package"
                    ));
                }
            }
            part => parts.push(part),
        }
    }
    Ok(parts.join("/"))
}

/// A local path as Terraform writes it down.
fn local_path(text: &str) -> String {
    let text = text.replace('\\', "/");
    match crate::compile::join(".", &text) {
        path if path == "." => "./".into(),
        path if path == ".." => "../".into(),
        path if path.starts_with("../") => path,
        path => alloc::format!("./{path}"),
    }
}

/// The value of a query's argument: a plus sign stands for a blank there.
fn decoded(text: &str) -> String {
    let text = text.replace('+', " ");
    let decoded = percent_encoding::percent_decode_str(&text).decode_utf8_lossy();
    decoded.into_owned()
}

impl fmt::Display for ModuleSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(path) => f.write_str(path),
            Self::Registry(source) => source.fmt(f),
            Self::Remote(source) => source.fmt(f),
        }
    }
}

impl fmt::Display for RegistrySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.path())?;
        match self.subdirectory.as_str() {
            "" => Ok(()),
            inside => write!(f, "//{inside}"),
        }
    }
}

impl fmt::Display for RemoteSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(getter) = &self.getter {
            write!(f, "{getter}::")?;
        }
        f.write_str(&self.url)?;
        if !self.subdirectory.is_empty() {
            write!(f, "//{}", self.subdirectory)?;
        }
        if !self.query.is_empty() {
            write!(f, "?{}", self.query)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What Terraform 1.11 makes of addresses, one a line: the address, and after `=>` how it is written down (or `!`
    /// and a part of why it is none).
    const ADDRESSES: &str = include_str!("../tests/module_sources.txt");

    #[test]
    fn addresses_mean_what_they_mean_to_terraform() {
        let mut n_lines = 0;
        for line in ADDRESSES.lines().filter(|line| !line.starts_with('#')) {
            let (text, expected) = line.split_once(" => ").unwrap();
            let found = match ModuleSource::parse(text) {
                Ok(source) => source.to_string(),
                Err(why) => alloc::format!("! {why}"),
            };
            match expected.strip_prefix("! ") {
                Some(part) => assert!(
                    found.starts_with("! ") && found.contains(part),
                    "{text}: {found}"
                ),
                None => assert_eq!(found, expected, "{text}"),
            }
            n_lines += 1;
        }
        assert!(n_lines > 80);
    }

    #[test]
    fn settings_are_read_and_taken_away() {
        let source = RemoteSource::parse("git::https://h/r.git//a?ref=v1%2E0&depth=1&x").unwrap();
        assert_eq!(source.setting("ref").as_deref(), Some("v1.0"));
        assert_eq!(source.setting("x").as_deref(), Some(""));
        assert_eq!(source.setting("y"), None);
        assert_eq!(
            source.without(&["ref", "x"]).to_string(),
            "git::https://h/r.git//a?depth=1"
        );
    }

    proptest! {
        #[test]
        fn no_text_panics_and_what_is_written_down_reads_the_same(text in "[a-z./:@?=~%&0-9]{0,24}|.{0,40}") {
            if let Ok(source) = ModuleSource::parse(&text) {
                let shown = source.to_string();
                prop_assert_eq!(ModuleSource::parse(&shown).map(|again| again.to_string()), Ok(shown));
            }
        }
    }
}
