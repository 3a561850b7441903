//! Test files (`*.tftest.hcl`, `*.tftest.json`): what they say, apart from the configuration that they test.
//!
//! [`TestFile::read`] gives a file's runs with everything that can be judged from the file alone. What the expressions
//! of a run mean depends on the configuration under test and on the runs before: [`TestRun::values`] computes the
//! variables, `crate::compile_under_test` compiles with them, and [`TestRun::assertions`] gives what must hold, with
//! names that mean what the compiled release declares.
//!
//! A run is never carried out here.

mod expressions;
mod read;
mod substitute;

pub(crate) use expressions::KNOWN_TO_TEST;
pub use expressions::{Assertion, Results};

use crate::compile::Files;
use crate::syntax::{Attribute, Block, Expression};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use model::{Endpoint, Mock, Override, PlanMode, Release, Substitutes};
use value::{Diagnostics, Name, SourceId, Span};

/// The endings of names of test files.
pub const TEST_FILE_ENDINGS: [&str; 2] = [".tftest.hcl", ".tftest.json"];

/// The endings of names of files with mocks.
const MOCK_FILE_ENDINGS: [&str; 2] = [".tfmock.hcl", ".tfmock.json"];

/// A test file.
#[derive(Clone, Debug, Default)]
pub struct TestFile {
    /// Values for all runs.
    variables: Vec<Attribute>,
    /// `provider` blocks.
    providers: Vec<Block>,
    /// `mock_provider` blocks.
    mocks: Vec<Mock>,
    overrides: Vec<Override>,
    /// Its runs, in the order in which they are carried out.
    pub runs: Vec<TestRun>,
    /// Its text and those of its mocks. Their numbers count down from the last one there can be, so that the texts of
    /// the configuration under test keep theirs: the first is [`TestFile::source`] of 0.
    pub sources: Vec<(String, Vec<u8>)>,
}

/// What a run does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TestCommand {
    /// Makes a plan and leaves it at that.
    Plan,
    /// Makes a plan and carries it out.
    #[default]
    Apply,
}

/// `plan_options`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TestPlanOptions {
    /// What is planned.
    pub mode: PlanMode,
    /// Whether to leave out looking at the world.
    pub without_refresh: bool,
    /// What is replaced.
    pub replace: Vec<Endpoint>,
    /// What alone is planned; everything when there is nothing.
    pub targets: Vec<Endpoint>,
}

/// Something that is expected to fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Its address, as diagnostics have it.
    pub address: String,
    /// Where it is written.
    pub span: Span,
}

/// `run`.
#[derive(Clone, Debug)]
pub struct TestRun {
    /// Its name, once in a file.
    pub name: Name,
    /// What it does.
    pub command: TestCommand,
    /// How it plans.
    pub options: TestPlanOptions,
    /// The directory of the module under test, where it is not the root module.
    pub module: Option<String>,
    /// Which objects it shares with other runs; those of its module where nothing is said.
    pub state_key: Option<String>,
    /// Whether it may be carried out at the same time as its neighbours.
    pub parallel: bool,
    /// Where it is written.
    pub span: Span,
    variables: Vec<Attribute>,
    /// What stands in `providers`: the configuration in the module, then the one in the test file.
    providers: Option<Vec<(ProviderName, ProviderName)>>,
    overrides: Vec<Override>,
    assertions: Vec<WrittenAssertion>,
    expected: Vec<Expression>,
}

/// A local name with an alias, and where it is written.
#[derive(Clone, Debug)]
struct ProviderName {
    local: Name,
    alias: Option<Name>,
    span: Span,
}

/// An `assert` block.
#[derive(Clone, Debug)]
struct WrittenAssertion {
    condition: Expression,
    message: Expression,
}

/// What a run puts in the place of what its configuration says.
#[derive(Clone, Debug, Default)]
pub struct UnderTest {
    /// Directory of the module under test; the root module's where there is none.
    pub directory: Option<String>,
    /// Values of its variables, with their places. Names that it does not declare are passed over.
    pub values: BTreeMap<Name, (value::Value, Span)>,
    /// Blocks in the place of its own for the same configurations.
    pub(crate) providers: Vec<Block>,
}

impl TestFile {
    /// The number of one of its texts.
    pub fn source(index: usize) -> SourceId {
        SourceId(u32::MAX.saturating_sub(u32::try_from(index).unwrap_or(u32::MAX)))
    }

    /// Reads a test file. `files` shows the project, where it may have mocks.
    pub fn read(path: &str, content: Vec<u8>, files: &dyn Files) -> (Self, Diagnostics) {
        read::file(path, content, files)
    }

    /// What stands in for parts of the outside during a run, and warnings of what does not exist.
    pub fn substitutes(&self, run: &TestRun, release: &Release) -> (Substitutes, Diagnostics) {
        substitute::of_run(self, run, release)
    }

    /// What a run puts in the place of what its configuration says.
    ///
    /// # Errors
    /// When it names a provider that the file does not have.
    pub fn under_test(
        &self,
        run: &TestRun,
        values: BTreeMap<Name, (value::Value, Span)>,
    ) -> Result<UnderTest, Diagnostics> {
        Ok(UnderTest {
            directory: run.module.clone(),
            values,
            providers: substitute::provider_blocks(self, run)?,
        })
    }
}
