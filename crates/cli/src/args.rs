//! What can be said on the command line. Where Terraform has a word for the same thing, it is the same word here, with
//! one dash or two.

use crate::manual;
use clap::{Args as ClapArgs, Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;

/// Longest time to wait for another process.
const WAIT_MS_MAX: u64 = 24 * 60 * 60 * 1_000;

/// Shortest time between two looks at what was changed outside.
const EVERY_MS_MIN: u64 = 1_000;

/// Heading of the options that every command has.
const EVERYWHERE: &str = "Options of every command";

/// Takes software from a commit to production and keeps it there.
///
/// In a directory of Terraform files: `steadfast plan`, then `steadfast apply`. With a `steadfast.hcl` beside them:
/// `steadfast deploy dev`. Everything that is done is written down first, in `.steadfast/book`: a run that was
/// interrupted goes on with `steadfast resume`, and `steadfast history` tells what happened.
#[derive(Debug, Parser)]
#[command(name = "steadfast", version, after_help = crate::exit::TABLE, max_term_width = 100)]
pub(crate) struct Args {
    /// Work in this directory instead of the current one.
    #[arg(long, global = true, value_name = "DIR", help_heading = EVERYWHERE)]
    pub chdir: Option<PathBuf>,
    /// Print one JSON object per line for programs, instead of text for people.
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub json: bool,
    /// Never use colours (as with NO_COLOR).
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub no_color: bool,
    /// Wait this long (as in 90s, 5m, 1h) for another process that is writing to the book.
    #[arg(long, global = true, value_name = "TIME", default_value = "0s", value_parser = wait_ms, help_heading = EVERYWHERE,
          hide_default_value = true)]
    pub lock_timeout: u64,
    /// One process writes at a time, always; this is accepted because scripts give it.
    #[arg(long, global = true, default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1,
          require_equals = true, default_missing_value = "true", value_name = "BOOL", hide = true)]
    pub lock: bool,
    /// Warnings are always shown in full; this is accepted because scripts give it.
    #[arg(long, global = true, hide = true)]
    pub compact_warnings: bool,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Fetch the modules and providers that the definition needs.
    #[command(after_long_help = manual::INIT)]
    Init(InitArgs),
    /// Fetch modules, as `init` does.
    #[command(after_long_help = manual::GET)]
    Get(GetArgs),
    /// List the modules that the definition calls.
    #[command(after_long_help = manual::MODULES)]
    Modules(Variables),
    /// Check the definition without looking at the world.
    #[command(after_long_help = manual::VALIDATE)]
    Validate(ValidateArgs),
    /// Bring files into their canonical form.
    #[command(after_long_help = manual::FMT)]
    Fmt(FmtArgs),
    /// Print what depends on what, as a picture or as data.
    #[command(after_long_help = manual::GRAPH)]
    Graph(GraphArgs),
    /// Evaluate expressions, one after the other.
    #[command(after_long_help = manual::CONSOLE)]
    Console(ConsoleArgs),
    /// Show what apply would do. Changes nothing, not even the book.
    #[command(after_long_help = manual::PLAN)]
    Plan(PlanArgs),
    /// Carry out the test files: each in a world of its own, which is gone afterwards.
    #[command(after_long_help = manual::TEST)]
    Test(TestArgs),
    /// Make the world what the definition says.
    #[command(after_long_help = manual::APPLY)]
    Apply(ApplyArgs),
    /// Destroy everything that the definition made.
    #[command(after_long_help = manual::DESTROY)]
    Destroy(ApplyArgs),
    /// Show what exists, or one run with everything that happened in it.
    #[command(after_long_help = manual::SHOW)]
    Show(ShowArgs),
    /// Show the outputs of the last apply.
    #[command(after_long_help = manual::OUTPUT)]
    Output(OutputArgs),
    /// Look at single objects, and correct what the book knows of them.
    #[command(subcommand, after_long_help = manual::STATE)]
    State(StateCommand),
    /// Keep several worlds of one definition apart.
    #[command(subcommand, after_long_help = manual::WORKSPACE)]
    Workspace(WorkspaceCommand),
    /// Mark an object as damaged, so that the next apply replaces it.
    #[command(after_long_help = manual::TAINT)]
    Taint(TaintArgs),
    /// Take the mark of a damaged object away.
    Untaint(TaintArgs),
    /// Take over an object that exists already.
    #[command(after_long_help = manual::IMPORT)]
    Import(ImportArgs),
    /// List the runs of an environment.
    #[command(after_long_help = manual::HISTORY)]
    History(EnvironmentArgs),
    /// Look after the book.
    #[command(subcommand, after_long_help = manual::JOURNAL)]
    Journal(JournalCommand),
    /// Derive every decision of a run again from the book and compare.
    #[command(after_long_help = manual::REPLAY)]
    Replay(RunArgs),
    /// Look what was changed outside, and heal what is to be healed.
    #[command(after_long_help = manual::DRIFT)]
    Drift(DriftArgs),
    /// Go on with a run that was interrupted.
    #[command(after_long_help = manual::RESUME)]
    Resume(ResumeArgs),
    /// Go back to the release before: of a directory of Terraform files, or of an environment.
    #[command(after_long_help = manual::ROLLBACK)]
    Rollback(RollbackArgs),
    /// Build, provision and roll out to an environment.
    #[command(after_long_help = manual::DEPLOY)]
    Deploy(DeployArgs),
    /// Show environments, services and what waits for a person.
    #[command(after_long_help = manual::STATUS)]
    Status,
    /// Say what became of an action that Steadfast could not find out about.
    #[command(after_long_help = manual::RESOLVE)]
    Resolve(ResolveArgs),
    /// Let a release that went back be deployed again.
    #[command(after_long_help = manual::LIFT)]
    Lift(LiftArgs),
    /// Stop everything that an environment runs. Its resources stay.
    #[command(after_long_help = manual::STOP)]
    Stop(EnvironmentArgs),
    /// Show the last lines that an instance printed.
    #[command(after_long_help = manual::LOGS)]
    Logs(LogsArgs),
    /// Take the example shop through three environments, a good release and a bad one.
    #[command(after_long_help = manual::DEMO)]
    Demo(DemoArgs),
    /// Serve an editor: findings as you type, hover, definitions, completion, formatting.
    #[command(after_long_help = manual::LSP)]
    Lsp,
    /// Tell programs what there is in the language.
    #[command(subcommand, after_long_help = manual::METADATA)]
    Metadata(MetadataCommand),
    /// Explain a code such as SF0101, or `exit-codes`.
    #[command(after_long_help = manual::EXPLAIN)]
    Explain(ExplainArgs),
    /// Print completions for a shell.
    #[command(after_long_help = manual::COMPLETIONS)]
    Completions(CompletionsArgs),
    /// The data plane; started by Steadfast itself.
    #[command(hide = true)]
    Proxy(ProxyArgs),
    /// The process beside an instance; started by Steadfast itself.
    #[command(hide = true)]
    Shim,
}

