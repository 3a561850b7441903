//! `steadfast lsp` as an editor meets it: a scripted client over a real pipe.
//!
//! Every file in `tests/editor` is a case. It lists files (`--- PATH`, then the content), a line `===`, and then what
//! the editor does, each followed by what comes back:
//!
//! - `open PATH`, `close PATH`: findings of all files follow, by place.
//! - `type PATH LINE:COLUMN TEXT`: a text is inserted (`\n` is a line break); findings follow.
//! - `hover PATH LINE:COLUMN`, `define PATH LINE:COLUMN`, `outline PATH`, `format PATH`.
//! - `complete PATH LINE:COLUMN [WORD...]`: which of the words are suggested; all suggestions without words.
//! - `send JSON`: a message as it stands; the answer follows.
//!
//! Lines and columns count from 1, columns in UTF-16. With `UPDATE_CASES=1` the answers are written into the cases.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops where it is surprised"
)]

use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

#[test]
fn every_case() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/editor");
    let mut cases: Vec<PathBuf> = std::fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    cases.sort();
    assert!(!cases.is_empty());
    let mut wrong = Vec::new();
    for case in cases {
        let written = std::fs::read_to_string(&case).unwrap();
        let played = play(&written);
        if played == written {
            continue;
        }
        if std::env::var_os("UPDATE_CASES").is_some() {
            std::fs::write(&case, played).unwrap();
        } else {
            wrong.push(format!("{}:\n{played}", case.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The case with the answers that came.
fn play(case: &str) -> String {
    let (files, script) = case.split_once("\n===\n").expect("files, ===, script");
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().canonicalize().unwrap();
    for file in format!("\n{files}").split("\n--- ").skip(1) {
        let (path, content) = file.split_once('\n').unwrap_or((file, ""));
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, format!("{content}\n")).unwrap();
    }
    let mut editor = Editor::start(root);
    let mut played = format!("{files}\n===\n");
    for line in script.lines().filter(|line| !line.starts_with("    ")) {
        writeln!(played, "{line}").unwrap();
        for answer in editor.act(line).lines() {
            writeln!(played, "    {answer}").unwrap();
        }
    }
    editor.end();
    played
}

struct Editor {
    root: PathBuf,
    server: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    asked: u64,
    /// Newest version of any text.
    version: u64,
    /// Findings that came, by file.
    findings: Vec<(String, Vec<Value>)>,
}

impl Editor {
    fn start(root: PathBuf) -> Self {
        let mut server = Command::new(env!("CARGO_BIN_EXE_steadfast"))
            .arg("lsp")
            .current_dir(&root)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let to = server.stdin.take().unwrap();
        let from = BufReader::new(server.stdout.take().unwrap());
        let mut editor = Self {
            root,
            server,
            to,
            from,
            asked: 0,
            version: 0,
            findings: Vec::new(),
        };
        let capabilities = editor.ask("initialize", json!({ "capabilities": {} }));
        assert_eq!(capabilities["capabilities"]["positionEncoding"], "utf-16");
        editor.tell("initialized", json!({}));
        editor
    }

    fn act(&mut self, line: &str) -> String {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        if verb == "send" {
            return self.send_as_it_stands(rest);
        }
        let mut words = rest.splitn(3, ' ');
        let path = words.next().unwrap().to_owned();
        let place = words.next().map(place);
        let more = words.next().unwrap_or("");
        let document = json!({ "uri": self.uri(&path) });
        let at = json!({ "textDocument": document, "position": place });
        match verb {
            "open" => {
                let text = std::fs::read_to_string(self.root.join(&path)).unwrap();
                self.version += 1;
                let (uri, version) = (self.uri(&path), self.version);
                let opened = json!({ "uri": uri, "languageId": "terraform", "version": version, "text": text });
                self.tell("textDocument/didOpen", json!({ "textDocument": opened }));
                self.told(&path, version.into())
            }
            "close" => {
                self.tell("textDocument/didClose", json!({ "textDocument": document }));
                self.told(&path, Value::Null)
            }
            "type" => {
                let text = more.replace("\\n", "\n");
                let change = json!({ "range": { "start": place, "end": place }, "text": text });
                self.version += 1;
                let document = json!({ "uri": self.uri(&path), "version": self.version });
                let change = json!({ "textDocument": document, "contentChanges": [change] });
                self.tell("textDocument/didChange", change);
                self.told(&path, self.version.into())
            }
            "hover" => {
                let answer = self.ask("textDocument/hover", at);
                match answer["contents"]["value"].as_str() {
                    Some(text) => format!("{}\n{text}", self.range(&answer["range"])),
                    None => "nothing".to_owned(),
                }
            }
            "define" => {
                let answer = self.ask("textDocument/definition", at);
                match answer["uri"].as_str() {
                    Some(uri) => format!("{} {}", self.path(uri), self.range(&answer["range"])),
                    None => "nothing".to_owned(),
                }
            }
            "complete" => {
                let answer = self.ask("textDocument/completion", at);
                let items = answer.as_array().unwrap();
                suggested(items, more)
            }
            "outline" => {
                let asked = json!({ "textDocument": document });
                let answer = self.ask("textDocument/documentSymbol", asked);
                let symbols = answer.as_array().unwrap().iter();
                let lines = symbols.map(|one| {
                    let range = self.range(&one["range"]);
                    format!("{range} {}", one["name"].as_str().unwrap())
                });
                lines.collect::<Vec<_>>().join("\n")
            }
            "format" => {
                let options = json!({ "tabSize": 2, "insertSpaces": true });
                let asked = json!({ "textDocument": document, "options": options });
                let answer = self.ask("textDocument/formatting", asked);
                match answer.as_array().map(Vec::as_slice) {
                    Some([edit]) => edit["newText"].as_str().unwrap().to_owned(),
                    Some([]) => "unchanged".to_owned(),
                    _ => "nothing".to_owned(),
                }
            }
            other => panic!("an editor does not {other}"),
        }
    }

    fn send_as_it_stands(&mut self, text: &str) -> String {
        self.asked += 1;
        let mut message: Value = serde_json::from_str(text).unwrap();
        message["jsonrpc"] = "2.0".into();
        message["id"] = self.asked.into();
        self.write(&message);
        let answer = self.answer_to(self.asked);
        let error = &answer["error"];
        match error.is_null() {
            true => answer["result"].to_string(),
            false => format!(
                "error {}: {}",
                error["code"],
                error["message"].as_str().unwrap()
            ),
        }
    }

    /// What the findings are, once those of this version of a text have come. They come for all files one after the
    /// other: a question that is answered behind them shows that none is missing.
    fn told(&mut self, path: &str, version: Value) -> String {
        while self.take() != Some((path.to_owned(), version.clone())) {}
        self.ask("textDocument/hover", json!({
            "textDocument": { "uri": self.uri("none.tf") }, "position": { "line": 0, "character": 0 },
        }));
        self.findings.sort_by(|a, b| a.0.cmp(&b.0));
        let mut text = String::new();
        for (path, found) in &self.findings {
            for one in found {
                let range = self.range(&one["range"]);
                let message = one["message"].as_str().unwrap().replace("\n\n", " | ");
                let code = one["code"].as_str().unwrap();
                writeln!(text, "{path} {range} {code}: {message}").unwrap();
                for also in one["relatedInformation"].as_array().into_iter().flatten() {
                    let file = self.path(also["location"]["uri"].as_str().unwrap());
                    let range = self.range(&also["location"]["range"]);
                    let message = also["message"].as_str().unwrap();
                    writeln!(text, "  {file} {range}: {message}").unwrap();
                }
            }
        }
        if text.is_empty() {
            text.push_str("no findings");
        }
        text
    }

    fn tell(&mut self, method: &str, params: Value) {
        self.write(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.asked += 1;
        let id = self.asked;
        self.write(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        self.answer_to(id)["result"].take()
    }

    fn write(&mut self, message: &Value) {
        let text = message.to_string();
        write!(self.to, "Content-Length: {}\r\n\r\n{text}", text.len()).unwrap();
        self.to.flush().unwrap();
    }

    /// Reads messages up to the answer; findings on the way are kept.
    fn answer_to(&mut self, id: u64) -> Value {
        loop {
            let message = self.read();
            if message["id"] == id {
                return message;
            }
            self.keep(&message);
        }
    }

    /// Reads a message; if it holds findings, those of which file, and of which version of it.
    fn take(&mut self) -> Option<(String, Value)> {
        let message = self.read();
        self.keep(&message)
    }

    fn keep(&mut self, message: &Value) -> Option<(String, Value)> {
        if message["method"] != "textDocument/publishDiagnostics" {
            return None;
        }
        let params = &message["params"];
        let path = self.path(params["uri"].as_str().unwrap());
        let found = params["diagnostics"].as_array().unwrap().clone();
        self.findings.retain(|(known, _)| *known != path);
        self.findings.push((path.clone(), found));
        Some((path, params["version"].clone()))
    }

    fn read(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            assert_ne!(
                self.from.read_line(&mut line).unwrap(),
                0,
                "the server is gone"
            );
            match line.trim_end().split_once(": ") {
                Some(("Content-Length", text)) => length = text.parse().unwrap(),
                Some(_) => {}
                None => break,
            }
        }
        let mut content = vec![0; length];
        self.from.read_exact(&mut content).unwrap();
        serde_json::from_slice(&content).unwrap()
    }

    fn end(mut self) {
        self.ask("shutdown", Value::Null);
        self.tell("exit", Value::Null);
        drop(self.to);
        assert!(self.server.wait().unwrap().success());
    }

    fn uri(&self, path: &str) -> String {
        format!("file://{}/{path}", self.root.display())
    }

    fn path(&self, uri: &str) -> String {
        let root = format!("file://{}/", self.root.display());
        uri.strip_prefix(&root).unwrap_or(uri).to_owned()
    }

    fn range(&self, range: &Value) -> String {
        let place = |place: &Value| {
            let number = |name: &str| place[name].as_u64().unwrap() + 1;
            format!("{}:{}", number("line"), number("character"))
        };
        format!("{}-{}", place(&range["start"]), place(&range["end"]))
    }
}

fn place(text: &str) -> Value {
    let (line, column) = text.split_once(':').unwrap();
    let number = |text: &str| text.parse::<u32>().unwrap() - 1;
    json!({ "line": number(line), "character": number(column) })
}

fn suggested(items: &[Value], wanted: &str) -> String {
    let mut labels: Vec<&str> = items
        .iter()
        .map(|item| item["label"].as_str().unwrap())
        .collect();
    labels.sort_unstable();
    if !wanted.is_empty() {
        labels.retain(|label| wanted.split(' ').any(|word| word == *label));
    }
    labels.join(" ")
}
