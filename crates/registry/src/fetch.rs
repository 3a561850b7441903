//! Fetching one package into a directory, however its address says.

use crate::address::without_secrets;
use crate::archive::{self, ArchiveError, Kind};
use crate::discovery::{LOCATION_HEADER, absolute};
use crate::git::{self, GitError};
use crate::http::{Answer, Ask, Client, HttpError, Sink, parse};
use crate::limits::{ARCHIVE_BYTES_MAX, DOCUMENT_BYTES_MAX, FORWARDS_MAX};
use crate::settings::Settings;
use crate::tree::{self, TreeError};
use definition::RemoteSource;
use hyper::StatusCode;
use sha2::{Sha256, Sha512};
use std::fs::{self, File};
use std::io::{self, Read, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;

/// Why a package cannot be had.
#[derive(Debug, Error)]
pub(crate) enum FetchError {
    #[error("it cannot be downloaded")]
    Http(#[from] HttpError),
    #[error("{url} answers {status}")]
    Status { url: String, status: StatusCode },
    #[error(
        "{url} is no archive by its name, and does not say where the module is (by the header X-Terraform-Get)"
    )]
    NoLocation { url: String },
    #[error("the answer of {url} leads to \"{location}\", and {why}")]
    Location {
        url: String,
        location: String,
        why: String,
    },
    #[error("one address leads to another more than {FORWARDS_MAX} times")]
    Forwards,
    #[error("the repository cannot be fetched")]
    Git(#[from] GitError),
    #[error("the archive is refused")]
    Archive(#[from] ArchiveError),
    #[error("the package is refused")]
    Tree(#[from] TreeError),
    #[error("the checksum is {found}, and the address asks for {wanted}")]
    Checksum { wanted: String, found: String },
    #[error("the checksum of the address cannot be compared: {0}")]
    ChecksumForm(String),
    #[error("packages are not fetched by \"{0}\"")]
    Getter(String),
    #[error("{} cannot be read", path.display())]
    Local {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("what was fetched cannot be kept")]
    Disk(#[source] io::Error),
}

/// A package that was fetched.
#[derive(Debug, Default)]
pub(crate) struct Fetched {
    /// The commit, where it came from Git.
    pub(crate) commit: Option<String>,
    /// The directory inside of it that is meant, by all addresses that led to it; may be a pattern.
    pub(crate) subdirectory: String,
}

/// What fetches.
#[derive(Clone)]
pub(crate) struct Fetcher {
    pub(crate) settings: Arc<Settings>,
    pub(crate) client: Client,
}

impl Fetcher {
    /// Fetches a package into an existing, empty directory.
    pub(crate) async fn fetch(
        &self,
        source: &RemoteSource,
        locked: Option<&str>,
        into: &Path,
    ) -> Result<Fetched, FetchError> {
        let mut source = source.clone();
        for _ in 0..FORWARDS_MAX {
            let subdirectory = source.subdirectory.clone();
            let scheme = source.url.split("://").next().unwrap_or_default();
            match source.getter.as_deref().unwrap_or(scheme) {
                "git" | "ssh" => {
                    let commit = git::fetch(&self.settings, &source, locked, into).await?;
                    return Ok(Fetched {
                        commit: Some(commit),
                        subdirectory,
                    });
                }
                "http" | "https" => match kind_of(&source) {
                    Some(kind) => {
                        self.archive(&source, kind, into).await?;
                        return Ok(Fetched {
                            commit: None,
                            subdirectory,
                        });
                    }
                    None => {
                        let mut next = self.location(&source).await?;
                        next.subdirectory = joined(&next.subdirectory, &subdirectory);
                        source = next;
                    }
                },
                "file" => {
                    let (source, into) = (source.clone(), into.to_owned());
                    in_background(move || local(&source, &into)).await?;
                    return Ok(Fetched {
                        commit: None,
                        subdirectory,
                    });
                }
                other => return Err(FetchError::Getter(other.to_owned())),
            }
        }
        Err(FetchError::Forwards)
    }

    async fn archive(
        &self,
        source: &RemoteSource,
        kind: Kind,
        into: &Path,
    ) -> Result<(), FetchError> {
        let checksum = checksum(source)?;
        let url = url_of(&source.without(&["archive", "checksum", "filename"]));
        let mut download = Download(tempfile::tempfile().map_err(FetchError::Disk)?);
        let answer = self
            .client
            .get(self.ask(&url, ARCHIVE_BYTES_MAX), &mut download)
            .await?;
        refused(&answer)?;
        let into = into.to_owned();
        in_background(move || {
            let mut file = download.0;
            verify(&mut file, checksum.as_ref())?;
            Ok(archive::unpack(file, kind, &into)?)
        })
        .await
    }

    /// Where an address that is no archive says that the package is.
    async fn location(&self, source: &RemoteSource) -> Result<RemoteSource, FetchError> {
        let asked = source.without(&["archive"]);
        let query = if asked.query.is_empty() {
            String::new()
        } else {
            format!("{}&", asked.query)
        };
        let url = format!("{}?{query}terraform-get=1", asked.url);
        let answer = self
            .client
            .document(self.ask(&url, DOCUMENT_BYTES_MAX))
            .await?;
        refused(&answer)?;
        let shown = without_secrets(&asked.url);
        let found = answer
            .header(LOCATION_HEADER)
            .map(str::to_owned)
            .or_else(|| in_page(&answer.body));
        let location = found.ok_or_else(|| FetchError::NoLocation { url: shown.clone() })?;
        let location = absolute(&answer, &location);
        RemoteSource::parse(&location).map_err(|why| FetchError::Location {
            url: shown,
            location: without_secrets(&location),
            why,
        })
    }

    fn ask<'a>(&self, url: &'a str, limit_bytes: u64) -> Ask<'a> {
        Ask {
            url,
            limit_bytes,
            ..Ask::default()
        }
    }
}

/// A file that is being downloaded.
pub(crate) struct Download(pub(crate) File);

impl Sink for Download {
    fn restart(&mut self) -> io::Result<()> {
        self.0.set_len(0)?;
        self.0.rewind()
    }

    fn take(&mut self, part: &[u8]) -> io::Result<()> {
        self.0.write_all(part)
    }
}

/// The directory inside of two addresses, the second seen from the first.
pub(crate) fn joined(outer: &str, inner: &str) -> String {
    match (outer, inner) {
        ("", path) | (path, "") => path.to_owned(),
        (outer, inner) => format!("{outer}/{inner}"),
    }
}

/// Runs what reads and writes files beside everything else.
pub(crate) async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FetchError> + Send + 'static,
) -> Result<T, FetchError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(FetchError::Disk(io::Error::other(error))))
}

