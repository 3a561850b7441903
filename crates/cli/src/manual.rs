//! The parts of the manual that are not about one option: examples, and how commands end.
//!
//! Paragraphs are one line each; they are wrapped when they are shown.

/// Under `fmt --help`.
pub(crate) const FMT: &str = "\
The form is the one of `terraform fmt`, to the byte: indentation by two, one blank around operators, equals signs and \
comments in columns, texts that are nothing but one value without their quotes. Line breaks, comments and order are yours \
and stay. Formatted are .tf, .tfvars, .tftest.hcl, .tfmock.hcl and steadfast.hcl; a file with a syntax error is left as it \
is, and the others are formatted all the same.

Examples:
  steadfast fmt                                    the files of this directory
  steadfast fmt -recursive                         and of all below it
  steadfast fmt -check -recursive                  for CI: writes nothing, ends with 3 if a file is not in its form
  steadfast fmt -diff -write=false main.tf         what would change
  steadfast fmt - < main.tf                        for editors: standard input to standard output

Ends with 0, with 2 when a file could not be read, understood or written, and with -check with 3 when a file is not in its \
form.
";

/// Under `lsp --help`.
pub(crate) const LSP: &str = "\
Speaks the Language Server Protocol over standard input and output; an editor starts it. Findings are those of `validate`, \
with the texts as they are in the editor. Nothing is planned or changed, and no value of a variable is needed.

Examples:
  helix, languages.toml    [language-server.steadfast]  command = \"steadfast\"  args = [\"lsp\"]
  neovim                   vim.lsp.start({ name = 'steadfast', cmd = { 'steadfast', 'lsp' }, root_dir = vim.fn.getcwd() })

Ends with 0 when the editor says so, with 1 when it breaks off.
";

/// Under `test --help`.
pub(crate) const TEST: &str = "\
Test files end in .tftest.hcl or .tftest.json and stand beside the root module or in `tests`. The runs of a file are carried \
out in order: each plans or applies, then its assertions must hold. After a run that could not be carried out the others of \
its file are skipped. At the end everything that a file made is destroyed, the last first; what could not be is listed.

Nothing that exists is looked at or touched: every file has a book of its own, in memory. What runs apply is real \
all the same, as far as the file does not mock or override it. docs/guides/test.md shows what a file can say.

Examples:
  steadfast test
  steadfast test -filter=tests/network.tftest.hcl
  steadfast test -var region=eu -verbose
  steadfast test -junit-xml=report.xml             for CI, beside what is printed
  steadfast test --json                            one JSON object per line, as `terraform test -json` has them

Ends with 0 when all runs pass, with 1 when one does not or something is left behind, with 65 when a test file is wrong.
";

/// Under `graph --help`.
pub(crate) const GRAPH: &str = "\
The picture is text in the DOT language, for Graphviz and what else reads it; arrows point at what is needed. What follows \
from other arrows has none of its own. With --json the same as one object, which docs/guides/graph.md describes.

resources and plan are read off the definition alone, values of variables need not be known. apply and plan-destroy plan \
first, with the world as it is.

Examples:
  steadfast graph | dot -Tsvg > graph.svg
  steadfast graph -type=plan                       with variables, local values, outputs and module calls
  steadfast graph -type=apply                      what apply would do, and in which order
  steadfast graph --json | jq '.edges[] | select(.to == \"terraform_data.a\") | .from'
";

/// Under `console --help`.
pub(crate) const CONSOLE: &str = "\
Expressions may use everything that the root module declares: var, local, resources, data, module outputs, path and \
terraform, with the values that exist; what does not exist yet is (known after apply). Nothing is changed or locked. \
type(...) shows the type of a value.

On a terminal lines can be edited, Tab completes names and functions, the arrow keys go through earlier lines (kept in \
$XDG_STATE_HOME/steadfast/console-history, but for those that begin with a blank), and an expression goes on over \
several lines while a bracket is open. `help`, `exit`, Ctrl-D.

In a pipe every expression is answered, a mistake does not end it, and the exit code tells whether there was one. Only the \
answers go to standard output.

Examples:
  steadfast console
  steadfast console -var region=eu
  steadfast console -plan                          as if everything had been applied
  echo 'cidrsubnet(\"10.0.0.0/16\", 8, 2)' | steadfast console
  steadfast console --json < questions.txt         one JSON object per answer

