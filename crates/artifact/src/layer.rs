//! Layers: the files of an artifact in one tar archive that is the same wherever and whenever it is made.
//!
//! The form is the narrowest that serves: POSIX.1-1988 ustar headers without extensions, regular files (0644 or 0755)
//! and directories (0755), every directory before what is in it, ascending paths, owner 0, time 0. [`Order`] holds
//! writer and reader to it alike, so whatever this room packs it also unpacks, and nothing else. There are no links,
//! devices, extended headers or sparse files to be careful with: they are refused.

use crate::digesting::Digesting;
use crate::limits::{ARTIFACT_BYTES_MAX, ARTIFACT_ENTRIES_MAX};
use crate::path::{PathError, TreePath};
use model::Digest;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read};
use std::path::PathBuf;
use tar::{EntryType, Header};
use thiserror::Error;

/// Permission bits of directories and of files that can be run.
const MODE_EXECUTABLE: u32 = 0o755;
/// Permission bits of other files.
const MODE_PLAIN: u32 = 0o644;

/// One thing to be packed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// A directory.
    Directory,
    /// A file, taken from here.
    File { from: PathBuf, executable: bool },
}

/// One thing found in a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// A directory.
    Directory,
    /// A file of this size.
    File { executable: bool, size: u64 },
}

/// A layer that cannot be written, or must not be read.
#[derive(Debug, Error)]
pub(crate) enum LayerError {
    /// A name that is not a path inside an artifact.
    #[error("the entry `{path}` has a name that cannot be accepted")]
    Path {
        path: String,
        #[source]
        source: PathError,
    },
    /// Twice, or not ascending.
    #[error("the entry `{0}` is there twice or out of order")]
    Order(TreePath),
    /// Two files on one system, one on another.
    #[error("the entry `{0}` differs from another only in upper and lower case")]
    Case(TreePath),
    /// In something that is not a directory.
    #[error("the entry `{0}` is in no directory that was named before it")]
    Parent(TreePath),
    /// Link, device, extension.
    #[error("the entry `{path}` is a {kind}; an artifact has only files and directories")]
    Kind { path: String, kind: String },
    /// Set-user-id and such.
    #[error("the entry `{path}` has the permissions {mode:o}")]
    Mode { path: TreePath, mode: u32 },
    /// Too many.
    #[error("there are more than {ARTIFACT_ENTRIES_MAX} entries")]
    TooMany,
    /// Too large.
    #[error("the files have more than {ARTIFACT_BYTES_MAX} bytes")]
    TooLarge,
    /// Ends within a file, or a size was a lie.
    #[error("the entry `{0}` is shorter than its header says")]
    Truncated(TreePath),
    /// Something after the end mark.
    #[error("there is something after the end of the archive")]
    Trailing,
    /// No tar archive.
    #[error("the archive cannot be read")]
    Archive(#[source] io::Error),
    /// The file to be packed cannot be read.
    #[error("{} cannot be read", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The file to be packed changed under our hands.
    #[error("{} changed while it was packed", .0.display())]
    Changed(PathBuf),
    /// Neither name nor prefix of a header can hold it.
    #[error(
        "the path `{0}` is too long for an archive: its last part takes at most 100 bytes, the rest 155"
    )]
    TooLong(TreePath),
    /// The archive cannot be written.
    #[error("the archive cannot be written")]
    Write(#[source] io::Error),
}

/// The rules for what may follow what.
#[derive(Default)]
struct Order {
    last: Option<TreePath>,
    directories: BTreeSet<TreePath>,
    folded: BTreeSet<String>,
    entries: usize,
    bytes: u64,
}

impl Order {
    fn admit(&mut self, path: &TreePath, entry: Entry) -> Result<(), LayerError> {
        self.entries += 1;
        if self.entries > ARTIFACT_ENTRIES_MAX {
            return Err(LayerError::TooMany);
        }
        if self.last.as_ref().is_some_and(|last| last >= path) {
            return Err(LayerError::Order(path.clone()));
        }
        if !path
            .parents()
            .all(|parent| self.directories.contains(&parent))
        {
            return Err(LayerError::Parent(path.clone()));
        }
        if !self.folded.insert(path.folded()) {
            return Err(LayerError::Case(path.clone()));
        }
        match entry {
            Entry::Directory => {
                self.directories.insert(path.clone());
            }
            Entry::File { size, .. } => {
                self.bytes = self.bytes.saturating_add(size);
                if self.bytes > ARTIFACT_BYTES_MAX {
                    return Err(LayerError::TooLarge);
                }
            }
        }
        self.last = Some(path.clone());
        Ok(())
    }
}

