//! One file per family of commands.

mod apply;
mod console;
mod delivery;
mod demo;
mod drift;
mod format;
mod graph;
mod help;
mod history;
mod init;
mod inspect;
mod lsp;
mod metadata;
mod objects;
mod saved;
mod take_back;
mod takeover;
mod test;
mod workspace;

use crate::args::{Args, Command, JournalCommand, StateCommand, WorkspaceCommand};
use crate::error::CommandError;
use crate::project::Project;
use crate::session::Session;
use std::path::Path;

/// Carries out a command and says with which code the program ends.
pub(crate) fn run(args: Args) -> Result<u8, CommandError> {
    if args.no_color {
        anstream::ColorChoice::Never.write_global();
    }
    let json = args.json;
    match args.command {
        Command::Explain(explain) => return help::explain(explain.code.as_deref()),
        Command::Metadata(metadata) => return metadata::metadata(&metadata, json),
        Command::Completions(completions) => return help::completions(completions.shell),
        Command::Proxy(proxy) => return help::proxy(&proxy.directory),
        Command::Demo(demo) => return demo::run(demo, args.chdir.as_deref()),
        Command::Fmt(fmt) => return format::format(&fmt, args.chdir.as_deref(), json),
        // Answered in `main`, before anything was opened.
        Command::Shim => return Ok(crate::exit::USAGE),
        _ => {}
    }
    let project = Project::new(args.chdir.as_deref().map(Path::new))?;
    let session = Session::new(project, args.lock_timeout)?;
    if only_looks(&args.command) {
        session.warn_if_old()?;
    }
    let ended = carried_out(&session, args.command, json);
    let is_closed = session.close();
    match ended {
        Ok(crate::exit::OK) if !is_closed => Ok(crate::exit::FAILED),
        ended => ended,
    }
}

fn carried_out(session: &Session, command: Command, json: bool) -> Result<u8, CommandError> {
    match command {
        Command::Init(init) => init::init(session, &init, json),
        Command::Get(get) => init::get(session, &get, json),
        Command::Modules(variables) => init::list(session, &variables, json),
        Command::Validate(validate) => inspect::validate(session, &validate, json),
        Command::Plan(plan) => apply::plan(session, plan, json),
        Command::Test(test) => test::test(session, &test, json),
        Command::Graph(graph) => graph::graph(session, &graph, json),
        Command::Console(console) => console::console(session, &console, json),
        Command::Apply(apply) => apply::apply(session, apply, model::PlanMode::Normal, json),
        Command::Destroy(apply) => apply::apply(session, apply, model::PlanMode::Destroy, json),
        Command::Show(show) => inspect::show(session, &show, json),
        Command::Output(output) => inspect::output(session, &output, json),
        Command::Workspace(workspace) => workspace::workspace(session, &workspace, json),
        Command::State(StateCommand::Mv(args)) => objects::rename(session, &args, json),
        Command::State(StateCommand::Rm(args)) => objects::remove(session, &args, json),
        Command::State(StateCommand::Push(args)) => objects::push(session, &args, json),
        Command::State(state) => inspect::state(session, &state, json),
        Command::Taint(args) => objects::taint(session, &args, true, json),
        Command::Untaint(args) => objects::taint(session, &args, false, json),
        Command::Import(args) => objects::import(session, &args, json),
        Command::History(history) => {
            history::history(session, history.environment.as_deref(), json)
        }
        Command::Journal(journal) => history::journal(session, &journal, json),
        Command::Replay(replay) => history::replay(session, &replay, json),
        Command::Drift(drift) => drift::drift(session, &drift, json),
        Command::Resume(resume) => apply::resume(session, &resume, json),
        Command::Rollback(rollback) => delivery::rollback(session, &rollback, json),
        Command::Deploy(deploy) => delivery::deploy(session, &deploy, json),
        Command::Lsp => lsp::serve(session),
        Command::Status => inspect::status(session, json),
        Command::Resolve(resolve) => history::resolve(session, &resolve, json),
        Command::Lift(lift) => delivery::lift(session, &lift, json),
        Command::Stop(stop) => delivery::stop(session, stop.environment.as_deref(), json),
        Command::Logs(logs) => delivery::logs(session, &logs),
        Command::Explain(_)
        | Command::Completions(_)
        | Command::Metadata(_)
        | Command::Proxy(_)
        | Command::Demo(_)
        | Command::Fmt(_)
        | Command::Shim => Ok(crate::exit::OK),
    }
}

/// Whether a command shows what the book says and changes nothing. One that writes refuses a book that is too old; one
/// that checks the book says so itself.
fn only_looks(command: &Command) -> bool {
    matches!(
        command,
        Command::Plan(_)
            | Command::Show(_)
            | Command::Output(_)
            | Command::State(
                StateCommand::List(_) | StateCommand::Show { .. } | StateCommand::Pull(_)
            )
            | Command::Workspace(WorkspaceCommand::List | WorkspaceCommand::Show)
            | Command::History(_)
            | Command::Replay(_)
            | Command::Status
            | Command::Journal(JournalCommand::Show(_))
    )
}
