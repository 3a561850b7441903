//! `console`: expressions, answered one after the other, on a terminal or in a pipe.
//!
//! What can be named and what it means, `definition::Console` says; values are those of `decide::Inspection`. Here is
//! the conversation. Nothing is written but the history of what was typed.

mod editor;

use crate::args::ConsoleArgs;
use crate::error::CommandError;
use crate::exit;
use crate::files::DiskFiles;
use crate::json;
use crate::project::Definition;
use crate::render::diagnostics::{self, Sources};
use crate::session::Session;
use decide::{Inspection, LoadedRelease};
use definition::{Asked, Completions, Console, is_unfinished};
use engine::Outside;
use model::{PlanMode, RunOptions};
use serde_json::json;
use std::cell::RefCell;
use std::io::{BufRead as _, IsTerminal as _, Read as _};
use std::sync::Arc;
use value::{Diagnostics, Expr, SourceId, Value};

/// What the text of a question is called where something is wrong with it.
const INPUT: &str = "<console-input>";

/// Longest line of a pipe, in bytes.
const LINE_BYTES_MAX: u64 = 16 << 20;

/// Most lines of one question in a pipe. Each is looked at again when the next one comes.
const QUESTION_LINES_MAX: u32 = 10_000;

/// What `help` answers.
const HELP: &str = "\
Type an expression and press Enter to see its value. It may use everything that the root module declares (var, local,
resources, module, data, path, terraform) with the values that exist now, and every function of the language; type(...)
shows the type of a value. While a bracket is open the expression goes on in the next line.

Tab completes, the arrow keys go through earlier lines. `exit` or Ctrl-D ends.";

/// `console`.
pub(crate) fn console(
    session: &Session,
    args: &ConsoleArgs,
    as_json: bool,
) -> Result<u8, CommandError> {
    let schemas = session.schemas(&args.variables)?;
    // A plan needs every value, a look does not.
    let (definition, found) = if args.plan {
        session
            .project
            .compile(&args.variables, &schemas, PlanMode::Normal)?
    } else {
        session.project.compile_loosely(&args.variables, &schemas)?
    };
    say(&found, &definition.sources, as_json);
    let inspection = inspection(session, args, &definition, as_json)?;
    let talk = Talk {
        console: Console::new(&definition.release, &schemas),
        inspection: RefCell::new(inspection),
        outside: session.providers(&args.variables)?,
        tokio: &session.tokio,
        files: DiskFiles::new(session.project.root.clone()),
        sources: RefCell::new(definition.sources.clone()),
        json: as_json,
    };
    if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() && !as_json {
        editor::run(&talk)?;
        return Ok(exit::OK);
    }
    piped(&talk)
}

/// The release with the objects there are, or with those that a plan would leave.
fn inspection(
    session: &Session,
    args: &ConsoleArgs,
    definition: &Definition,
    as_json: bool,
) -> Result<Inspection, CommandError> {
    let loaded = || {
        let release = definition.release.clone();
        let loaded = LoadedRelease::new(definition.digest, release, definition.files());
        match loaded {
            Ok(mut loaded) => {
                loaded.texts = Some(definition::TEXTS);
                Ok(loaded)
            }
            Err(found) => Err(CommandError::Diagnostics {
                diagnostics: found,
                sources: definition.sources.clone(),
                code: exit::FAILED,
            }),
        }
    };
    let environment = session.environment(args.env.as_deref())?;
    let (world, _) = session.world(&environment)?;
    let objects = world.resources.iter();
    let objects = objects
        .map(|(address, object)| (address.clone(), object.value.clone()))
        .collect();
    let outside = session.providers(&args.variables)?;
    let mut inspection = Inspection::new(
        loaded()?,
        &definition.options_in(&environment),
        objects,
        &outside.schemas(),
    );
    if args.plan {
        let options = RunOptions {
            mode: PlanMode::Normal,
            refresh: true,
            ..definition.options_in(&environment)
        };
        let preview = engine::preview(&outside, Arc::new(loaded()?), &world, options);
        let plan = session
            .tokio
            .block_on(preview)
            .map_err(|found| CommandError::Diagnostics {
                diagnostics: found,
                sources: definition.sources.clone(),
                code: exit::FAILED,
            })?;
        let plan = plan.plan;
        say(&plan.diagnostics, &definition.sources, as_json);
        inspection.plan(&plan);
    }
    Ok(inspection)
}

fn say(found: &Diagnostics, sources: &Sources, as_json: bool) {
    for one in found.iter().filter(|_| as_json) {
        anstream::println!("{}", json::diagnostic_line(one, sources));
    }
    if !as_json {
        anstream::eprint!("{}", diagnostics::text(found, sources));
    }
}

/// What a line asks for.
enum Line<'t> {
    Nothing,
    Help,
    Exit,
    Question(&'t str),
}