#[derive(Debug, Clone, Default, ClapArgs)]
pub(crate) struct Variables {
    /// Value of a root variable. Stronger than a file, which is stronger than TF_VAR_NAME in the environment.
    #[arg(long = "var", value_name = "NAME=VALUE")]
    pub vars: Vec<String>,
    /// File with values of root variables, beside terraform.tfvars and *.auto.tfvars, which are always read.
    #[arg(long = "var-file", value_name = "FILE")]
    pub var_files: Vec<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct FmtArgs {
    /// Files and directories; `-` for standard input, which is written to standard output.
    #[arg(default_value = ".", hide_default_value = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Only say which files are not in their form, and end with 3 if there are any.
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "false", hide_default_value = true,
          default_missing_value = "true", hide_possible_values = true, action = clap::ArgAction::Set, value_name = "BOOL")]
    pub check: bool,
    /// Show what changes, as `diff -u` does.
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "false", hide_default_value = true,
          default_missing_value = "true", hide_possible_values = true, action = clap::ArgAction::Set, value_name = "BOOL")]
    pub diff: bool,
    /// Whether to write the files. With `-list=false` as well, the formatted texts are printed.
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "true",
          default_missing_value = "true", hide_possible_values = true, action = clap::ArgAction::Set, value_name = "BOOL")]
    pub write: bool,
    /// Whether to list the files that are not in their form.
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "true",
          default_missing_value = "true", hide_possible_values = true, action = clap::ArgAction::Set, value_name = "BOOL")]
    pub list: bool,
    /// Go into directories below, except hidden ones.
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "false", hide_default_value = true,
          default_missing_value = "true", hide_possible_values = true, action = clap::ArgAction::Set, value_name = "BOOL")]
    pub recursive: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ValidateArgs {
    #[command(flatten)]
    pub variables: Variables,
    /// Leave out the test files.
    #[arg(long)]
    pub no_tests: bool,
    /// Directory with test files, beside the root module's own.
    #[arg(long, default_value = "tests", value_name = "DIR")]
    pub test_directory: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct TestArgs {
    #[command(flatten)]
    pub variables: Variables,
    /// Carry out only this file; may be given several times.
    #[arg(long, value_name = "FILE")]
    pub filter: Vec<String>,
    /// Directory with test files, beside the root module's own.
    #[arg(long, default_value = "tests", value_name = "DIR")]
    pub test_directory: String,
    /// Write a report in the form of JUnit to this file as well.
    #[arg(long, value_name = "FILE")]
    pub junit_xml: Option<PathBuf>,
    /// Show the plan of each run, or what there is after it.
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "false", hide_default_value = true,
          default_missing_value = "true", hide_possible_values = true, action = clap::ArgAction::Set, value_name = "BOOL")]
    pub verbose: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct GraphArgs {
    #[command(flatten)]
    pub variables: Variables,
    /// What to show.
    #[arg(
        long = "type",
        value_enum,
        default_value = "resources",
        value_name = "TYPE"
    )]
    pub of: GraphType,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum GraphType {
    /// Resources and data sources, each with those it needs.
    Resources,
    /// Everything that is evaluated for a plan: variables, local values, outputs and module calls too.
    Plan,
    /// The same, as `plan -refresh-only` needs it.
    PlanRefreshOnly,
    /// The changes that apply would make, each with those that must be done before it.
    Apply,
    /// The changes that destroy would make.
    PlanDestroy,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ConsoleArgs {
    #[command(flatten)]
    pub variables: Variables,
    /// Plan first, and answer as if that had been applied.
    #[arg(long)]
    pub plan: bool,
    /// Environment whose objects expressions refer to; the selected workspace if none is given.
    #[arg(long)]
    pub env: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct InitArgs {
    #[command(flatten)]
    pub variables: Variables,
    /// Take the newest modules and providers that are allowed, and write down what they are now.
    #[arg(long)]
    pub upgrade: bool,
    /// Whether to fetch modules.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true,
          default_missing_value = "true", value_name = "BOOL")]
    pub get: bool,
    /// Take providers only from this directory, in the layout of a mirror.
    #[arg(long, value_name = "DIR")]
    pub plugin_dir: Vec<PathBuf>,
    /// Refuse to bring in anything that the lock files do not hold, for machines that must not change them.
    #[arg(long, value_enum, value_name = "MODE")]
    pub lockfile: Option<LockMode>,
    /// Nobody is ever asked while modules are fetched; this is accepted because scripts give it.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true,
          default_missing_value = "true", value_name = "BOOL", hide = true)]
    pub input: bool,
    /// There is no backend to prepare; this is accepted because scripts give it.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true,
          default_missing_value = "true", value_name = "BOOL", hide = true)]
    pub backend: bool,
    /// The same.
    #[arg(long, value_name = "FILE|NAME=VALUE", hide = true)]
    pub backend_config: Vec<String>,
    /// The same.
    #[arg(long, hide = true)]
    pub reconfigure: bool,
    /// The same.
    #[arg(long, hide = true)]
    pub migrate_state: bool,
    /// The same.
    #[arg(long, hide = true)]
    pub force_copy: bool,
}