Ends with 0; with 1 when an expression in a pipe could not be answered, 65 when the definition is wrong.
";

/// Under `init --help`.
pub(crate) const INIT: &str = "\
Modules come from Git, archives, directories and registries, providers from registries, mirrors and directories. They go \
to .terraform, where Terraform puts them too. What each of them is when it first comes is written to .steadfast.lock.hcl \
and .terraform.lock.hcl: the same configuration never brings in anything else, until -upgrade allows it.

Examples:
  steadfast init
  steadfast init -upgrade                          the newest that the version constraints allow
  steadfast init -lockfile=readonly                on a machine that must not change the lock file
  steadfast init -var release=v7                   where a source refers to a variable
  TF_TOKEN_registry_example_com=... steadfast init a token for a private registry

Ends with 0 when everything is in place, 1 when something could not be fetched, 65 when the definition is wrong.
";

/// Under `plan --help`.
pub(crate) const PLAN: &str = "\
Examples:
  steadfast plan                                   what apply would do
  steadfast plan -var region=eu -var-file=eu.tfvars
  steadfast plan -refresh=false                    by what the book says, without looking at the world
  steadfast plan -refresh-only                     only what was changed by others
  steadfast plan -replace='host_file.motd[\"x\"]'    as if this object were damaged
  steadfast plan -target=module.network            only this, and what it depends on
  steadfast plan -exclude=module.network           all but this, and what depends on it
  steadfast plan -destroy                          what destroy would do
  steadfast plan -detailed-exitcode                ends with 2 when there are changes, for scripts
  steadfast plan -out=FILE                         keep it, for `steadfast apply FILE`
  steadfast plan --json                            one JSON object, for programs

What Terraform's tools read is `steadfast show -json FILE`, where FILE is from -out.
";

/// Under `apply --help`.
pub(crate) const APPLY: &str = "\
The plan is shown first, and only `yes` agrees to it. Ctrl-C once finishes what is under way and begins nothing new; \
twice ends at once. After a crash, a power cut or a kill -9 the next apply finishes the interrupted run first, as \
`steadfast resume` does, and then does its own.

Examples:
  steadfast apply                                  plan, ask, do
  steadfast apply -auto-approve                    where nobody can be asked
  steadfast apply FILE                             exactly the plan that `steadfast plan -out=FILE` kept
  steadfast apply -refresh-only                    only take note of what was changed by others
  steadfast apply -replace=host_command.migrate    destroy and make again
  steadfast apply --json -auto-approve             one JSON object per line, for programs

Ends with 0 when everything was done, 1 when something could not be (or was not agreed to), 3 when an action waits for \
a person, 4 while another process writes to the book, 65 when the definition is wrong, 130 when interrupted.
";

/// Under `destroy --help`.
pub(crate) const DESTROY: &str = "\
Examples:
  steadfast plan -destroy                          look first
  steadfast destroy
  steadfast destroy -auto-approve                  where nobody can be asked

What an environment runs is ended by `steadfast stop ENVIRONMENT`; its resources stay.
";

/// Under `show --help`.
pub(crate) const SHOW: &str = "\
Examples:
  steadfast show                                   everything that exists, as the book has it
  steadfast show 3f9a                              one run, from its request to its end
  steadfast show FILE                              the plan that `steadfast plan -out=FILE` kept
  steadfast show --env production
  steadfast show -json                             as `terraform show -json` writes a state, for programs
  steadfast show -json FILE                        as `terraform show -json` writes a plan, for programs

Sensitive values are null in JSON; with -show-sensitive they are in the clear, as Terraform's are.
";

/// Under `output --help`.
pub(crate) const OUTPUT: &str = "\
Sensitive outputs are hidden, except when asked for by name.

Examples:
  steadfast output
  steadfast output address
  steadfast output -raw address                    without quotes, for a shell: URL=$(steadfast output -raw address)
  steadfast output --json
";

/// Under `history --help`.
pub(crate) const HISTORY: &str = "\
Examples:
  steadfast history
  steadfast history production
  steadfast history --json | tail -1

One run in full: steadfast show RUN. Every entry: steadfast journal show.
";

