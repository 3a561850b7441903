//! Small projects with what terraform finds wrong in them: the form of the files in `tests/blocks`.
//!
//! A file is a sequence of snippets. Each begins with `=== title`, ends with `---` and the recorded findings, one a
//! line, and holds one file (`main.tf`) or several, each behind a line `## path`. A title that ends with `(plan)` asks
//! what `terraform plan` finds, the others what `terraform validate` finds. Used by the test of this room and, to
//! record the findings, by `cargo xtask conformance`.

/// One project.
pub(crate) struct Snippet {
    /// What it is about.
    pub(crate) title: String,
    /// Its files by path.
    pub(crate) files: Vec<(String, String)>,
    /// What is wrong with it: severity, place and summary.
    pub(crate) findings: Vec<String>,
}

impl Snippet {
    /// Whether planning is asked for the findings, not only validation.
    pub(crate) fn is_planned(&self) -> bool {
        self.title.ends_with("(plan)")
    }
}

/// All snippets of a file.
pub(crate) fn read(text: &str) -> Vec<Snippet> {
    let mut snippets: Vec<Snippet> = Vec::new();
    let mut recorded = false;
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("=== ") {
            snippets.push(Snippet {
                title: title.to_string(),
                files: Vec::new(),
                findings: Vec::new(),
            });
            recorded = false;
            continue;
        }
        let Some(snippet) = snippets.last_mut() else {
            continue;
        };
        if line == "---" {
            recorded = true;
        } else if recorded {
            if !line.is_empty() {
                snippet.findings.push(line.to_string());
            }
        } else if let Some(path) = line.strip_prefix("## ") {
            snippet.files.push((path.to_string(), String::new()));
        } else {
            if snippet.files.is_empty() {
                snippet.files.push(("main.tf".into(), String::new()));
            }
            if let Some((_, text)) = snippet.files.last_mut() {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    snippets
}

/// What stands before the first snippet.
pub(crate) fn preface(text: &str) -> &str {
    match text.find("=== ") {
        Some(end) => text.split_at(end).0,
        None => text,
    }
}

/// The text of a file with these snippets.
pub(crate) fn write(preface: &str, snippets: &[Snippet]) -> String {
    let mut text = preface.to_string();
    for snippet in snippets {
        text += &format!("=== {}\n", snippet.title);
        for (path, content) in &snippet.files {
            if path != "main.tf" || snippet.files.len() > 1 {
                text += &format!("## {path}\n");
            }
            text += content;
        }
        text += "---\n";
        for finding in &snippet.findings {
            text += &format!("{finding}\n");
        }
    }
    text
}

/// Whether what is found here is what is recorded. Both are lines that begin with severity and place.
///
/// On each line of a text where errors are recorded, there must be one at exactly the place of one of them, and there
/// must be none anywhere else. Where an error has no recorded place, ours may be anywhere. There must be a warning if
/// there is a recorded one.
pub(crate) fn agree(recorded: &[String], given: &[String]) -> bool {
    let places = |lines: &[String], severity: &str| -> Vec<String> {
        let found = lines.iter().filter_map(|line| {
            let mut words = line.split(' ');
            (words.next() == Some(severity)).then(|| words.next().unwrap_or("-").to_string())
        });
        found.collect()
    };
    let line_of = |place: &str| -> String {
        let mut parts = place.split(':');
        let (file, line) = (parts.next(), parts.next());
        format!("{}:{}", file.unwrap_or(""), line.unwrap_or(""))
    };
    let (theirs, ours) = (places(recorded, "error"), places(given, "error"));
    let placeless = theirs.iter().any(|place| place == "-");
    let met = |place: &String| {
        place == "-"
            || ours
                .iter()
                .any(|our| theirs.contains(our) && line_of(our) == line_of(place))
    };
    let wanted =
        |our: &String| placeless || theirs.iter().any(|their| line_of(their) == line_of(our));
    let warned = places(recorded, "warning").is_empty() || !places(given, "warning").is_empty();
    let errors = theirs.is_empty() == ours.is_empty();
    errors && theirs.iter().all(met) && ours.iter().all(wanted) && warned
}