/// Packs files and directories; the directories that they lie in are added. Gives the layer's digest and size; the
/// file is on stable storage then.
pub(crate) fn write(
    contents: &BTreeMap<TreePath, Content>,
    out: File,
) -> Result<(Digest, u64), LayerError> {
    let mut all: BTreeMap<TreePath, &Content> = BTreeMap::new();
    for (path, content) in contents {
        for parent in path.parents() {
            all.entry(parent).or_insert(&Content::Directory);
        }
        all.insert(path.clone(), content);
    }
    let mut order = Order::default();
    let mut builder = tar::Builder::new(Digesting::new(BufWriter::new(out)));
    for (path, content) in all {
        match content {
            Content::Directory => {
                order.admit(&path, Entry::Directory)?;
                let header = header(&path, EntryType::Directory, MODE_EXECUTABLE, 0)?;
                builder
                    .append(&header, io::empty())
                    .map_err(LayerError::Write)?;
            }
            Content::File { from, executable } => {
                write_file(&mut builder, &mut order, &path, from, *executable)?;
            }
        }
    }
    let (out, digest, bytes) = builder.into_inner().map_err(LayerError::Write)?.finish();
    let out = out
        .into_inner()
        .map_err(|error| LayerError::Write(error.into_error()))?;
    out.sync_all().map_err(LayerError::Write)?;
    Ok((digest, bytes))
}

fn write_file(
    builder: &mut tar::Builder<Digesting<BufWriter<File>>>,
    order: &mut Order,
    path: &TreePath,
    from: &PathBuf,
    executable: bool,
) -> Result<(), LayerError> {
    let unreadable = |source| LayerError::Read {
        path: from.clone(),
        source,
    };
    let mut file = File::open(from).map_err(unreadable)?;
    let size = file.metadata().map_err(unreadable)?.len();
    order.admit(path, Entry::File { executable, size })?;
    let mode = if executable {
        MODE_EXECUTABLE
    } else {
        MODE_PLAIN
    };
    let header = header(path, EntryType::Regular, mode, size)?;
    let mut reader = Digesting::new((&mut file).take(size));
    builder
        .append(&header, &mut reader)
        .map_err(LayerError::Write)?;
    // Shorter or longer than it was: somebody still writes to it.
    let read = reader.passed();
    let more = file.read(&mut [0]).map_err(unreadable)?;
    if read != size || more != 0 {
        return Err(LayerError::Changed(from.clone()));
    }
    Ok(())
}

fn header(path: &TreePath, kind: EntryType, mode: u32, size: u64) -> Result<Header, LayerError> {
    let mut header = Header::new_ustar();
    header
        .set_path(path.as_str())
        .map_err(|_| LayerError::TooLong(path.clone()))?;
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_cksum();
    Ok(header)
}

/// What is done with each entry: its path, what it is, and its content.
type Visit<'a, E> = dyn FnMut(&TreePath, Entry, &mut dyn Read) -> Result<(), E> + 'a;

/// Reads a layer to its very end and shows each entry to `visit`, with a reader of its content. What `visit` leaves
/// unread is passed over.
pub(crate) fn walk<E: From<LayerError>>(
    layer: &mut dyn Read,
    visit: &mut Visit<'_, E>,
) -> Result<(), E> {
    let broken = |error| E::from(LayerError::Archive(error));
    let mut order = Order::default();
    let mut archive = tar::Archive::new(BufReader::new(layer));
    for found in archive.entries().map_err(broken)?.raw(true) {
        let mut found = found.map_err(broken)?;
        let (path, entry) = examine(found.header())?;
        order.admit(&path, entry)?;
        let Entry::File { size, .. } = entry else {
            visit(&path, entry, &mut io::empty())?;
            continue;
        };
        let mut content = Digesting::new(&mut found);
        visit(&path, entry, &mut content)?;
        io::copy(&mut content, &mut io::sink()).map_err(broken)?;
        if content.passed() != size {
            return Err(LayerError::Truncated(path).into());
        }
    }
    let mut rest = archive.into_inner();
    let mut block = [0; 8 * 1024];
    loop {
        // Ends with the reader, whose length is bounded by the layer's descriptor.
        let read = rest.read(&mut block).map_err(broken)?;
        if read == 0 {
            return Ok(());
        }
        if block.iter().take(read).any(|byte| *byte != 0) {
            return Err(LayerError::Trailing.into());
        }
    }
}