/// Under `journal --help`.
pub(crate) const JOURNAL: &str = "\
The book is in .steadfast/book: everything that was asked, decided, begun and finished, each entry chained to the one \
before it. Nothing is done unless it was written there first.

Examples:
  steadfast journal verify                         names the first wrong entry and ends with 76
  steadfast journal show production
";

/// Under `replay --help`.
pub(crate) const REPLAY: &str = "\
Every plan, verdict and step is computed again from the entries before it and compared with what the book says was \
decided. Nothing is done. Ends with 1 when a decision is another.

Examples:
  steadfast replay
  steadfast replay 3f9a --env production
";

/// Under `drift --help`.
pub(crate) const DRIFT: &str = "\
Every object is read and held against the release that was last applied, with the values it was applied with, whatever the \
directory says now. `lifecycle { drift = \"...\" }` of a resource says what becomes of one that was changed:

  observe   it is written down, and counted in one line
  warn      it is told; this is what counts where nothing is said
  heal      it is changed back, or made again if it is gone

Healing destroys and replaces nothing, brings nothing new, and begins nothing while a run is open. What it leaves alone is \
told with the reason: more than -max-objects that drifted at once have another cause than each of them; an object that was \
healed -max-heals times within -window is fought over, until it is applied by a person or forgiven. What was decided is in \
the book: `steadfast journal show`, and `steadfast history` for what is not as it should be.

Examples:
  steadfast drift                                  once, as for CI
  steadfast drift production -every 10m            until it is interrupted
  steadfast drift -policy=heal                     heal whatever says nothing
  steadfast drift -forgive=host_file.motd

Ends with 0 when nothing drifted, or was only observed or healed; with 2 when something drifted that is not healed; with 1 \
when it could not be looked at or healed; with 3 while another run is open. With -every it ends with 0 when it is interrupted, and nothing was being healed.
";

/// Under `resume --help`.
pub(crate) const RESUME: &str = "\
What was under way when the run broke off is looked at first: what took effect is not done twice, what did not is done \
again where that is safe, and what cannot be found out is put to you (steadfast status, steadfast resolve).

The next `apply` or `deploy` does the same before its own work; `destroy`, `rollback` and `stop` end the interrupted run \
instead and begin nothing more of it.

Examples:
  steadfast resume
  steadfast resume production
  steadfast resume -cancel                         finish what is under way and close the run
";

/// Under `rollback --help`.
pub(crate) const ROLLBACK: &str = "\
Definition, files and values of the earlier release are in the book: they are planned and applied again, whatever the \
directory holds now. For an environment the old version takes all requests as soon as it is healthy.

Examples:
  steadfast rollback                               to the release before the last
  steadfast rollback production
  steadfast rollback --to 3f9a production          to the release that this run carried out
  steadfast rollback 3f9a                          take back what this run changed, and nothing else
  steadfast rollback 3f9a -allow-destroy=aws_s3_bucket.logs

A run of `apply` is taken back by a plan that is shown first: objects that it changed become what they were, those that it \
made are destroyed. That is refused where a later run changed the same objects, where it would change others, and where an \
object would be destroyed that has `prevent_destroy` or `holds_data = true` in its lifecycle block or is of a type that is \
known to hold data, unless -allow-destroy names it.
";

/// Under `deploy --help`.
pub(crate) const DEPLOY: &str = "\
Builds what changed, makes one release of everything, applies the environment's resources and rolls its services out as \
their `rollout` blocks say. A version that does not get healthy, or is judged bad, goes back by itself, and its release \
is in quarantine until `steadfast lift`. An environment takes only releases that those named in its `after` accepted.

Examples:
  steadfast deploy dev
  steadfast deploy staging                         the same release: nothing is built twice
  steadfast deploy production --release 8c1f       a release by its first digits

Ends with 0 when the new version serves, 1 when something could not be done or is not allowed, 3 when an action waits \
for a person, 4 while another process writes to the book, 5 when the old version serves again, 65 when the definition \
is wrong, 130 when interrupted.
";

/// Under `status --help`.
pub(crate) const STATUS: &str = "\
Ends with 3 when something waits for a person, else with 0.
";

/// Under `resolve --help`.
pub(crate) const RESOLVE: &str = "\
An action whose outcome was lost, and that neither may be repeated nor can be looked at, waits for you. Look yourself, \
then say what you saw. The run goes on at once.

