//! The console on a terminal: a line that can be edited, names that complete, and what was typed before.

use super::{Answer, HELP, Line, Talk, is_unfinished, line};
use crate::error::CommandError;
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Config, Context, Editor, Helper};
use std::path::PathBuf;

/// What stands before a line.
const PROMPT: &str = "> ";

/// Lines of history that are kept.
const HISTORY_LINES_MAX: usize = 1_000;

/// Longest value that Tab looks into, as a text before the cursor, in bytes.
const COMPLETION_BYTES_MAX: usize = 4_096;

/// Talks until the person leaves.
pub(super) fn run(talk: &Talk<'_>) -> Result<(), CommandError> {
    let config = Config::builder()
        .completion_type(CompletionType::List)
        .history_ignore_space(true)
        .max_history_size(HISTORY_LINES_MAX)
        .map_err(unusable)?
        .build();
    let mut editor: Editor<Assistant<'_>, FileHistory> =
        Editor::with_config(config).map_err(unusable)?;
    editor.set_helper(Some(Assistant { talk }));
    let history = history();
    if let Some(history) = &history {
        // Without it the first line is simply the first.
        let _ = editor.load_history(history);
    }
    // Ends with `exit`, Ctrl-D or the terminal.
    loop {
        let text = match editor.readline(PROMPT) {
            Ok(text) => text,
            // Ctrl-C drops the line, as in a shell.
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => break,
            Err(error) => return Err(unusable(error)),
        };
        match line(&text) {
            Line::Nothing => continue,
            Line::Exit => break,
            Line::Help => anstream::println!("{HELP}"),
            Line::Question(question) => match talk.answer(question) {
                Answer::Good(text) => super::print(&text, "")?,
                Answer::Bad(text) => anstream::eprint!("{text}"),
            },
        }
        let is_new = editor.add_history_entry(&*text).unwrap_or(false);
        if let Some(history) = history.as_ref().filter(|_| is_new) {
            // A history that cannot be kept is no reason to stop.
            let _ = editor.append_history(history);
        }
    }
    Ok(())
}

fn unusable(error: ReadlineError) -> CommandError {
    CommandError::Failed(format!("the terminal cannot be used: {error}"))
}

/// The file of earlier lines, its directory made for the owner alone; none where there is no place for it.
fn history() -> Option<PathBuf> {
    use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
    let absolute = |name: &str| {
        let path = PathBuf::from(std::env::var_os(name)?);
        path.is_absolute().then_some(path)
    };
    let state =
        absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")))?;
    let directory = state.join("steadfast");
    let made = std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&directory);
    let file = directory.join("console-history");
    let opened = made.and_then(|()| {
        std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&file)
    });
    opened.ok().map(|_| file)
}

/// Completes names and keeps a line open while a bracket is.
struct Assistant<'a> {
    talk: &'a Talk<'a>,
}

impl Helper for Assistant<'_> {}
impl Highlighter for Assistant<'_> {}

impl Hinter for Assistant<'_> {
    type Hint = String;
}

impl Validator for Assistant<'_> {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(if is_unfinished(context.input()) {
            ValidationResult::Incomplete
        } else {
            ValidationResult::Valid(None)
        })
    }
}

impl Completer for Assistant<'_> {
    type Candidate = String;

    fn complete(
        &self,
        text: &str,
        at: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        if at > COMPLETION_BYTES_MAX {
            return Ok((at, Vec::new()));
        }
        let found = self.talk.complete(text, at);
        Ok((found.start, found.candidates))
    }
}
