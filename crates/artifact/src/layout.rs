//! The OCI image layout on disk: `oci-layout`, `index.json` and `blobs/sha256/<hex>`, and beside them what only we
//! read: `builds/` (which specification gave which artifact), `unpacked/`, `logs/` and `tmp/`.
//!
//! Everything is written beside its place, made durable and renamed into it, so a reader sees all of it or nothing. A
//! blob's name is its digest; whoever reads one hashes it. Where a blob is there already it is hashed too: a good one
//! is kept, a damaged one is replaced by the good bytes at hand.

use crate::digesting::{Digesting, digest_of};
use crate::limits::{DOCUMENT_BYTES_MAX, INDEX_BYTES_MAX};
use crate::oci::{
    CONFIG_TYPE, Config, Descriptor, DocumentError, Index, LAYER_TYPE, LAYOUT, MANIFEST_TYPE,
    Manifest, encode,
};
use crate::scratch::Scratch;
use model::Digest;
use std::fs::{self, File, Permissions};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Permission bits of blobs: nobody changes them any more.
const MODE_BLOB: u32 = 0o444;
/// Permission bits of other files of the store.
const MODE_FILE: u32 = 0o644;

/// A store that cannot be used, or content that must not be.
#[derive(Debug, Error)]
pub(crate) enum LayoutError {
    /// Full, read-only, no permission.
    #[error("{} cannot be {doing}", path.display())]
    Disk {
        doing: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// Not there.
    #[error("its {what} {digest} is not in the store ({})", path.display())]
    Missing {
        what: &'static str,
        digest: Digest,
        path: PathBuf,
    },
    /// Damaged or tampered with.
    #[error("its {what} in {} does not match the digest {expected}: it has {found}", path.display())]
    Mismatch {
        what: &'static str,
        path: PathBuf,
        expected: Digest,
        found: String,
    },
    /// The bytes are right and mean nothing to us.
    #[error("{} is not usable", path.display())]
    Document {
        path: PathBuf,
        #[source]
        source: DocumentError,
    },
    /// A document of ours that cannot be written.
    #[error("the artifact cannot be described")]
    Encode(#[source] DocumentError),
    /// Made by another program, or a later one.
    #[error("{} is not an OCI image layout of version 1.0.0, so the directory is left alone", .0.display())]
    Version(PathBuf),
}

impl LayoutError {
    /// Whether content is wrong or absent, as opposed to the disk failing.
    pub(crate) fn is_content(&self) -> bool {
        !matches!(self, Self::Disk { .. } | Self::Version(_))
    }
}

/// Where everything is.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) directory: PathBuf,
}

/// An artifact whose every byte has just been hashed.
#[derive(Debug)]
pub(crate) struct Verified {
    /// How it is run.
    pub(crate) config: Config,
    /// The layer.
    pub(crate) layer: Descriptor,
    /// Its file, at its beginning.
    pub(crate) layer_file: File,
}

impl Layout {
    /// Makes the directories, or finds them made; never touches a directory of a form that it does not know.
    pub(crate) fn prepare(&self) -> Result<(), LayoutError> {
        for part in ["blobs/sha256", "builds", "unpacked", "logs", "tmp"] {
            let path = self.directory.join(part);
            fs::create_dir_all(&path).map_err(|error| disk("made", &path, error))?;
        }
        let path = self.directory.join("oci-layout");
        match read_small(&path, DOCUMENT_BYTES_MAX)? {
            Some(bytes) if bytes.trim_ascii_end() == LAYOUT => Ok(()),
            Some(_) => Err(LayoutError::Version(path)),
            None => {
                let scratch = self.scratch()?;
                self.place_bytes(&scratch, &path, LAYOUT, MODE_FILE)
            }
        }
    }

    /// A temporary directory on the same file system.
    pub(crate) fn scratch(&self) -> Result<Scratch, LayoutError> {
        let parent = self.directory.join("tmp");
        Scratch::new(&parent).map_err(|error| disk("used for temporary files", &parent, error))
    }

    /// Where an artifact is unpacked to.
    pub(crate) fn unpacked(&self, artifact: &Digest) -> PathBuf {
        self.directory.join("unpacked").join(hex(artifact))
    }