Examples:
  steadfast status                                 the question, with the command that answers it
  steadfast resolve 3f9a 77c0 done                 it took effect: it is not done again
  steadfast resolve 3f9a 77c0 done -id vpc-12      the same, and what its provider knows the object by
  steadfast resolve 3f9a 77c0 absent               it did not: it is tried again
  steadfast resolve 3f9a 77c0 look                 the service is well again: look once more
";

/// Under `lift --help`.
pub(crate) const LIFT: &str = "\
Examples:
  steadfast status                                 shows what is in quarantine, and why
  steadfast lift 8c1f
";

/// Under `logs --help`.
pub(crate) const LOGS: &str = "\
Examples:
  steadfast logs --env dev web-1
  steadfast logs --env dev -n 500 web-1
";

/// Under `workspace --help`.
pub(crate) const WORKSPACE: &str = "\
One definition, several worlds: each workspace has objects, outputs and runs of its own, and its name is \
terraform.workspace. There is always one called `default`. An environment of steadfast.hcl is a workspace too: select it \
to look at it, or to plan for it; `steadfast deploy` changes it.

The selection is kept in .terraform/environment, where Terraform keeps it too; TF_WORKSPACE in the environment is stronger.

Examples:
  steadfast workspace list
  steadfast workspace new eu
  steadfast workspace select -or-create eu
  TF_WORKSPACE=eu steadfast plan
  steadfast workspace delete eu                    after `steadfast destroy` in it
  steadfast workspace delete -force eu             its objects stay, and nobody knows them any more

Ends with 0, and with 1 when there is no such workspace, there is one already, or it still has objects.
";

/// Under `metadata --help`.
pub(crate) const METADATA: &str = "\
Examples:
  steadfast metadata functions -json | jq '.function_signatures | keys'

The form is that of `terraform metadata functions -json`.
";

/// Under `explain --help`.
pub(crate) const EXPLAIN: &str = "\
Examples:
  steadfast explain SF0322
  steadfast explain exit-codes
  steadfast explain                                all codes
";

/// Under `completions --help`.
pub(crate) const COMPLETIONS: &str = "\
Examples:
  steadfast completions bash > ~/.local/share/bash-completion/completions/steadfast
  steadfast completions zsh > ~/.zfunc/_steadfast
  steadfast completions fish > ~/.config/fish/completions/steadfast.fish
";

/// Words of Terraform that have no counterpart here, with what there is instead.
const INSTEAD: &[(&str, &str)] = &[
    ("env", "Use: steadfast workspace"),
    (
        "force-unlock",
        "A lock ends with the process that holds it; there is nothing to force.",
    ),
    ("login", "There is no server to log in to."),
    ("logout", "There is no server to log out of."),
    (
        "providers",
        "`steadfast init` says which providers the definition needs, and installs them.",
    ),
    ("refresh", "Use: steadfast apply -refresh-only"),
    ("version", "Use: steadfast --version"),
    (
        "--backup",
        "The book keeps everything that ever was; nothing has to be backed up before an apply.",
    ),
    ("--generate-config-out", "Definitions cannot be generated."),
    (
        "--state",
        "What exists stands in the book of the directory, .steadfast/book; another directory is -chdir=DIR.",
    ),
    (
        "--state-out",
        "What exists stands in the book of the directory, .steadfast/book; another directory is -chdir=DIR.",
    ),
];

/// What there is instead of the first word of Terraform on a command line that we do not have.
pub(crate) fn instead_of_terraform(words: &[std::ffi::OsString]) -> Option<&'static str> {
    let command = words
        .iter()
        .skip(1)
        .filter_map(|word| word.to_str())
        .find(|word| !word.starts_with('-'));
    let options = words
        .iter()
        .filter_map(|word| word.to_str())
        .filter(|word| word.starts_with("--"));
    command.into_iter().chain(options).find_map(|word| {
        let name = word.split('=').next().unwrap_or(word);
        let found = INSTEAD.iter().find(|(one, _)| *one == name);
        found.map(|(_, instead)| *instead)
    })
}

