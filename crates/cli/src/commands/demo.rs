//! `demo`: placeholder until the story is written.

use crate::args::DemoArgs;
use crate::error::CommandError;
use std::path::Path;

pub(crate) fn run(_args: DemoArgs, _chdir: Option<&Path>) -> Result<u8, CommandError> {
    Err(CommandError::Failed("not yet".to_owned()))
}
