//! What a program answers to an expression: a value, or what is wrong with it and where. Answers are compared and kept
//! as lines of text.

use crate::batch::CaseSource;

/// What a program answers.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The line that [`crate::exact::exact`] makes of a value.
    Value(String),
    /// Everything that is wrong.
    Faults(Vec<Fault>),
}

/// One thing that is wrong.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// From which byte of the expression to before which, as `3..7`; a dash where it is somewhere else.
    place: String,
    /// What is wrong, in one line.
    text: String,
}

impl Fault {
    /// `place` counts bytes of the file of the case.
    pub(crate) fn new(
        place: Option<(usize, usize)>,
        case: &CaseSource,
        summary: &str,
        detail: &str,
    ) -> Self {
        let inside = |at: usize| at as i64 - case.expression_at as i64;
        let detail = placeless(detail.split("\ngoroutine ").next().unwrap_or_default());
        let detail = detail.trim_end().replace('\n', "\\n");
        Self {
            place: place.map_or("-".to_owned(), |(start, end)| {
                format!("{}..{}", inside(start), inside(end))
            }),
            text: format!("{}: {detail}", placeless(summary)),
        }
    }

    /// That a value must not be kept, as the attribute that holds the cases says it.
    pub(crate) fn ephemeral(case: &CaseSource) -> Self {
        let place = (
            case.expression_at,
            case.expression_at + case.expression_length,
        );
        let detail = "Ephemeral values are not valid for \"input\", because it is not a write-only attribute and must be \
                      persisted to state.";
        Self::new(Some(place), case, "Invalid use of ephemeral value", detail)
    }

    /// What has no place and no case.
    pub(crate) fn nowhere(text: &str) -> Self {
        Self {
            place: "-".to_owned(),
            text: text.to_owned(),
        }
    }

    fn line(&self) -> String {
        format!("{} {}", self.place, self.text)
    }

    /// Whether this, said by us, stands at the same place and says what `recorded` says or more. Ours names the
    /// function besides the parameter, which is more.
    fn covers(&self, recorded: &str) -> bool {
        let line = self.line();
        let named = |line: &str| {
            let (before, after) = line.split_once("\" parameter of function \"")?;
            let (_, after) = after.split_once('"')?;
            Some(format!("{before}\" parameter{after}"))
        };
        line.starts_with(recorded) || named(&line).is_some_and(|line| line.starts_with(recorded))
    }
}

impl Answer {
    /// As lines of a case file: `= value`, or `! place summary: detail` for each fault.
    pub(crate) fn lines(&self) -> Vec<String> {
        match self {
            Self::Value(line) => vec![format!("= {line}")],
            Self::Faults(faults) => faults
                .iter()
                .map(|fault| format!("! {}", fault.line()))
                .collect(),
        }
    }

    /// Whether this, said by us, is what is recorded: the same value, or as many faults at the same places that say as
    /// much.
    pub(crate) fn agrees(&self, recorded: &[String]) -> bool {
        match self {
            Self::Value(_) => self.lines() == recorded,
            Self::Faults(faults) => {
                faults.len() == recorded.len()
                    && faults.iter().zip(recorded).all(|(fault, line)| {
                        line.strip_prefix("! ")
                            .is_some_and(|line| fault.covers(line))
                    })
            }
        }
    }

    /// The places of everything that is wrong.
    pub(crate) fn places(&self) -> Vec<&str> {
        match self {
            Self::Value(_) => Vec::new(),
            Self::Faults(faults) => faults.iter().map(|fault| fault.place.as_str()).collect(),
        }
    }

    /// Whether it is a value.
    pub(crate) fn is_value(&self) -> bool {
        matches!(self, Self::Value(_))
    }
}

/// A text that names the file of a case names it without the number that it happens to have.
fn placeless(text: &str) -> String {
    let mut parts = text.split("case");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let after = part.trim_start_matches(|digit: char| digit.is_ascii_digit());
        let file = after.starts_with(".tf") || after.starts_with(" in state");
        plain += "case";
        plain += if file { after } else { part };
    }
    plain
}