    /// Where the output of a build is kept.
    pub(crate) fn log(&self, name: &str, spec: &Digest) -> PathBuf {
        self.directory
            .join("logs")
            .join(format!("{name}-{}.log", spec.short()))
    }

    fn blob(&self, digest: &Digest) -> PathBuf {
        self.directory.join("blobs/sha256").join(hex(digest))
    }

    fn build(&self, spec: &Digest) -> PathBuf {
        self.directory.join("builds").join(hex(spec))
    }

    /// Stores an artifact: a packed layer lying in `scratch`, and how it came to be. Gives its digest.
    pub(crate) fn store(
        &self,
        scratch: &Scratch,
        packed: &Path,
        (layer, layer_bytes): (Digest, u64),
        config: &Config,
    ) -> Result<Descriptor, LayoutError> {
        let config = encode(config).map_err(LayoutError::Encode)?;
        let manifest = Manifest::new(
            Descriptor::new(CONFIG_TYPE, Digest::of(&config), config.len() as u64),
            Descriptor::new(LAYER_TYPE, layer, layer_bytes),
        );
        let manifest = encode(&manifest).map_err(LayoutError::Encode)?;
        self.place_blob("layer", packed, &layer)?;
        for (what, bytes) in [("configuration", &config), ("manifest", &manifest)] {
            let path = scratch.path().join(what);
            write_new(&path, bytes)?;
            self.place_blob(what, &path, &Digest::of(bytes))?;
        }
        let artifact = Digest::of(&manifest);
        let descriptor = Descriptor::new(MANIFEST_TYPE, artifact, manifest.len() as u64);
        Ok(descriptor)
    }

    /// Moves a finished file to its name in the store, unless it is there and good.
    fn place_blob(
        &self,
        what: &'static str,
        from: &Path,
        digest: &Digest,
    ) -> Result<(), LayoutError> {
        let to = self.blob(digest);
        match self.open_blob(what, digest, None) {
            Ok(_) => Ok(()),
            Err(LayoutError::Missing { .. } | LayoutError::Mismatch { .. }) => {
                place(from, &to, MODE_BLOB)
            }
            Err(error) => Err(error),
        }
    }