fn url_of(source: &RemoteSource) -> String {
    if source.query.is_empty() {
        source.url.clone()
    } else {
        format!("{}?{}", source.url, source.query)
    }
}

/// How the package is packed, by what its address says; none when it says nothing.
fn kind_of(source: &RemoteSource) -> Option<Kind> {
    match source.setting("archive").as_deref() {
        Some("false" | "0") => None,
        Some(named) if Kind::named(named).is_some() => Kind::named(named),
        _ => Kind::of_path(&source.url),
    }
}

fn refused(answer: &Answer) -> Result<(), FetchError> {
    if answer.status.is_success() {
        return Ok(());
    }
    Err(FetchError::Status {
        url: without_secrets(&answer.url.to_string()),
        status: answer.status,
    })
}

/// A package on this machine: a directory is copied, an archive unpacked.
fn local(source: &RemoteSource, into: &Path) -> Result<(), FetchError> {
    let path = source.url.strip_prefix("file://").unwrap_or(&source.url);
    let path = PathBuf::from(String::from_utf8_lossy(&crate::address::decoded(path)).into_owned());
    let unreadable = |source| FetchError::Local {
        path: path.clone(),
        source,
    };
    if fs::metadata(&path).map_err(unreadable)?.is_dir() {
        fs::remove_dir(into).map_err(FetchError::Disk)?;
        return Ok(tree::copy(&path, into)?);
    }
    let unreadable = |source| FetchError::Local {
        path: path.clone(),
        source,
    };
    let kind = kind_of(source).ok_or_else(|| {
        unreadable(io::Error::other(
            "it is neither a directory nor an archive by its name",
        ))
    })?;
    let mut file = File::open(&path).map_err(unreadable)?;
    verify(&mut file, checksum(source)?.as_ref())?;
    Ok(archive::unpack(file, kind, into)?)
}

/// Whether an address leads to a directory of this machine, which may be another every time it is looked at.
pub(crate) fn is_directory(source: &RemoteSource) -> bool {
    let is_file = source
        .getter
        .as_deref()
        .is_none_or(|getter| getter == "file");
    match source.url.strip_prefix("file://") {
        Some(path) if is_file => Path::new(path).is_dir(),
        _ => false,
    }
}

/// A digest that an archive must have.
#[derive(Debug)]
enum Checksum {
    Sha256(String),
    Sha512(String),
}

