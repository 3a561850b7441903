//! Trouble with the book, with a run that is in the way, and with orders that make no sense: what a command says when
//! it cannot even begin. What stands in the book stays as it is in all of these cases.

use journal::{JournalError, Place};
use model::RunId;
use std::error::Error;
use std::path::Path;
use value::Diagnostic;

/// What is wrong with a book, why that matters, and what to do.
pub fn book_trouble(error: &JournalError) -> Diagnostic {
    match error {
        JournalError::Held {
            path,
            pid,
            since_ms,
        } => held(path, *pid, since_ms.map(journal::utc)),
        JournalError::Corrupt {
            place,
            what,
            last_good,
        } => damaged(place, what, *last_good),
        JournalError::TailLost {
            path,
            expected,
            found,
        } => tail_lost(path, *expected, *found),
        JournalError::Newer {
            path,
            found,
            supported,
        } => newer(path, *found, *supported),
        JournalError::Foreign { path, what } => foreign(path, what),
        JournalError::Full { path } => full(
            path,
            "Nothing of the last write is in the book, and nothing more is begun.",
        ),
        JournalError::LowSpace { path, free, need } => low_space(path, Some(*free), *need),
        JournalError::ReadOnly { path, source } => Diagnostic::error(
            "SF1216",
            "The book cannot be written",
            format!(
                "The system refuses ({source}), so nothing can be done: nothing is begun unless it was written down \
                 first. Reading and planning work."
            ),
        )
        .about(path.display().to_string())
        .hint("Give the directory to this user, or mount the file system writable.", None),
        JournalError::NoBook { path } => Diagnostic::error(
            "SF1217",
            "There is no book here",
            "Nothing was ever applied or deployed in this directory.",
        )
        .about(path.display().to_string())
        .hint("Is it the right directory? The book is made by the first apply or deploy.", None),
        JournalError::Fenced {
            stream,
            ours,
            current,
        } => Diagnostic::error(
            "SF1218",
            "Another Steadfast has taken over",
            format!(
                "`{stream}` is written by one that began later (epoch {current}, this one has {ours}). Nothing more \
                 was written or begun here."
            ),
        )
        .hint("Look at what the other one does: steadfast status.", None),
        other => unusable(other),
    }
}

fn damaged(place: &Place, what: &str, last_good: Option<u64>) -> Diagnostic {
    let last_good = last_good.map_or_else(String::new, |seq| {
        format!(" The last good entry is {seq}; up to it everything can be read.")
    });
    Diagnostic::error(
        "SF1211",
        "The book is damaged",
        format!("{}.{last_good}", sentence(what)),
    )
    .about(place.to_string().trim_end_matches(" is damaged"))
    .hint(sentence(place.advice()) + ".", None)
}

fn newer(path: &Path, found: u32, supported: u32) -> Diagnostic {
    Diagnostic::error(
        "SF1213",
        "The book is from a newer version",
        format!(
            "It has format {found}, and this program reads formats up to {supported}. Nothing was changed."
        ),
    )
    .about(path.display().to_string())
    .hint(
        "Use the version of Steadfast that wrote it, or a newer one.",
        None,
    )
}

fn foreign(path: &Path, what: &str) -> Diagnostic {
    Diagnostic::error(
        "SF1214",
        "This is not a book",
        format!("The file that should be the book is something else: {what}. Nothing was changed."),
    )
    .about(path.display().to_string())
    .hint(
        "Put the right file back from a backup, or move this one away.",
        None,
    )
}

fn held(path: &Path, pid: Option<u32>, since: Option<String>) -> Diagnostic {
    let who = pid.map_or_else(
        || "A process that has not said its number yet".to_owned(),
        |pid| format!("Process {pid}"),
    );
    let works = since.map_or_else(
        || "is at work here".to_owned(),
        |since| format!("has been at work here since {since}"),
    );
    Diagnostic::error(
        "SF1210",
        "Another process is writing to the book",
        format!(
            "{who} {works}.\nOnly one may write at a time, or the two would undo each other's work; looking \
             (plan, show, history, status) is possible meanwhile."
        ),
    )
    .about(path.display().to_string())
    .hint(
        "Wait until it is done, by hand or with -lock-timeout=5m; or stop it.",
        None,
    )
}

