//! Names the code that folds a book by its sources, so that a snapshot made by any other code is never used.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};

/// Rooms whose code the fold is made of, from this one's directory.
const ROOMS: [&str; 3] = ["src", "../model/src", "../value/src"];

fn main() -> io::Result<()> {
    let mut files = BTreeSet::new();
    for room in ROOMS {
        println!("cargo::rerun-if-changed={room}");
        collect(Path::new(room), &mut files)?;
    }
    // Only compared with itself, and a snapshot carries a digest of its own: this need not withstand anybody.
    let mut hasher = DefaultHasher::new();
    for file in files {
        file.hash(&mut hasher);
        std::fs::read(&file)?.hash(&mut hasher);
    }
    println!("cargo::rustc-env=STEADFAST_FOLD={:016x}", hasher.finish());
    Ok(())
}

fn collect(directory: &Path, files: &mut BTreeSet<PathBuf>) -> io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), files)?;
        } else {
            files.insert(entry.path());
        }
    }
    Ok(())
}