/// What may become of the lock file.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum LockMode {
    /// It stays as it is.
    Readonly,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct GetArgs {
    #[command(flatten)]
    pub variables: Variables,
    /// Take the newest modules that are allowed, as `init -upgrade` does.
    #[arg(long)]
    pub update: bool,
}

#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct Planning {
    #[command(flatten)]
    pub variables: Variables,
    /// Whether to look at the world before planning.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true,
          default_missing_value = "true", value_name = "BOOL")]
    pub refresh: bool,
    /// Only take note of what changed outside.
    #[arg(long)]
    pub refresh_only: bool,
    /// Replace this object even when nothing asks for it.
    #[arg(long, value_name = "ADDRESS")]
    pub replace: Vec<String>,
    /// Only this object, block or module, and what it depends on.
    #[arg(long, value_name = "ADDRESS")]
    pub target: Vec<String>,
    /// Everything but this object, block or module, and what depends on it.
    #[arg(long, value_name = "ADDRESS")]
    pub exclude: Vec<String>,
    /// Effects under way at the same time. If not said: 10 of each provider to begin with, and more while it answers
    /// well, up to 40 in all.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256))]
    pub parallelism: Option<u32>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub planning: Planning,
    /// Plan to destroy everything.
    #[arg(long)]
    pub destroy: bool,
    /// Keep the plan in this file, for `steadfast apply FILE` and `steadfast show FILE`.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// End with 2 when there are changes, 0 when there are none.
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// As for apply; a plan never asks.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true,
          default_missing_value = "true", value_name = "BOOL", hide = true)]
    pub input: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ApplyArgs {
    #[command(flatten)]
    pub planning: Planning,
    /// Do not ask before changing anything.
    #[arg(long)]
    pub auto_approve: bool,
    /// Whether a person may be asked. With `false`, what is not approved beforehand is not done.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true,
          default_missing_value = "true", value_name = "BOOL")]
    pub input: bool,
    /// Destroy everything, as `steadfast destroy` does.
    #[arg(long)]
    pub destroy: bool,
    /// A plan that `steadfast plan -out=FILE` kept: exactly that is done, and nobody is asked.
    #[arg(value_name = "FILE")]
    pub plan: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct EnvironmentArgs {
    /// Environment, or workspace; the selected one if none is given.
    #[arg(value_name = "ENVIRONMENT")]
    pub environment: Option<String>,
}