fn tail_lost(path: &Path, expected: u64, found: u64) -> Diagnostic {
    Diagnostic::error(
        "SF1212",
        "The newest entries of the book are lost",
        format!(
            "The book ends at commit {found}, but commit {expected} was acknowledged, so the world may have moved on \
             without it: a copy from before was put back, or a file is missing."
        ),
    )
    .about(path.display().to_string())
    .hint(
        "Put back the missing files; book.db and book.db-wal belong together.",
        None,
    )
    .hint(
        "If there is nothing newer: steadfast journal accept-loss, then steadfast plan before anything else.",
        None,
    )
}

fn full(path: &Path, what: &str) -> Diagnostic {
    Diagnostic::error("SF1215", "There is too little room on the disk", what)
        .about(path.display().to_string())
        .hint("Make room, then: steadfast resume.", None)
}

/// Too little room to begin anything.
pub fn low_space(path: &Path, free_bytes: Option<u64>, need_bytes: u64) -> Diagnostic {
    let free = free_bytes.map_or_else(
        || format!("Less than {} MiB are", need_bytes >> 20),
        |free| {
            format!(
                "Only {} MiB of the {} MiB that are wanted are",
                free >> 20,
                need_bytes >> 20
            )
        },
    );
    let what = format!(
        "{free} free. Nothing more is begun, because its outcome might not fit into the book."
    );
    full(path, &what)
}

fn unusable(error: &JournalError) -> Diagnostic {
    let causes = std::iter::successors(error.source(), |error| (*error).source());
    let because: String = causes.map(|cause| format!(": {cause}")).collect();
    Diagnostic::error(
        "SF1219",
        "The book cannot be used",
        format!("{}{because}.", sentence(&error.to_string())),
    )
    .hint(
        "Nothing more was written or begun. What was under way is looked at by: steadfast resume.",
        None,
    )
}

/// The book says something that cannot have happened, or that this program does not know.
pub fn book_senseless(environment: &str, what: &str) -> Diagnostic {
    Diagnostic::error(
        "SF1220",
        "The book does not make sense",
        format!("{}. Nothing was done.", sentence(what)),
    )
    .about(environment)
    .hint(
        "`steadfast journal verify` says whether the book is what was written. If it is, this program and the one that \
         wrote it disagree: use that one, and report this.",
        None,
    )
}

/// The book failed in the middle of a run.
pub fn outcomes_lost(cause: &JournalError, n_unrecorded: usize) -> Diagnostic {
    Diagnostic::error(
        "SF1221",
        "The book failed in the middle of a run",
        format!(
            "{}. What was under way was waited for; the outcomes of {n_unrecorded} effects are not in the book and stand \
             below.",
            sentence(&cause.to_string())
        ),
    )
    .hint(
        "Make room or mend the disk, then: steadfast resume. It looks at what became of those effects.",
        None,
    )
}

/// What should be the project's key is none.
pub fn no_key(path: &Path) -> Diagnostic {
    Diagnostic::error(
        "SF1228",
        "This is not a key",
        format!(
            "The file should hold {} hexadecimal digits. Without the key the secrets in the book cannot be opened.",
            crate::KEY_BYTES * 2
        ),
    )
    .about(path.display().to_string())
    .hint(
        "Put the right file back from where the key was kept. Nothing was changed.",
        None,
    )
}

/// Another run comes first.
pub fn run_in_the_way(run: RunId) -> Diagnostic {
    Diagnostic::error(
        "SF1222",
        "Another run is not over",
        format!("Run {run} is open, and nothing else is begun before it is over."),
    )
    .hint(
        "Go on with it: steadfast resume. Or close it: steadfast resume -cancel.",
        None,
    )
}

/// An order that makes no sense here.
pub fn senseless_order(what: &str) -> Diagnostic {
    Diagnostic::error(
        "SF1223",
        "This cannot be done as it was said",
        sentence(what) + ".",
    )
}

/// A file or a process of ours cannot be had.
pub fn system_refuses(what: &str, path: &Path, why: &dyn Error) -> Diagnostic {
    Diagnostic::error(
        "SF1224",
        "The system refuses",
        format!("Cannot {what} this: {why}."),
    )
    .about(path.display().to_string())
}

