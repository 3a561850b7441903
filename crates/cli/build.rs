//! Compiles the pages under `docs/codes` into the program, so that `steadfast explain` needs no file.

use std::fmt::Write as _;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("../../docs/codes");
    println!("cargo::rerun-if-changed={}", root.display());
    let mut pages: Vec<(String, PathBuf)> = Vec::new();
    for entry in std::fs::read_dir(&root)? {
        let path = entry?.path().canonicalize()?;
        let name = path
            .file_stem()
            .and_then(|name| name.to_str())
            .unwrap_or_default()
            .to_owned();
        if name.starts_with("SF") && path.extension().is_some_and(|ending| ending == "md") {
            pages.push((name, path));
        }
    }
    pages.sort();
    let mut text = String::from("/// Code and page of each.\nconst PAGES: &[(&str, &str)] = &[\n");
    for (name, path) in pages {
        writeln!(text, "    ({name:?}, include_str!({path:?})),")?;
    }
    text.push_str("];\n");
    std::fs::write(
        PathBuf::from(std::env::var("OUT_DIR")?).join("codes.rs"),
        text,
    )?;
    Ok(())
}
