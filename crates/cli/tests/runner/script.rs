//! The form of a script: prose, steps, files. Reading one and writing it back.

use std::collections::BTreeMap;

/// A script in its parts.
#[derive(Debug)]
pub(crate) struct Script {
    /// Prose and steps in order.
    pub items: Vec<Item>,
    /// Files by path.
    pub files: BTreeMap<String, String>,
    /// The files as they are written, with their headings.
    files_text: String,
}

/// A part of a script.
#[derive(Debug)]
pub(crate) enum Item {
    /// A line for readers.
    Prose(String),
    /// A command with what it should print.
    Step(Step),
}

/// A command with what it should print.
#[derive(Debug)]
pub(crate) struct Step {
    /// After the `$`.
    pub command: String,
    /// Standard output, then `! ` and each line of standard error, then `? ` and the exit code unless it is 0.
    pub expected: Vec<String>,
}

impl Script {
    /// Reads a script, or says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let is_heading = |line: &str| line.starts_with("-- ") && line.ends_with(" --");
        let at = text
            .split_inclusive('\n')
            .scan(0, |at, line| {
                let start = *at;
                *at += line.len();
                Some((start, line.trim_end()))
            })
            .find(|(_, line)| is_heading(line))
            .map_or(text.len(), |(at, _)| at);
        let (steps, files_text) = text.split_at(at);
        let mut files: BTreeMap<String, String> = BTreeMap::new();
        let mut path = String::new();
        for line in files_text.split_inclusive('\n') {
            if is_heading(line.trim_end()) {
                path = line.trim_end()[3..line.trim_end().len() - 3]
                    .trim()
                    .to_owned();
                files.insert(path.clone(), String::new());
            } else if let Some(content) = files.get_mut(&path) {
                content.push_str(line);
            }
        }
        Ok(Self {
            items: items(steps)?,
            files,
            files_text: files_text.to_owned(),
        })
    }

    /// The script as text.
    pub(crate) fn to_text(&self) -> String {
        let mut text = String::new();
        for item in &self.items {
            match item {
                Item::Prose(line) => text.push_str(&format!("{line}\n")),
                Item::Step(step) => {
                    text.push_str(&format!("  $ {}\n", step.command));
                    for line in &step.expected {
                        text.push_str(format!("  {line}").trim_end());
                        text.push('\n');
                    }
                }
            }
        }
        text + &self.files_text
    }
}

fn items(text: &str) -> Result<Vec<Item>, String> {
    let mut items: Vec<Item> = Vec::new();
    // Empty lines belong to an output only when more of it follows.
    let mut n_empty = 0;
    for line in text.lines() {
        if line.trim().is_empty() {
            n_empty += 1;
            continue;
        }
        if let (Some(output), Some(Item::Step(step))) = (
            line.strip_prefix("  ")
                .filter(|rest| !rest.starts_with("$ ")),
            items.last_mut(),
        ) {
            step.expected
                .extend(std::iter::repeat_n(String::new(), n_empty));
            step.expected.push(output.trim_end().to_owned());
            n_empty = 0;
            continue;
        }
        items.extend((0..n_empty).map(|_| Item::Prose(String::new())));
        n_empty = 0;
        if let Some(command) = line.strip_prefix("  $ ") {
            items.push(Item::Step(Step {
                command: command.trim().to_owned(),
                expected: Vec::new(),
            }));
        } else if line.starts_with(' ') {
            return Err(format!("output without a command: {line}"));
        } else {
            items.push(Item::Prose(line.to_owned()));
        }
    }
    items.extend((0..n_empty).map(|_| Item::Prose(String::new())));
    Ok(items)
}
