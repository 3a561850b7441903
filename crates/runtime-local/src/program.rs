//! Which file a command means, and what its process finds in its environment.
//!
//! A first word with a slash is a path relative to the unpacked artifact; one without is looked up in `PATH`, as a
//! shell does. A text file without an interpreter in its first line is executed by `/bin/sh`, as execvp(3) does.
//!
//! The environment holds what the specification says and four more: `PORT`, `PATH`, `HOME` (a private, empty directory
//! of the instance) and `STEADFAST_INSTANCE`. Nothing of the control plane's own environment is in it.

use crate::record::Order;
use model::InstanceSpec;
use rustix::fs::{Access, access};
use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Where commands are looked up unless the specification sets `PATH`.
const PATH_DEFAULT: &str = "/usr/local/bin:/usr/bin:/bin";

/// Why there is no program to run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ProgramError {
    /// The command is empty.
    Nothing,
    /// No such file.
    NotFound(PathBuf),
    /// No directory of `PATH` has it; true when the artifact does.
    NotInPath(String, bool),
    /// It is a directory or may not be executed.
    NotExecutable(PathBuf),
    /// It is a program for another kind of machine.
    OtherMachine(PathBuf),
}

/// The file to execute.
pub(crate) fn resolve(spec: &InstanceSpec, unpacked: &Path) -> Result<PathBuf, ProgramError> {
    let Some(name) = spec.run.first().filter(|name| !name.is_empty()) else {
        return Err(ProgramError::Nothing);
    };
    if name.contains('/') {
        let path = unpacked.join(name);
        return if !path.exists() {
            Err(ProgramError::NotFound(path))
        } else if !is_executable(&path) {
            Err(ProgramError::NotExecutable(path))
        } else if is_for_another_machine(&path) {
            Err(ProgramError::OtherMachine(path))
        } else {
            Ok(path)
        };
    }
    let search = spec.env.get("PATH").map_or(PATH_DEFAULT, |path| path);
    search
        .split(':')
        .filter(|directory| directory.starts_with('/'))
        .map(|directory| Path::new(directory).join(name))
        .find(|path| is_executable(path))
        .ok_or_else(|| ProgramError::NotInPath(name.clone(), unpacked.join(name).is_file()))
}

fn is_executable(path: &Path) -> bool {
    path.is_file() && access(path, Access::EXEC_OK).is_ok()
}

/// Whether it is an ELF program for a processor other than ours. Found out here because execvp(3) gives what the kernel
/// cannot execute to the shell, whose complaint about it would help nobody. Where interpreters for other formats are
/// registered, the kernel may be able to after all.
fn is_for_another_machine(path: &Path) -> bool {
    let others = std::fs::read_dir("/proc/sys/fs/binfmt_misc").map_or(0, Iterator::count);
    let ours = machine(Path::new("/proc/self/exe"));
    // `register` and `status` are always there.
    others <= 2 && machine(path).is_some_and(|theirs| Some(theirs) != ours)
}

/// Class, byte order and machine of an ELF file (elf(5)).
fn machine(path: &Path) -> Option<(u8, u8, [u8; 2])> {
    let mut header = [0; 20];
    std::fs::File::open(path)
        .and_then(|mut file| file.read_exact(&mut header))
        .ok()?;
    match header {
        [0x7f, b'E', b'L', b'F', class, order, .., low, high] => Some((class, order, [low, high])),
        _ => None,
    }
}

/// The whole environment of the process.
pub(crate) fn environment(order: &Order, instance: &Path) -> Vec<(String, OsString)> {
    let mut environment = vec![
        ("PATH".to_owned(), PATH_DEFAULT.into()),
        ("HOME".to_owned(), instance.join("home").into_os_string()),
    ];
    environment.extend(
        order
            .spec
            .env
            .iter()
            .map(|(name, value)| (name.to_string(), value.into())),
    );
    // Last, so that they win: the route to the instance depends on them.
    environment.push(("PORT".to_owned(), order.port.to_string().into()));
    environment.push((
        "STEADFAST_INSTANCE".to_owned(),
        order.spec.instance.0.clone().into(),
    ));
    environment
}