/// What a header says, if it says only what may be said.
fn examine(header: &Header) -> Result<(TreePath, Entry), LayerError> {
    let name = header.path_bytes();
    let name = String::from_utf8_lossy(&name);
    let kind = header.entry_type();
    if !matches!(kind, EntryType::Regular | EntryType::Directory) {
        return Err(LayerError::Kind {
            path: name.into_owned(),
            kind: kind_name(kind),
        });
    }
    let is_directory = kind == EntryType::Directory;
    let trimmed = if is_directory {
        name.strip_suffix('/').unwrap_or(&name)
    } else {
        &name
    };
    // A name that is not UTF-8 has become one with replacement characters; it must not pass for that one.
    let accepted = if trimmed.contains(char::REPLACEMENT_CHARACTER) {
        Err(PathError::Character)
    } else {
        TreePath::parse(trimmed)
    };
    let path = accepted.map_err(|source| LayerError::Path {
        path: name.escape_debug().to_string(),
        source,
    })?;
    let mode = header.mode().map_err(LayerError::Archive)?;
    if mode != MODE_EXECUTABLE && (is_directory || mode != MODE_PLAIN) {
        return Err(LayerError::Mode { path, mode });
    }
    let size = header.entry_size().map_err(LayerError::Archive)?;
    if is_directory {
        if size != 0 {
            return Err(LayerError::Truncated(path));
        }
        return Ok((path, Entry::Directory));
    }
    let executable = mode == MODE_EXECUTABLE;
    Ok((path, Entry::File { executable, size }))
}

fn kind_name(kind: EntryType) -> String {
    match kind {
        EntryType::Link => "hard link".to_owned(),
        EntryType::Symlink => "symbolic link".to_owned(),
        EntryType::Char => "character device".to_owned(),
        EntryType::Block => "block device".to_owned(),
        EntryType::Fifo => "named pipe".to_owned(),
        EntryType::XHeader | EntryType::XGlobalHeader => "pax extension".to_owned(),
        EntryType::GNULongName | EntryType::GNULongLink => "GNU extension".to_owned(),
        EntryType::GNUSparse => "sparse file".to_owned(),
        other => format!("thing of type {:?}", char::from(other.as_byte())),
    }
}

impl Content {
    /// Whether it can be run.
    pub(crate) fn is_executable(&self) -> bool {
        matches!(
            self,
            Self::File {
                executable: true,
                ..
            }
        )
    }
}