/// Under `validate --help`.
pub(crate) const VALIDATE: &str = "\
Reads every file of the project and says everything that is wrong with it in one go, each with its place, the reason and \
what to do. Nothing is planned, looked at or changed, and variables need no value: a value that is not known could be any \
of its type. With --json the answer is the one object that `terraform validate -json` prints.

Examples:
  steadfast validate
  steadfast validate --json | jq .error_count
  steadfast --chdir infra validate

Ends with 0 when nothing is wrong, warnings or not, and with 65 when something is. `steadfast explain CODE` says more about \
one finding.
";

/// Under `get --help`.
pub(crate) const GET: &str = "\
The part of `init` that fetches modules: for a pipeline that brings its providers otherwise. What is there and is what the \
lock file says is not fetched again.

Examples:
  steadfast get
  steadfast get -update                            newer versions, as far as constraints allow

Ends with 0, with 65 when the definition is wrong, and with 1 when something could not be fetched.
";

/// Under `modules --help`.
pub(crate) const MODULES: &str = "\
Every module that the project calls, directly or through others: where it is called, where it comes from, which version is \
there. What nobody calls any more is not listed, though its files may still be in .terraform/modules.

Examples:
  steadfast modules
  steadfast modules --json

Ends with 0, and with 65 when the definition is wrong.
";

/// Under `state --help`.
pub(crate) const STATE: &str = "\
What the book says exists. `steadfast plan` compares it with what is really there; nothing here looks at the world. `mv` \
and `rm` correct what is known, and stand in the book with the name of who did it; what exists stays as it is.

A state that Terraform left (terraform.tfstate, or terraform.tfstate.d/WORKSPACE, or where a backend \"local\", \"http\" or \"s3\" \
has it) is taken over once, by the first command that changes something; later changes of that file are told and not followed. `push` takes a state over again, or another \
one. `pull` prints a state that Terraform goes on with, if it is asked for everything.

Examples:
  steadfast state list
  steadfast state list module.web --env production
  steadfast state show 'host_file.page[\"a\"]'
  steadfast state show --json terraform_data.a     for programs
  steadfast state mv terraform_data.a terraform_data.b
  steadfast state rm 'module.old'                  forgotten, not destroyed
  steadfast state pull                             what exists, sensitive values left out
  steadfast state pull -show-sensitive > terraform.tfstate
  steadfast state push terraform.tfstate

Ends with 0, and with 1 when there is no such object.
";

/// Under `stop --help`.
pub(crate) const STOP: &str = "\
Every instance gets the time to finish its requests that its service gives it (`stop_grace`), then it is ended, and so is the \
data plane. Resources, artifacts and the book stay: the next `deploy` starts everything again.

Examples:
  steadfast stop staging
  steadfast resume staging                         when it was interrupted: finishes stopping

Ends with 0 when nothing runs any more, and with 1 when an instance could not be stopped.
";

/// Under `demo --help`.
pub(crate) const DEMO: &str = "\
The main job on one machine, with nothing but this program and the repository: builds the shop, takes its first release \
through dev and staging to production, sends requests there all the while, rolls out a good second release and a third one \
of which one request in twenty fails, and kills its own control plane with SIGKILL in the middle of both. It works on a copy \
in a temporary directory, on free ports of this machine, and removes everything at the end.

Examples:
  steadfast demo
  steadfast demo --keep                            leaves it running, and prints the commands to look around
  steadfast demo --kills 5 --rate 1000             more of both

Ends with 0 when the story went as it should: no request failed on a good version, the bad one was found and sent back. \
Anything else is an error and says what it was.
";

/// Under `taint --help`.
pub(crate) const TAINT: &str = "\
Nothing is done to the object now: the next plan shows that it will be replaced, and why. The mark stands in the book with the \
name of who made it. `plan -replace=ADDRESS` does the same for one plan only, and leaves no mark.

Examples:
  steadfast taint 'host_command.migrate[\"a\"]'
  steadfast untaint 'host_command.migrate[\"a\"]'

Ends with 0, and with 1 when there is no such object.
";

/// Under `import --help`.
pub(crate) const IMPORT: &str = "\
The object is read from its provider by its id and written down under the address, which must be in the definition. An \
`import` block in the definition does the same in a plan that others can look at first, and is to be preferred.

Examples:
  steadfast import host_file.motd /etc/motd

Ends with 0, and with 1 when the provider finds no such object or the address is taken.
";