#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct DriftArgs {
    /// Environment, or workspace; the selected one if none is given.
    #[arg(value_name = "ENVIRONMENT")]
    pub environment: Option<String>,
    #[command(flatten)]
    pub variables: Variables,
    /// What becomes of objects whose `lifecycle` says nothing.
    #[arg(long, value_enum, default_value = "warn", value_name = "POLICY")]
    pub policy: Policy,
    /// Look again so long after each look (as in 90s, 10m, 1h), until interrupted.
    #[arg(long, value_name = "TIME", value_parser = every_ms)]
    pub every: Option<u64>,
    /// Most objects healed at once; where more have drifted, none is.
    #[arg(long, default_value_t = decide::limits::HEAL_OBJECTS_MAX, value_name = "N")]
    pub max_objects: u32,
    /// Most times that one object is healed within the window; after that it is left alone.
    #[arg(long, default_value_t = decide::limits::HEALS_MAX, value_name = "N",
          value_parser = clap::value_parser!(u32).range(0..=decide::limits::HEALS_KEPT as i64))]
    pub max_heals: u32,
    /// The window in which they are counted.
    #[arg(long, default_value = "1h", value_name = "TIME", value_parser = wait_ms)]
    pub window: u64,
    /// Heal this object again although somebody changed it back each time; may be given several times.
    #[arg(long, value_name = "ADDRESS")]
    pub forgive: Vec<String>,
}