    /// Opens a blob and hashes it; the file is at its beginning then.
    fn open_blob(
        &self,
        what: &'static str,
        digest: &Digest,
        size: Option<u64>,
    ) -> Result<File, LayoutError> {
        let path = self.blob(digest);
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(LayoutError::Missing {
                    what,
                    digest: *digest,
                    path,
                });
            }
            Err(error) => return Err(disk("read", &path, error)),
        };
        let unreadable = |error| disk("read", &path, error);
        let length = file.metadata().map_err(unreadable)?.len();
        let (found, bytes) = match size {
            // A wrong length is wrong content; the bytes need not be looked at.
            Some(size) if size != length => (None, length),
            _ => {
                let mut reader = (&mut file).take(length);
                let (found, bytes) = digest_of(&mut reader).map_err(unreadable)?;
                (Some(found), bytes)
            }
        };
        if found != Some(*digest) {
            return Err(LayoutError::Mismatch {
                what,
                path,
                expected: *digest,
                found: found.map_or(format!("{bytes} bytes"), |found| found.to_string()),
            });
        }
        io::Seek::rewind(&mut file).map_err(unreadable)?;
        Ok(file)
    }

    /// The bytes of a document, of the digest that they were asked for by. They are hashed as they are held, so what is
    /// parsed afterwards is what was hashed.
    fn document(&self, what: &'static str, digest: &Digest) -> Result<Vec<u8>, LayoutError> {
        let path = self.blob(digest);
        let Some(bytes) = read_small(&path, DOCUMENT_BYTES_MAX)? else {
            return Err(LayoutError::Missing {
                what,
                digest: *digest,
                path,
            });
        };
        let found = Digest::of(&bytes);
        if found == *digest {
            return Ok(bytes);
        }
        Err(LayoutError::Mismatch {
            what,
            path,
            expected: *digest,
            found: found.to_string(),
        })
    }

    /// Hashes everything an artifact consists of.
    pub(crate) fn verify(&self, artifact: &Digest) -> Result<Verified, LayoutError> {
        let bytes = self.document("manifest", artifact)?;
        let (manifest, layer) =
            Manifest::parse(&bytes).map_err(|source| LayoutError::Document {
                path: self.blob(artifact),
                source,
            })?;
        let config = self.document("configuration", &manifest.config.digest)?;
        let config = Config::parse(&config).map_err(|source| LayoutError::Document {
            path: self.blob(&manifest.config.digest),
            source,
        })?;
        let layer_file = self.open_blob("layer", &layer.digest, Some(layer.size))?;
        Ok(Verified {
            config,
            layer,
            layer_file,
        })
    }

    /// The artifact that a specification gave before, if it is noted.
    pub(crate) fn built(&self, spec: &Digest) -> Result<Option<Digest>, LayoutError> {
        let bytes = read_small(&self.build(spec), DOCUMENT_BYTES_MAX)?;
        // A damaged note is no note: the build is done again and writes a good one.
        Ok(bytes
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .and_then(|text| Digest::parse(text.trim_end())))
    }

    /// Notes which artifact a specification gave.
    pub(crate) fn note_built(&self, spec: &Digest, artifact: &Digest) -> Result<(), LayoutError> {
        let scratch = self.scratch()?;
        let note = format!("{artifact}\n");
        self.place_bytes(&scratch, &self.build(spec), note.as_bytes(), MODE_FILE)
    }

    /// Path of the lock that must be held to call [`Layout::list`].
    pub(crate) fn index_lock(&self) -> PathBuf {
        self.directory.join("index.lock")
    }

    /// Lists a manifest in `index.json`.
    pub(crate) fn list(&self, name: &str, manifest: Descriptor) -> Result<(), LayoutError> {
        let path = self.directory.join("index.json");
        let unusable = |source| LayoutError::Document {
            path: path.clone(),
            source,
        };
        let bytes = read_small(&path, INDEX_BYTES_MAX)?;
        let mut index = Index::parse(bytes.as_deref()).map_err(unusable)?;
        if !index.list(name, manifest).map_err(unusable)? {
            return Ok(());
        }
        let bytes = encode(&index).map_err(unusable)?;
        let scratch = self.scratch()?;
        self.place_bytes(&scratch, &path, &bytes, MODE_FILE)
    }

    /// Writes a file whole.
    fn place_bytes(
        &self,
        scratch: &Scratch,
        to: &Path,
        bytes: &[u8],
        mode: u32,
    ) -> Result<(), LayoutError> {
        let from = scratch.path().join("bytes");
        write_new(&from, bytes)?;
        place(&from, to, mode)
    }
}

/// The 64 digits of a digest: its name in a layout.
fn hex(digest: &Digest) -> String {
    let text = digest.to_string();
    text.strip_prefix("sha256:").unwrap_or(&text).to_owned()
}

fn write_new(path: &Path, bytes: &[u8]) -> Result<(), LayoutError> {
    let write = || -> io::Result<()> {
        let mut file = File::create_new(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|error| disk("written", path, error))
}

/// Renames a durable file into its place, and makes the new name durable.
fn place(from: &Path, to: &Path, mode: u32) -> Result<(), LayoutError> {
    let place = || -> io::Result<()> {
        fs::set_permissions(from, Permissions::from_mode(mode))?;
        fs::rename(from, to)?;
        sync_parent(to)
    };
    place().map_err(|error| disk("written", to, error))
}

/// Makes a name durable.
pub(crate) fn sync_parent(path: &Path) -> io::Result<()> {
    path.parent()
        .map_or(Ok(()), |parent| File::open(parent)?.sync_all())
}

fn read_small(path: &Path, bytes_max: u64) -> Result<Option<Vec<u8>>, LayoutError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(disk("read", path, error)),
    };
    let mut bytes = Vec::new();
    file.take(bytes_max + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| disk("read", path, error))?;
    if bytes.len() as u64 > bytes_max {
        let error = io::Error::other(format!("it has more than {bytes_max} bytes"));
        return Err(disk("read", path, error));
    }
    Ok(Some(bytes))
}

pub(crate) fn disk(doing: &'static str, path: &Path, source: io::Error) -> LayoutError {
    LayoutError::Disk {
        doing,
        path: path.to_owned(),
        source,
    }
}

/// A reader of the layer that knows at its end whether the bytes were still those that were verified.
pub(crate) fn layer_reader(verified: &mut Verified) -> Digesting<io::Take<&mut File>> {
    let size = verified.layer.size;
    Digesting::new((&mut verified.layer_file).take(size))
}