/// Anything else that failed, in words.
pub fn not_done(what: &str) -> Diagnostic {
    Diagnostic::error("SF1225", "It could not be done", sentence(what) + ".")
}

/// What is shown may be older than what was done.
pub fn shown_is_old(error: &JournalError) -> Diagnostic {
    let found = book_trouble(error);
    let mut warning = Diagnostic::warning(
        "SF1226",
        "What is shown may be older than what was done",
        format!("{} ({}): {}", found.summary, found.code, found.detail),
    );
    warning.address = found.address;
    warning.hints = found.hints;
    warning
}

/// A run that is not over, seen by somebody who only looks.
pub fn run_is_open(run: RunId, actor: &str) -> Diagnostic {
    Diagnostic::warning(
        "SF1227",
        "A run is not over",
        format!(
            "Run {run}, asked for by {actor}, is at work in another process, or was interrupted. What was under way in \
             it may have taken effect without being known here."
        ),
    )
    .hint(
        "If it was interrupted, the next apply finishes it first; steadfast resume does only that.",
        None,
    )
}

/// With a capital letter, and without a full stop.
fn sentence(text: &str) -> String {
    let text = text.trim_end_matches('.');
    let mut letters = text.chars();
    match letters.next() {
        // What is quoted or is a path keeps its letter.
        Some(first) if first.is_ascii_lowercase() => first.to_uppercase().chain(letters).collect(),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    //! Each once, as a person sees it: `tests/book_diagnostics.txt` is what they say.

    use super::*;
    use std::fmt::Write as _;
    use std::sync::Arc;

    fn all() -> Vec<Diagnostic> {
        let path = || "shop/.steadfast/book".into();
        let refused = || Arc::new(std::io::Error::from(std::io::ErrorKind::PermissionDenied));
        let errors = [
            JournalError::Held {
                path: path(),
                pid: Some(4711),
                since_ms: Some(0),
            },
            JournalError::Held {
                path: path(),
                pid: None,
                since_ms: None,
            },
            JournalError::Corrupt {
                place: Place::Entry {
                    stream: "production".to_owned(),
                    seq: 12,
                },
                what: "it does not match its hash".to_owned(),
                last_good: Some(11),
            },
            JournalError::TailLost {
                path: path(),
                expected: 17,
                found: 9,
            },
            JournalError::Newer {
                path: path(),
                found: 255,
                supported: 1,
            },
            JournalError::Foreign {
                path: path(),
                what: "it is no SQLite database".to_owned(),
            },
            JournalError::Full { path: path() },
            JournalError::LowSpace {
                path: path(),
                free: 3 << 20,
                need: 64 << 20,
            },
            JournalError::ReadOnly {
                path: path(),
                source: refused(),
            },
            JournalError::NoBook { path: path() },
            JournalError::Fenced {
                stream: "production".to_owned(),
                ours: 4,
                current: 5,
            },
            JournalError::Io {
                doing: "read",
                path: path(),
                source: refused(),
            },
        ];
        let mut all: Vec<Diagnostic> = errors.iter().map(book_trouble).collect();
        let lost = JournalError::TailLost {
            path: path(),
            expected: 17,
            found: 9,
        };
        all.extend([
            low_space(Path::new("book"), None, 64 << 20),
            book_senseless("production", "entry 3 cannot follow what stands before it"),
            outcomes_lost(&JournalError::Closed, 2),
            no_key(Path::new("shop/.steadfast/key")),
            run_in_the_way(RunId(7)),
            senseless_order("there is no environment `nowhere`"),
            system_refuses("make", Path::new("shop/.steadfast"), refused().as_ref()),
            not_done("the data plane does not answer"),
            shown_is_old(&lost),
            run_is_open(RunId(7), "ada"),
        ]);
        all
    }

    #[test]
    fn each_says_what_why_and_what_to_do() {
        let mut said = String::new();
        for one in all() {
            writeln!(said, "{} {}", one.code, one.summary).unwrap();
            if let Some(about) = &one.address {
                writeln!(said, "  --> {about}").unwrap();
            }
            writeln!(said, "  {}", one.detail).unwrap();
            for hint in &one.hints {
                writeln!(said, "  hint: {}", hint.text).unwrap();
            }
        }
        assert_eq!(said, include_str!("../../tests/book_diagnostics.txt"));
    }
}
