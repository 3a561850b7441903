//! The conversation: one message after the other, in one thread.
//!
//! Findings are sent when no message waits any more, so that a burst of keystrokes is analysed once. A request that
//! makes no sense is answered with an error; a notification that makes none is passed over, as the protocol asks.

use crate::answer::{self, View};
use crate::complete::complete;
use crate::document::{Documents, Encoding, offset, path_of, position, range, uri_of};
use crate::index::{File, Module};
use crate::{Surroundings, workspace};
use lsp_server::{Connection, ErrorCode, Message, Notification, Request, Response};
use lsp_types::notification::{
    DidChangeTextDocument, DidCloseTextDocument, DidOpenTextDocument, DidSaveTextDocument,
    Notification as _, PublishDiagnostics,
};
use lsp_types::request::{
    Completion, DocumentSymbolRequest, Formatting, GotoDefinition, HoverRequest, Request as _,
};
use lsp_types::{
    CompletionOptions, CompletionParams, CompletionResponse, DiagnosticRelatedInformation,
    DiagnosticSeverity, DidChangeTextDocumentParams, DidCloseTextDocumentParams,
    DidOpenTextDocumentParams, DocumentFormattingParams, DocumentSymbolParams,
    DocumentSymbolResponse, GotoDefinitionParams, GotoDefinitionResponse, HoverParams,
    HoverProviderCapability, InitializeParams, Location, NumberOrString, OneOf,
    PositionEncodingKind, PublishDiagnosticsParams, Range, ServerCapabilities, ServerInfo,
    TextDocumentPositionParams, TextDocumentSyncCapability, TextDocumentSyncKind, TextEdit, Uri,
};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use value::{Diagnostic, Severity, SourceId};

/// Why serving ended before the client said so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The client does not keep to the protocol, or hung up.
    #[error("the client broke off or does not keep to the protocol")]
    Protocol(#[source] lsp_server::ProtocolError),
    /// The client hung up while something was sent to it.
    #[error("the client is gone")]
    Gone,
    /// Standard input or output failed.
    #[error("standard input or output failed")]
    Stream(#[source] std::io::Error),
}

/// Serves one client until it says `exit`.
///
/// # Errors
/// When the client breaks the protocol or goes away.
pub fn serve(connection: &Connection, surroundings: &Surroundings<'_>) -> Result<(), ServerError> {
    let (id, params) = connection
        .initialize_start()
        .map_err(ServerError::Protocol)?;
    let params: InitializeParams = serde_json::from_value(params).unwrap_or_default();
    let encoding = agreed(&params);
    let answer = serde_json::json!({
        "capabilities": capabilities(encoding),
        "serverInfo": ServerInfo { name: "steadfast".into(), version: None },
    });
    connection
        .initialize_finish(id, answer)
        .map_err(ServerError::Protocol)?;
    let mut server = Server {
        connection,
        surroundings,
        encoding,
        documents: Documents::default(),
        told: BTreeMap::new(),
        stale: false,
    };
    server.run()
}

/// The encoding of columns: UTF-8 where the client offers it, else what every client has.
fn agreed(params: &InitializeParams) -> Encoding {
    let general = params.capabilities.general.as_ref();
    let offered = general.and_then(|general| general.position_encodings.as_ref());
    match offered.is_some_and(|all| all.contains(&PositionEncodingKind::UTF8)) {
        true => Encoding::Utf8,
        false => Encoding::Utf16,
    }
}

fn capabilities(encoding: Encoding) -> ServerCapabilities {
    ServerCapabilities {
        position_encoding: Some(match encoding {
            Encoding::Utf8 => PositionEncodingKind::UTF8,
            Encoding::Utf16 => PositionEncodingKind::UTF16,
        }),
        text_document_sync: Some(TextDocumentSyncCapability::Kind(
            TextDocumentSyncKind::INCREMENTAL,
        )),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        definition_provider: Some(OneOf::Left(true)),
        completion_provider: Some(CompletionOptions {
            trigger_characters: Some(vec![".".into(), "\"".into()]),
            ..CompletionOptions::default()
        }),
        document_symbol_provider: Some(OneOf::Left(true)),
        document_formatting_provider: Some(OneOf::Left(true)),
        ..ServerCapabilities::default()
    }
}

/// Findings of a file, and the version of the open text that they are about.
#[derive(Clone, Default, PartialEq)]
struct Told {
    version: Option<i32>,
    findings: Vec<lsp_types::Diagnostic>,
}

struct Server<'a> {
    connection: &'a Connection,
    surroundings: &'a Surroundings<'a>,
    encoding: Encoding,
    documents: Documents,
    /// What the client was told of each file.
    told: BTreeMap<PathBuf, Told>,
    /// Texts changed since findings were sent.
    stale: bool,
}