fn checksum(source: &RemoteSource) -> Result<Option<Checksum>, FetchError> {
    let Some(text) = source.setting("checksum").filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let (kind, digest) = text.split_once(':').unwrap_or((
        match text.len() {
            64 => "sha256",
            128 => "sha512",
            _ => "",
        },
        &text,
    ));
    let digest = digest.to_ascii_lowercase();
    let is_hex = |length: usize| {
        digest.len() == length && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    match kind {
        "sha256" if is_hex(64) => Ok(Some(Checksum::Sha256(digest))),
        "sha512" if is_hex(128) => Ok(Some(Checksum::Sha512(digest))),
        "md5" | "sha1" => Err(FetchError::ChecksumForm(format!(
            "{kind} can be forged; write sha256:..."
        ))),
        _ => Err(FetchError::ChecksumForm(format!(
            "\"{text}\" is none; write sha256: and 64 digits, or sha512: and 128"
        ))),
    }
}

/// Compares a file with its checksum, and goes back to its beginning.
fn verify(file: &mut File, checksum: Option<&Checksum>) -> Result<(), FetchError> {
    file.rewind().map_err(FetchError::Disk)?;
    let (wanted, found) = match checksum {
        None => return Ok(()),
        Some(Checksum::Sha256(wanted)) => (wanted, digest::<Sha256>(file)?),
        Some(Checksum::Sha512(wanted)) => (wanted, digest::<Sha512>(file)?),
    };
    if *wanted != found {
        return Err(FetchError::Checksum {
            wanted: wanted.clone(),
            found,
        });
    }
    file.rewind().map_err(FetchError::Disk)
}

fn digest<D: sha2::Digest>(file: &mut File) -> Result<String, FetchError> {
    let mut digest = D::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        // Ends with the file.
        let n = file.read(&mut buffer).map_err(FetchError::Disk)?;
        if n == 0 {
            return Ok(tree::hex(&digest.finalize()));
        }
        digest.update(buffer.get(..n).unwrap_or_default());
    }
}

/// The location in `<meta name="terraform-get" content="...">`.
fn in_page(body: &[u8]) -> Option<String> {
    let page = String::from_utf8_lossy(body);
    let mut tags = page.split('<').filter(|tag| {
        tag.get(..4)
            .is_some_and(|name| name.eq_ignore_ascii_case("meta"))
    });
    let attribute = |tag: &str, name: &str| {
        let (_, rest) = tag.split_once(&format!("{name}="))?;
        let quote = rest
            .chars()
            .next()
            .filter(|quote| ['"', '\''].contains(quote))?;
        rest.get(1..)?.split(quote).next().map(str::to_owned)
    };
    tags.find_map(|tag| {
        (attribute(tag, "name")? == "terraform-get")
            .then(|| attribute(tag, "content"))
            .flatten()
    })
}

/// The one directory that a path inside of a package stands for, as a path without patterns; none when there is none,
/// or more than one.
pub(crate) fn inside(root: &Path, subdirectory: &str) -> Option<String> {
    let mut path = String::new();
    for part in subdirectory.split('/').filter(|part| !part.is_empty()) {
        let name = if part.contains('*') {
            let entries = fs::read_dir(root.join(&path)).ok()?.flatten();
            let directories = entries.filter(|entry| entry.path().is_dir());
            let names = directories.filter_map(|entry| entry.file_name().into_string().ok());
            let mut names = names.filter(|name| matches(part, name) && !name.starts_with('.'));
            let first = names.next()?;
            if names.next().is_some() {
                return None;
            }
            first
        } else {
            part.to_owned()
        };
        path = joined(&path, &name);
    }
    root.join(&path).is_dir().then_some(path)
}

/// Whether a name fits a pattern in which `*` stands for anything.
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    rest.ends_with(last)
}

/// Whether an address can be asked at all, so that it is refused before anything is done.
pub(crate) fn check(source: &RemoteSource) -> Result<(), FetchError> {
    let scheme = source.url.split("://").next().unwrap_or_default();
    match source.getter.as_deref().unwrap_or(scheme) {
        "git" | "ssh" | "file" => Ok(()),
        "http" | "https" => Ok(parse(&source.url).map(|_| ())?),
        other => Err(FetchError::Getter(other.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_stand_for_names() {
        for (pattern, name, fits) in [
            ("*", "a", true),
            ("a*", "abc", true),
            ("*c", "abc", true),
            ("a*c", "abc", true),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "ac", false),
            ("a", "ab", false),
            ("ab*b", "ab", false),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
    }

    #[test]
    fn pages_say_where_a_package_is() {
        for (page, location) in [
            (
                "<html><head><meta name=\"terraform-get\" content=\"git::https://h/r\" /></head>",
                Some("git::https://h/r"),
            ),
            (
                "<META content='./a.zip' name='terraform-get'>",
                Some("./a.zip"),
            ),
            ("<meta name=\"other\" content=\"x\">", None),
            ("", None),
        ] {
            assert_eq!(in_page(page.as_bytes()).as_deref(), location, "{page}");
        }
    }

    #[test]
    fn checksums_have_a_form() {
        let read = |text: &str| {
            let source = RemoteSource::parse(&format!("https://h/a.zip?checksum={text}")).unwrap();
            checksum(&source)
        };
        let digest = "a".repeat(64);
        assert!(matches!(read(&digest), Ok(Some(Checksum::Sha256(_)))));
        assert!(matches!(
            read(&format!("sha256:{digest}")),
            Ok(Some(Checksum::Sha256(_)))
        ));
        assert!(matches!(
            read(&format!("sha512:{digest}{digest}")),
            Ok(Some(Checksum::Sha512(_)))
        ));
        for text in ["md5:00", "sha256:0", "sha256:zz", "file:x", "abc"] {
            assert!(
                matches!(read(text), Err(FetchError::ChecksumForm(_))),
                "{text}"
            );
        }
    }
}