#[cfg(test)]
mod tests {
    use super::{Content, LayerError, walk, write};
    use crate::path::TreePath;
    use crate::unpack::{UnpackError, extract};
    use model::Digest;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};
    use std::fs::{self, File};
    use std::io;
    use std::path::Path;
    use tar::{EntryType, Header};

    /// A header with whatever name, which the library would not write by itself.
    fn raw(name: &[u8], kind: EntryType, mode: u32, size: u64) -> Header {
        let mut header = match kind {
            EntryType::GNUSparse => Header::new_gnu(),
            _ => Header::new_ustar(),
        };
        header.as_old_mut().name[..name.len()].copy_from_slice(name);
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(size);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_cksum();
        header
    }

    fn link(kind: EntryType, name: &[u8], target: &[u8]) -> Header {
        let mut header = raw(name, kind, 0o644, 0);
        header.as_old_mut().linkname[..target.len()].copy_from_slice(target);
        header.set_cksum();
        header
    }

    fn file(name: &str) -> Header {
        raw(name.as_bytes(), EntryType::Regular, 0o644, 4)
    }

    fn directory(name: &str) -> Header {
        raw(name.as_bytes(), EntryType::Directory, 0o755, 0)
    }

    fn archive(headers: &[Header]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for header in headers {
            let content: &[u8] = match header.entry_type() {
                EntryType::Regular => b"evil",
                _ => b"",
            };
            builder.append(header, content).unwrap();
        }
        builder.into_inner().unwrap()
    }

    /// Everything that is hostile or merely not ours, and one word of what is said about it.
    fn corpus() -> Vec<(&'static str, Vec<u8>)> {
        let mut corpus: Vec<(&'static str, Vec<Header>)> = Vec::new();
        for name in [
            "../evil",
            "a/../../evil",
            "..",
            "/evil",
            "//evil",
            "./evil",
            "a//evil",
            "..\\evil",
            "C:evil",
            "C:\\evil",
            "\\\\host\\evil",
            "",
            ".",
            "e\nvil",
            "e\u{1b}[31mvil",
        ] {
            corpus.push(("name", vec![file(name)]));
        }
        corpus.push(("name", vec![raw(b"\xff\xfe", EntryType::Regular, 0o644, 4)]));
        for name in ["../evil", "/", "a/..", "..//"] {
            corpus.push(("name", vec![directory(name)]));
        }
        let links = [
            ("symbolic link", EntryType::Symlink),
            ("hard link", EntryType::Link),
            ("character device", EntryType::Char),
            ("block device", EntryType::Block),
            ("named pipe", EntryType::Fifo),
            ("pax extension", EntryType::XHeader),
            ("pax extension", EntryType::XGlobalHeader),
            ("GNU extension", EntryType::GNULongName),
            ("GNU extension", EntryType::GNULongLink),
            ("sparse", EntryType::GNUSparse),
            ("thing of type", EntryType::Continuous),
            ("thing of type", EntryType::new(b'V')),
        ];
        for (word, kind) in links {
            corpus.push((word, vec![link(kind, b"out", b"../outside")]));
            corpus.push((word, vec![link(kind, b"out", b"/tmp"), file("out/evil")]));
        }
        for mode in [0o4755, 0o2755, 0o1755, 0o777, 0o666, 0] {
            corpus.push((
                "permissions",
                vec![raw(b"run", EntryType::Regular, mode, 4)],
            ));
        }
        corpus.push((
            "permissions",
            vec![raw(b"d/", EntryType::Directory, 0o644, 0)],
        ));
        corpus.push(("twice or out of order", vec![file("a"), file("a")]));
        corpus.push(("twice or out of order", vec![file("b"), file("a")]));
        corpus.push(("twice or out of order", vec![directory("a/"), file("a")]));
        corpus.push(("upper and lower", vec![file("A"), file("a")]));
        corpus.push((
            "upper and lower",
            vec![file("STRASSE\u{c9}"), file("strasse\u{e9}")],
        ));
        corpus.push(("in no directory", vec![file("a/b")]));
        corpus.push(("in no directory", vec![file("a"), file("a/b")]));
        let mut archives: Vec<_> = corpus
            .iter()
            .map(|(word, headers)| (*word, archive(headers)))
            .collect();

        let good = archive(&[file("a")]);
        let lie = raw(b"a", EntryType::Regular, 0o644, u64::MAX / 4);
        archives.push(("more than", lie.as_bytes().to_vec()));
        let lie = raw(b"a", EntryType::Regular, 0o644, 1_000_000);
        archives.push(("shorter", [lie.as_bytes().as_slice(), &[0; 4096]].concat()));
        let lie = raw(b"a/", EntryType::Directory, 0o755, 4);
        archives.push(("shorter", [lie.as_bytes().as_slice(), &[0; 4096]].concat()));
        archives.push(("cannot be read", vec![1; 512]));
        archives.push(("cannot be read", good[..100].to_vec()));
        let mut changed = good.clone();
        changed[110] ^= 1;
        archives.push(("cannot be read", changed));
        archives.push(("after the end", [good.as_slice(), b"x"].concat()));
        archives.push(("after the end", [good.clone(), good].concat()));
        archives
    }

    #[test]
    fn hostile_layers_are_refused_and_touch_nothing() {
        let corpus = corpus();
        assert!(corpus.len() > 60);
        for (archive_idx, (word, bytes)) in corpus.iter().enumerate() {
            let top = tempfile::tempdir().unwrap();
            let inside = top.path().join("deep/inside");
            fs::create_dir_all(&inside).unwrap();
            fs::write(top.path().join("deep/witness"), "untouched").unwrap();
            let error = extract(&mut bytes.as_slice(), &inside).unwrap_err();
            let UnpackError::Layer(error) = error else {
                panic!("{archive_idx} {word}: {error}");
            };
            let text = crate::chain(&error);
            assert!(text.contains(word), "{archive_idx} {word}: {text}");
            assert!(!text.contains('\u{1b}'), "{text:?}");
            let listed = |path: &Path| -> BTreeSet<_> {
                let entries = fs::read_dir(path).unwrap();
                entries.map(|entry| entry.unwrap().file_name()).collect()
            };
            let expected = BTreeSet::from(["inside".into(), "witness".into()]);
            assert_eq!(listed(&top.path().join("deep")), expected);
            assert_eq!(listed(top.path()).len(), 1);
            let witness = fs::read_to_string(top.path().join("deep/witness")).unwrap();
            assert_eq!(witness, "untouched");
            for entry in walkdir::WalkDir::new(&inside) {
                assert!(!entry.unwrap().file_type().is_symlink());
            }
        }
    }

    #[test]
    fn names_that_no_header_holds_are_refused() {
        let source = tempfile::tempdir().unwrap();
        let from = source.path().join("f");
        fs::write(&from, "f").unwrap();
        let pack = |path: &str| {
            let content = Content::File {
                from: from.clone(),
                executable: false,
            };
            let contents = BTreeMap::from([(TreePath::parse(path).unwrap(), content)]);
            write(&contents, tempfile::tempfile().unwrap())
        };
        let long = |n: usize| "n".repeat(n);
        pack(&long(100)).unwrap();
        pack(&format!("{}/{}", long(100), long(100))).unwrap();
        assert!(matches!(pack(&long(101)), Err(LayerError::TooLong(_))));
        let long = format!("{}/{}", long(101), long(99));
        assert!(matches!(pack(&long), Err(LayerError::TooLong(_))));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// What is packed is what is unpacked, and packing it again gives the same bytes.
        #[test]
        fn there_and_back(
            files in proptest::collection::btree_map(
                "[a-c]{1,2}(/[a-c]{1,2}){0,2}",
                (proptest::collection::vec(any::<u8>(), 0..2_000), any::<bool>()),
                1..12,
            ),
        ) {
            // A path that is both a file and a directory cannot come from a disk.
            let is_directory = |path: &String| files.keys().any(|other| other.starts_with(&format!("{path}/")));
            let source = tempfile::tempdir().unwrap();
            let mut contents = BTreeMap::new();
            for (number, (path, (bytes, executable))) in files.iter().enumerate() {
                if is_directory(path) {
                    continue;
                }
                let from = source.path().join(number.to_string());
                fs::write(&from, bytes).unwrap();
                contents.insert(TreePath::parse(path).unwrap(), Content::File { from, executable: *executable });
            }
            let packed = source.path().join("layer");
            let (digest, size) = write(&contents, File::create_new(&packed).unwrap()).unwrap();
            let bytes = fs::read(&packed).unwrap();
            prop_assert_eq!(digest, Digest::of(&bytes));
            prop_assert_eq!(size, bytes.len() as u64);

            let out = tempfile::tempdir().unwrap();
            extract(&mut bytes.as_slice(), out.path()).unwrap();
            crate::unpack::compare(&mut bytes.as_slice(), out.path()).unwrap();
            for (path, content) in &mut contents {
                let Content::File { from, .. } = content else { unreachable!() };
                let unpacked = path.below(out.path());
                prop_assert_eq!(fs::read(&unpacked).unwrap(), fs::read(&*from).unwrap());
                *from = unpacked;
            }
            let again = write(&contents, tempfile::tempfile().unwrap()).unwrap();
            prop_assert_eq!(again.0, digest);
        }

        /// No bytes make the reader panic, and none make it accept a name that leads out.
        #[test]
        fn any_bytes(
            flips in proptest::collection::vec((0..2_048_usize, any::<u8>()), 1..8),
        ) {
            let mut bytes = archive(&[directory("a/"), file("a/b"), file("c")]);
            for (at, value) in flips {
                bytes[at] = value;
            }
            let mut rest = bytes.as_slice();
            let _ = walk::<LayerError>(&mut rest, &mut |path, _, content| {
                assert!(!path.as_str().starts_with('/') && !path.as_str().contains(".."));
                io::copy(content, &mut io::sink()).unwrap();
                Ok(())
            });
        }
    }
}