fn line(text: &str) -> Line<'_> {
    let says_something = |line: &str| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with('#') && !line.starts_with("//")
    };
    match text.trim() {
        "exit" => Line::Exit,
        "help" => Line::Help,
        _ if !text.lines().any(says_something) => Line::Nothing,
        _ => Line::Question(text),
    }
}

/// Everything that answers need.
struct Talk<'a> {
    console: Console<'a>,
    inspection: RefCell<Inspection>,
    /// Who answers calls of functions of providers.
    outside: Outside,
    tokio: &'a tokio::runtime::Runtime,
    files: DiskFiles,
    sources: RefCell<Sources>,
    json: bool,
}

/// An answer, or what is wrong with the question, as it is printed.
enum Answer {
    Good(String),
    Bad(String),
}

impl Talk<'_> {
    /// Answers a question.
    fn answer(&self, text: &str) -> Answer {
        let n_sources = self.sources.borrow().len();
        let found = self.asked(text).and_then(|asked| {
            let value = self.value(&asked.expr)?;
            Ok((value, asked.wants_type))
        });
        let answer = match found {
            Ok((value, wants_type)) => Answer::Good(self.shown(text, &value, wants_type)),
            Err(found) => Answer::Bad(self.told(&found)),
        };
        self.sources.borrow_mut().truncate(n_sources);
        answer
    }

    /// Reads a question. Its text is at hand until it is answered.
    fn asked(&self, text: &str) -> Result<Asked, Diagnostics> {
        let n_sources = self.sources.borrow().len();
        let source = SourceId(u32::try_from(n_sources).unwrap_or(u32::MAX));
        // A heredoc ends with its line.
        let text = format!("{text}{}", if text.contains("<<") { "\n" } else { "" });
        let asked = self.console.read(&text, source);
        self.sources
            .borrow_mut()
            .push(INPUT.to_owned(), text.into_bytes());
        asked
    }

    fn value(&self, expr: &Expr) -> Result<Value, Diagnostics> {
        let files = |path: &str| definition::answer(&self.files, path).map(Arc::from);
        let mut inspection = self.inspection.borrow_mut();
        let value = engine::with_calls(&self.outside, &mut inspection, |inspection| {
            inspection.evaluate(expr, &files)
        });
        self.tokio.block_on(value)
    }

    /// How a text can go on at a byte.
    fn complete(&self, text: &str, at: usize) -> Completions {
        let n_sources = self.sources.borrow().len();
        let completions = self.console.complete(text, at, &|source| {
            let asked = self.asked(source)?;
            self.value(&asked.expr)
        });
        self.sources.borrow_mut().truncate(n_sources);
        completions
    }

    fn shown(&self, text: &str, value: &Value, wants_type: bool) -> String {
        let shown = if wants_type {
            value.ty().render_lines()
        } else {
            value.render_lines()
        };
        if !self.json {
            return format!("{shown}\n");
        }
        let of_type = value.ty().to_string();
        let value = if wants_type {
            None
        } else {
            Some(json::value(value))
        };
        let answer = json!({
            "type": "answer", "expression": text.trim(), "value": value, "value_type": of_type, "text": shown,
        });
        format!("{answer}\n")
    }

    fn told(&self, found: &Diagnostics) -> String {
        let sources = self.sources.borrow();
        if self.json {
            let lines = found
                .iter()
                .map(|one| json::diagnostic_line(one, &sources) + "\n");
            return lines.collect();
        }
        diagnostics::text(found, &sources)
    }
}

/// Answers what comes in a pipe, to its end.
fn piped(talk: &Talk<'_>) -> Result<u8, CommandError> {
    let mut stdin = std::io::stdin().lock();
    let mut question = String::new();
    let mut n_lines = 0;
    let mut code = exit::OK;
    // Ends with the pipe, or with `exit`.
    loop {
        let mut text = Vec::new();
        let read = stdin
            .by_ref()
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut text);
        let length = read.map_err(|source| CommandError::Path {
            what: "read",
            path: std::path::PathBuf::from("standard input"),
            source,
        })?;
        question.push_str(&String::from_utf8_lossy(&text));
        let is_over = length == 0;
        n_lines += 1;
        if !is_over && n_lines < QUESTION_LINES_MAX && is_unfinished(question.trim_end()) {
            continue;
        }
        match line(question.trim_end()) {
            Line::Nothing => {}
            Line::Exit => return Ok(code),
            Line::Help => print(HELP, "\n")?,
            Line::Question(question) => match talk.answer(question) {
                Answer::Good(text) => print(&text, "")?,
                Answer::Bad(text) => {
                    code = exit::FAILED;
                    if talk.json {
                        print(&text, "")?;
                    } else {
                        anstream::eprint!("{text}");
                    }
                }
            },
        }
        question.clear();
        n_lines = 0;
        if is_over {
            return Ok(code);
        }
    }
}

/// Prints an answer as it is, so that whoever reads the pipe has it before the next question is answered.
fn print(text: &str, end: &str) -> Result<(), CommandError> {
    super::format::print(format!("{text}{end}").as_bytes())
}