/// What becomes of what drifted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Policy {
    /// It is written down.
    Observe,
    /// It is told, and the exit code says so.
    Warn,
    /// It is brought back to what was last applied.
    Heal,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ShowArgs {
    /// A run, or its first digits, or the file of a plan; everything that exists if none is given.
    #[arg(value_name = "RUN|FILE")]
    pub run: Option<String>,
    /// With --json, write sensitive values too.
    #[arg(long)]
    pub show_sensitive: bool,
    /// Environment, or workspace; the selected one if none is given.
    #[arg(long)]
    pub env: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct OutputArgs {
    /// Only this output.
    pub name: Option<String>,
    /// Print a text without quotes.
    #[arg(long)]
    pub raw: bool,
    /// Environment, or workspace; the selected one if none is given.
    #[arg(long)]
    pub env: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct TaintArgs {
    /// The object.
    pub address: String,
    /// It is no mistake when there is no such object.
    #[arg(long)]
    pub allow_missing: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ImportArgs {
    #[command(flatten)]
    pub variables: Variables,
    /// Where the object shall stand; its resource block must be written.
    pub address: String,
    /// What its provider knows it by.
    pub id: String,
    /// Nobody is ever asked; this is accepted because scripts give it.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true,
          default_missing_value = "true", value_name = "BOOL", hide = true)]
    pub input: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct MoveArgs {
    /// An object, all objects of a block, or a module.
    pub from: String,
    /// The name from now on.
    pub to: String,
    /// Only say what would be done.
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct RemoveArgs {
    /// Objects, blocks or modules.
    #[arg(required = true)]
    pub addresses: Vec<String>,
    /// Only say what would be done.
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct PushArgs {
    /// The state; `-` for standard input.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Take it although it is older than what is known, or of another lineage.
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct PullArgs {
    /// Environment, or workspace; the selected one if none is given.
    #[arg(value_name = "ENVIRONMENT")]
    pub environment: Option<String>,
    /// Write sensitive values too, in the clear: without them nobody can go on with the state.
    #[arg(long)]
    pub show_sensitive: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ListArgs {
    /// Only these objects, blocks or modules, with everything in them.
    #[arg(value_name = "ADDRESS")]
    pub addresses: Vec<String>,
    /// Only objects with this id.
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    /// Environment, or workspace; the selected one if none is given.
    #[arg(long)]
    pub env: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StateCommand {
    /// Call objects by another name, without touching them.
    Mv(MoveArgs),
    /// Forget objects without destroying them.
    Rm(RemoveArgs),
    /// Print the state as Terraform stores it (version 4).
    Pull(PullArgs),
    /// Take over a state that Terraform stored, in the place of everything that is known of objects.
    Push(PushArgs),
    /// List the addresses of all objects.
    List(ListArgs),
    /// Show one object.
    Show {
        /// Its address.
        address: String,
        /// Environment, or workspace; the selected one if none is given.
        #[arg(long)]
        env: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum WorkspaceCommand {
    /// List the workspaces; the selected one has a star.
    List,
    /// Print the name of the selected workspace.
    Show,
    /// Make a workspace, and select it.
    New {
        /// Its name, for `terraform.workspace`.
        name: String,
    },
    /// Select a workspace: plans and applies are about its objects from now on.
    Select {
        /// Its name.
        name: String,
        /// Make it if it does not exist.
        #[arg(long, num_args = 0..=1, require_equals = true, default_value = "false", hide_default_value = true,
              default_missing_value = "true", hide_possible_values = true, action = clap::ArgAction::Set, value_name = "BOOL")]
        or_create: bool,
    },
    /// Delete a workspace that has no objects any more.
    Delete {
        /// Its name.
        name: String,
        /// Delete it even if it has objects: they stay where they are, and nobody knows them any more.
        #[arg(long, num_args = 0..=1, require_equals = true, default_value = "false", hide_default_value = true,
              default_missing_value = "true", hide_possible_values = true, action = clap::ArgAction::Set, value_name = "BOOL")]
        force: bool,
    },
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum MetadataCommand {
    /// Print the signatures of all functions; needs --json.
    Functions,
}

#[derive(Debug, Subcommand)]
pub(crate) enum JournalCommand {
    /// Check every byte of the book that carries information, and name the first that is wrong.
    Verify,
    /// Go on without the newest entries, when the book is older than what was done and nothing newer can be put back.
    AcceptLoss,
    /// Print every entry of an environment.
    Show(EnvironmentArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct RunArgs {
    /// A run, or its first digits; all runs if none is given.
    pub run: Option<String>,
    /// Environment, or workspace; the selected one if none is given.
    #[arg(long)]
    pub env: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ResumeArgs {
    #[command(flatten)]
    pub variables: Variables,
    /// Environment; every one that has an open run if none is given.
    pub environment: Option<String>,
    /// Finish what is under way, begin nothing new, and close the run.
    #[arg(long)]
    pub cancel: bool,
    /// Do not ask before changing anything.
    #[arg(long)]
    pub auto_approve: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct RollbackArgs {
    /// Environment, or workspace; the selected one if none is given. Or a run: what it did is taken back.
    #[arg(value_name = "ENVIRONMENT | RUN")]
    pub environment: Option<String>,
    /// Go back to the release that this run carried out, instead of the one before the last.
    #[arg(long, value_name = "RUN")]
    pub to: Option<String>,
    /// With a run: destroy this object although it is marked or known to hold data; may be repeated.
    #[arg(long, value_name = "ADDRESS")]
    pub allow_destroy: Vec<String>,
    /// With a run: its environment, or workspace; the selected one if none is given.
    #[arg(long)]
    pub env: Option<String>,
    /// Do not ask before changing anything.
    #[arg(long)]
    pub auto_approve: bool,
}

#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct DeployArgs {
    /// Where to.
    pub environment: String,
    #[command(flatten)]
    pub variables: Variables,
    /// Deploy this release instead of building one from the sources.
    #[arg(long, value_name = "DIGEST")]
    pub release: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ResolveArgs {
    /// The run.
    pub run: String,
    /// The action.
    pub action: String,
    /// What you saw: it took effect, or it did not.
    #[arg(value_enum)]
    pub answer: Resolution,
    /// What the provider knows the new object by, such as vpc-12; it is read by that.
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    /// Environment, or workspace; the selected one if none is given.
    #[arg(long)]
    pub env: Option<String>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum Resolution {
    /// It took effect; the object is as planned.
    Done,
    /// It did not take effect; try again.
    Absent,
    /// What it was made with can be looked at again.
    Look,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct LiftArgs {
    /// The release, or its first digits.
    pub release: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct LogsArgs {
    /// The instance, such as web-3.
    pub instance: String,
    /// Environment.
    #[arg(long)]
    pub env: String,
    /// How many lines.
    #[arg(long, short = 'n', default_value_t = 50)]
    pub lines: usize,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct DemoArgs {
    /// The example project.
    #[arg(long, default_value = "examples/shop", value_name = "DIR")]
    pub project: PathBuf,
    /// Work here instead of in a temporary directory.
    #[arg(long, value_name = "DIR")]
    pub directory: Option<PathBuf>,
    /// Leave everything running and every file in place.
    #[arg(long)]
    pub keep: bool,
    /// Kill the control plane with SIGKILL this many times during each rollout.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub kills: u32,
    /// Requests per second sent to each environment.
    #[arg(long, default_value_t = 400, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub rate: u32,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ExplainArgs {
    /// The code; all codes with their titles if none is given.
    pub code: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ProxyArgs {
    /// Directory of its control socket and saved routes.
    pub directory: PathBuf,
}

/// A time to wait, in milliseconds.
fn wait_ms(text: &str) -> Result<u64, String> {
    let form = "a whole number and a unit, as in 90s, 5m or 1h";
    let unit_at = text
        .find(|c: char| !c.is_ascii_digit())
        .ok_or_else(|| form.to_owned())?;
    let (number, unit) = text.split_at(unit_at);
    let unit_ms: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(form.to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| form.to_owned())?;
    number
        .checked_mul(unit_ms)
        .filter(|ms| *ms <= WAIT_MS_MAX)
        .ok_or_else(|| "at most 24h".to_owned())
}

/// A time between two looks, in milliseconds.
fn every_ms(text: &str) -> Result<u64, String> {
    let ms = wait_ms(text)?;
    if ms < EVERY_MS_MIN {
        return Err("at least 1s".to_owned());
    }
    Ok(ms)
}

/// Turns options with one dash, as Terraform writes them, into options with two.
pub(crate) fn with_long_options(words: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut literal = false;
    words
        .enumerate()
        .map(|(position, word)| {
            let Some(text) = word.to_str().filter(|_| position > 0 && !literal) else { return word };
            if text == "--" {
                literal = true;
                return word;
            }
            let bytes = text.as_bytes();
            let long = matches!(bytes, [b'-', first, second, ..]
                if first.is_ascii_alphabetic() && (second.is_ascii_alphabetic() || *second == b'-'));
            if long { OsString::from(format!("-{text}")) } else { word }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        with_long_options(text.split(' ').map(OsString::from))
            .into_iter()
            .map(|word| word.into_string().unwrap())
            .collect()
    }

    #[test]
    fn one_dash_is_as_good_as_two() {
        assert_eq!(
            words("x apply -auto-approve -var a=b").join(" "),
            "x apply --auto-approve --var a=b"
        );
        assert_eq!(
            words("x logs -n 5 -- -abc").join(" "),
            "x logs -n 5 -- -abc"
        );
        assert_eq!(
            words("x plan --json -refresh=false").join(" "),
            "x plan --json --refresh=false"
        );
    }

    #[test]
    fn times_to_wait_are_numbers_with_a_unit() {
        for (text, ms) in [
            ("0s", Some(0)),
            ("250ms", Some(250)),
            ("5m", Some(300_000)),
            ("24h", Some(86_400_000)),
            ("25h", None),
            ("5", None),
            ("", None),
            ("m", None),
            ("-1s", None),
            ("99999999999999999999s", None),
            ("1h30m", None),
        ] {
            assert_eq!(wait_ms(text).ok(), ms, "{text}");
        }
    }

    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory as _;
        Args::command().debug_assert();
    }
}