impl Server<'_> {
    fn run(&mut self) -> Result<(), ServerError> {
        // Ends when the client hangs up or says so.
        while let Ok(message) = self.connection.receiver.recv() {
            match message {
                Message::Request(request) => {
                    if self
                        .connection
                        .handle_shutdown(&request)
                        .map_err(ServerError::Protocol)?
                    {
                        return Ok(());
                    }
                    let response = self.answer(request);
                    self.send(Message::Response(response))?;
                }
                Message::Notification(notification) => self.notified(notification),
                // Nothing is ever asked of the client.
                Message::Response(_) => {}
            }
            if self.stale && self.connection.receiver.is_empty() {
                self.stale = false;
                self.publish()?;
            }
        }
        Ok(())
    }

    fn send(&self, message: Message) -> Result<(), ServerError> {
        let sent = self.connection.sender.send(message);
        sent.map_err(|_| ServerError::Gone)
    }

    fn answer(&self, request: Request) -> Response {
        let Request { id, method, params } = request;
        let result = match method.as_str() {
            HoverRequest::METHOD => read(params, |params: HoverParams| {
                self.look(&params.text_document_position_params, |view, file, byte| {
                    json(view.hover(file, byte))
                })
            }),
            GotoDefinition::METHOD => read(params, |params: GotoDefinitionParams| {
                self.look(&params.text_document_position_params, |view, file, byte| {
                    let found = view.declaration(file, byte);
                    json(found.map(GotoDefinitionResponse::Scalar))
                })
            }),
            Completion::METHOD => read(params, |params: CompletionParams| {
                self.look(&params.text_document_position, |view, file, byte| {
                    let before = file.text.get(..byte as usize).unwrap_or("");
                    json(CompletionResponse::Array(complete(view, before)))
                })
            }),
            DocumentSymbolRequest::METHOD => read(params, |params: DocumentSymbolParams| {
                let file = self.file(&params.text_document.uri);
                json(file.map(|file| {
                    DocumentSymbolResponse::Nested(answer::symbols(&file, self.encoding))
                }))
            }),
            Formatting::METHOD => read(params, |params: DocumentFormattingParams| {
                json(self.format(&params.text_document.uri))
            }),
            other => {
                let what = format!("{other} is not offered");
                return Response::new_err(id, ErrorCode::MethodNotFound as i32, what);
            }
        };
        match result {
            Ok(result) => Response::new_ok(id, result),
            Err(what) => Response::new_err(id, ErrorCode::InvalidParams as i32, what),
        }
    }

    fn notified(&mut self, notification: Notification) {
        let Notification { method, params } = notification;
        match method.as_str() {
            DidOpenTextDocument::METHOD => {
                if let Ok(params) = serde_json::from_value::<DidOpenTextDocumentParams>(params)
                    && let Some(path) = path_of(&params.text_document.uri)
                {
                    let opened = params.text_document;
                    self.documents.put(path, opened.text, opened.version);
                    self.stale = true;
                }
            }
            DidChangeTextDocument::METHOD => {
                if let Ok(params) = serde_json::from_value::<DidChangeTextDocumentParams>(params) {
                    self.changed(params);
                }
            }
            DidCloseTextDocument::METHOD => {
                if let Ok(params) = serde_json::from_value::<DidCloseTextDocumentParams>(params)
                    && let Some(path) = path_of(&params.text_document.uri)
                {
                    self.documents.remove(&path);
                    self.stale = true;
                }
            }
            DidSaveTextDocument::METHOD => self.stale = true,
            _ => {}
        }
    }

    fn changed(&mut self, params: DidChangeTextDocumentParams) {
        let Some(path) = path_of(&params.text_document.uri) else {
            return;
        };
        let Some(document) = self.documents.get(&path) else {
            return;
        };
        let mut text = document.text.clone();
        for change in params.content_changes {
            match change.range {
                None => text = change.text,
                Some(Range { start, end }) => {
                    let start = offset(&text, start, self.encoding);
                    let end = offset(&text, end, self.encoding).max(start);
                    text.replace_range(start..end, &change.text);
                }
            }
        }
        self.documents.put(path, text, params.text_document.version);
        self.stale = true;
    }

    /// The text of an address, as the editor has it.
    fn file(&self, uri: &Uri) -> Option<File> {
        let path = path_of(uri)?;
        let text = self.documents.get(&path)?.text.clone();
        let (body, _) = definition::parse_body(&text, SourceId(0));
        Some(File { path, text, body })
    }

    fn look(
        &self,
        place: &TextDocumentPositionParams,
        look: impl FnOnce(&View<'_>, &File, u32) -> Json,
    ) -> Json {
        let Some(file) = self.file(&place.text_document.uri) else {
            return Json::Null;
        };
        let Some(directory) = file.path.parent().map(Path::to_path_buf) else {
            return Json::Null;
        };
        let other = |directory: PathBuf| -> Module {
            workspace::module(&directory, &self.documents, self.surroundings)
        };
        let module = other(directory.clone());
        let view = View {
            module: &module,
            directory,
            schemas: self.surroundings.schemas,
            encoding: self.encoding,
            other: &other,
        };
        let byte = offset(&file.text, place.position, self.encoding);
        look(&view, &file, byte as u32)
    }

    /// The whole text anew, in the canonical form; none when it cannot be parsed.
    fn format(&self, uri: &Uri) -> Option<Vec<TextEdit>> {
        let file = self.file(uri)?;
        let formatted = definition::format(&file.text, SourceId(0)).ok()?;
        if formatted == file.text {
            return Some(Vec::new());
        }
        let end = position(&file.text, file.text.len(), self.encoding);
        Some(vec![TextEdit {
            range: Range {
                start: lsp_types::Position::new(0, 0),
                end,
            },
            new_text: formatted,
        }])
    }

    /// Checks every module that has an open text, and tells the client what changed; of an open text each version,
    /// found anew or not, so that the client knows up to which one it was checked.
    fn publish(&mut self) -> Result<(), ServerError> {
        let mut now: BTreeMap<PathBuf, Told> = BTreeMap::new();
        for directory in self.directories() {
            let findings = workspace::findings(&directory, &self.documents, self.surroundings);
            for (path, (text, found)) in &findings.files {
                let shown = found
                    .iter()
                    .filter_map(|one| self.shown(one, text, &findings));
                let told = now.entry(path.clone()).or_default();
                told.version = self.documents.get(path).map(|document| document.version);
                for one in shown {
                    if !told.findings.contains(&one) {
                        told.findings.push(one);
                    }
                }
            }
        }
        let before = std::mem::take(&mut self.told);
        let paths: BTreeSet<&PathBuf> = before.keys().chain(now.keys()).collect();
        for path in paths {
            let told = now.get(path).cloned().unwrap_or_default();
            if told == before.get(path).cloned().unwrap_or_default() {
                continue;
            }
            let Some(uri) = uri_of(path) else { continue };
            let params = PublishDiagnosticsParams {
                uri,
                diagnostics: told.findings,
                version: told.version,
            };
            let notification = Notification::new(PublishDiagnostics::METHOD.to_owned(), params);
            self.send(Message::Notification(notification))?;
        }
        self.told = now;
        Ok(())
    }

    /// The directories of open texts.
    fn directories(&self) -> BTreeSet<PathBuf> {
        let parents = self.documents.paths().filter_map(|path| path.parent());
        parents.map(Path::to_path_buf).collect()
    }

    fn shown(
        &self,
        found: &Diagnostic,
        text: &str,
        findings: &workspace::Findings,
    ) -> Option<lsp_types::Diagnostic> {
        let span = found.span?;
        let mut message = format!("{}\n\n{}", found.summary, found.detail);
        let mut related = Vec::new();
        for hint in &found.hints {
            match hint.span.and_then(|at| Some((at, findings.file(at)?))) {
                Some((at, (path, text))) => related.push(DiagnosticRelatedInformation {
                    location: Location {
                        uri: uri_of(path)?,
                        range: range(text, at.start, at.end, self.encoding),
                    },
                    message: hint.text.clone(),
                }),
                None => message.push_str(&format!("\n\n{}", hint.text)),
            }
        }
        Some(lsp_types::Diagnostic {
            range: range(text, span.start, span.end, self.encoding),
            severity: Some(match found.severity {
                Severity::Error => DiagnosticSeverity::ERROR,
                Severity::Warning => DiagnosticSeverity::WARNING,
            }),
            code: Some(NumberOrString::String(found.code.to_string())),
            source: Some("steadfast".to_owned()),
            message,
            related_information: (!related.is_empty()).then_some(related),
            ..lsp_types::Diagnostic::default()
        })
    }
}

/// Reads the parameters of a request and answers it.
fn read<P: serde::de::DeserializeOwned>(
    params: Json,
    answer: impl FnOnce(P) -> Json,
) -> Result<Json, String> {
    serde_json::from_value(params)
        .map(answer)
        .map_err(|error| error.to_string())
}

fn json(answer: impl serde::Serialize) -> Json {
    serde_json::to_value(answer).unwrap_or_default()
}
