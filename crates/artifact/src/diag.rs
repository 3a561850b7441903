//! What can be wrong with a build or with a stored artifact, said to a person: one function for each code.
//! Deliberately no decisions: whoever calls knows whether another attempt may succeed.

use crate::chain;
use crate::command::CommandError;
use crate::pick::PickError;
use crate::source::SourceError;
use std::error::Error;
use std::path::Path;
use value::Diagnostic;

/// Every code of this room; each has a page `docs/codes/SFnnnn.md`.
pub const CODES: &[&str] = &[
    "SF0701", "SF0702", "SF0703", "SF0704", "SF0705", "SF0706", "SF0707", "SF0708", "SF0709",
    "SF0710", "SF0711",
];

/// What is known of a command that was run.
pub(crate) struct Ran<'a> {
    /// Name of the artifact.
    pub(crate) name: &'a str,
    /// Program and arguments.
    pub(crate) command: &'a [String],
    /// Last lines of its output.
    pub(crate) tail: &'a [String],
    /// Where all of it is.
    pub(crate) log: &'a Path,
}

impl Ran<'_> {
    fn detail(&self, how: &str, advice: &str) -> String {
        let command = shown_command(self.command);
        let log = self.log.display();
        let mut text = format!("`{command}` {how}.");
        if self.tail.is_empty() {
            text.push_str(" It wrote no output.");
        } else {
            text.push_str(" The end of its output:\n");
            for line in self.tail {
                text.push_str("  | ");
                text.push_str(line);
                text.push('\n');
            }
            text.push_str(&format!("All of it is in {log}."));
        }
        text.push(' ');
        text.push_str(advice);
        text
    }
}

pub(crate) fn build_failed(ran: &Ran<'_>, status: &str) -> Diagnostic {
    let advice = "The command runs in a copy of the source with a cleared environment; what it needs from the \
                  environment is named in `inherit`.";
    let detail = ran.detail(&format!("ended with {status}"), advice);
    about(
        ran.name,
        Diagnostic::error("SF0701", "The build command failed", detail),
    )
}

pub(crate) fn not_started(name: &str, error: &CommandError) -> Diagnostic {
    let detail = format!(
        "{}. Programs are looked for in PATH, which is /usr/local/bin:/usr/bin:/bin unless `inherit` names PATH; a \
         script is started by the interpreter that its first line names, which must exist too.",
        chain(error)
    );
    let summary = "The build command could not be started";
    about(name, Diagnostic::error("SF0702", summary, detail))
}

pub(crate) fn timed_out(ran: &Ran<'_>, timeout_ms: u64) -> Diagnostic {
    let advice = "It was killed with everything that it had started. If it needs longer, raise `timeout` of the \
                  artifact.";
    let detail = ran.detail(&format!("did not end within {timeout_ms} ms"), advice);
    about(
        ran.name,
        Diagnostic::error("SF0703", "The build took too long", detail),
    )
}

pub(crate) fn too_much_output(ran: &Ran<'_>, bytes_max: u64) -> Diagnostic {
    let advice = "It was killed so that it does not fill the disk. Make it quieter.";
    let detail = ran.detail(
        &format!("wrote more than {bytes_max} bytes of output"),
        advice,
    );
    about(
        ran.name,
        Diagnostic::error("SF0704", "The build wrote too much output", detail),
    )
}

pub(crate) fn source_changed(name: &str, source: &str, expected: &str, found: &str) -> Diagnostic {
    let detail = format!(
        "`{source}` had the digest {expected} when the release was made and has {found} now. Only what was released is \
         built; release again to build what is there now."
    );
    let summary = "The source changed after it was released";
    about(name, Diagnostic::error("SF0705", summary, detail))
}

pub(crate) fn source_unusable(error: &SourceError) -> Diagnostic {
    Diagnostic::error(
        "SF0706",
        "The source cannot be read",
        format!("{}.", chain(error)),
    )
}

pub(crate) fn not_built(name: &str, error: &PickError) -> Diagnostic {
    let mut detail = format!(
        "{}. `files` names, for each path in the artifact, where it lies in the source after the build.",
        chain(error)
    );
    if let PickError::Missing { near, .. } = error
        && !near.is_empty()
    {
        detail.push_str(&format!(" There is: {}.", near.join(", ")));
    }
    about(
        name,
        Diagnostic::error("SF0707", "A file of the artifact was not built", detail),
    )
}

pub(crate) fn unusable(name: &str, what: &str) -> Diagnostic {
    let summary = "The artifact cannot be built as it is described";
    about(
        name,
        Diagnostic::error("SF0708", summary, format!("{what}.")),
    )
}

pub(crate) fn not_packed(name: &str, error: &dyn Error) -> Diagnostic {
    let summary = "What was built cannot be packed";
    let detail = format!("{}.", chain(error));
    about(name, Diagnostic::error("SF0709", summary, detail))
}

pub(crate) fn store_unusable(error: &dyn Error) -> Diagnostic {
    let detail = format!(
        "{}. Nothing was half written: free space or restore the permissions, then try again.",
        chain(error)
    );
    Diagnostic::error("SF0710", "The artifact store cannot be used", detail)
}

pub(crate) fn damaged(artifact: &str, error: &dyn Error, advice: &str) -> Diagnostic {
    let detail = format!("artifact {artifact}: {}. {advice}", chain(error));
    Diagnostic::error("SF0711", "Stored content is not what was built", detail)
}

/// A finding as one text, for answers that carry no diagnostics.
pub(crate) fn text(diagnostic: &Diagnostic) -> String {
    format!(
        "{} {}: {}",
        diagnostic.code, diagnostic.summary, diagnostic.detail
    )
}

fn about(name: &str, diagnostic: Diagnostic) -> Diagnostic {
    diagnostic.about(format!("artifact.{name}"))
}

/// A command as a person would type it.
fn shown_command(command: &[String]) -> String {
    let quoted = command.iter().map(|word| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
        if !word.is_empty() && word.chars().all(plain) {
            word.clone()
        } else {
            format!("'{}'", word.replace('\'', "'\\''"))
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::{CODES, shown_command};
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    #[test]
    fn every_code_is_made_and_has_a_page() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let codes: BTreeSet<String> = CODES.iter().map(|code| (*code).to_owned()).collect();
        let pages: BTreeSet<String> = fs::read_dir(root.join("../../docs/codes"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter_map(|name| name.strip_suffix(".md").map(str::to_owned))
            .filter(|name| name.starts_with("SF07"))
            .collect();
        assert_eq!(codes, pages);
        let source = fs::read_to_string(root.join("src/diag.rs")).unwrap();
        let source: String = source.split_whitespace().collect();
        for code in CODES {
            let made = source.matches(&format!("error(\"{code}\",")).count();
            assert_eq!(made, 1, "{code} is made in one place");
        }
    }

    #[test]
    fn commands_can_be_copied_into_a_shell() {
        let words = ["sh", "-c", "echo it's $HOME", ""].map(str::to_owned);
        assert_eq!(shown_command(&words), r"sh -c 'echo it'\''s $HOME' ''");
    }
}
