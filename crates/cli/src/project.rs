//! A project: its directory, its definition, and where Steadfast keeps its own things.

use crate::args::Variables;
use crate::error::CommandError;
use crate::files::DiskFiles;
use crate::render::diagnostics::Sources;
use definition::{Compiled, Configuration, Files as _, Given};
use model::{Digest, Module, PlanMode, ProviderSchema, Release, RunOptions};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The workspace that is always there.
pub(crate) const DEFAULT_ENVIRONMENT: &str = "default";

/// Where Terraform keeps its own things, seen from the root module.
pub(crate) fn data_directory() -> String {
    let named = std::env::var("TF_DATA_DIR").unwrap_or_default();
    if named.is_empty() {
        ".terraform".to_owned()
    } else {
        named
    }
}

/// The variables of the environment that are texts.
pub(crate) fn variables() -> BTreeMap<String, String> {
    let variables = std::env::vars_os();
    variables
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// A directory with a definition.
#[derive(Clone, Debug)]
pub(crate) struct Project {
    /// The directory.
    pub root: PathBuf,
}

/// A definition with everything that belongs to it.
pub(crate) struct Definition {
    /// Compiled.
    pub release: Release,
    /// Its texts.
    pub sources: Sources,
    /// Everything it names by digest, itself first.
    pub content: Vec<Vec<u8>>,
    /// Its digest.
    pub digest: Digest,
}

impl Definition {
    /// Seals the values given for sensitive variables, as the release is written in the book. Those of ephemeral ones
    /// are not written at all: whoever compiled has lent them ([`crate::session::Session::lend`]).
    pub(crate) fn seal(&mut self, secrets: &engine::Secrets) {
        let _ = secrets.seal_inputs(&mut self.release);
        self.name_again();
    }

    /// How a run in a workspace is carried out, as far as the workspace says it.
    pub(crate) fn options_in(&self, workspace: &str) -> RunOptions {
        options_in(&self.release, workspace)
    }

    /// The files that it carries, by path.
    pub(crate) fn files(&self) -> BTreeMap<String, Arc<[u8]>> {
        let by_digest: BTreeMap<Digest, &Vec<u8>> = self
            .content
            .iter()
            .map(|bytes| (Digest::of(bytes), bytes))
            .collect();
        let files = self.release.files.iter().filter_map(|(path, digest)| {
            Some((path.clone(), Arc::from(by_digest.get(digest)?.as_slice())))
        });
        files.collect()
    }

    /// Gives the release the name that its content has now.
    pub(crate) fn name_again(&mut self) {
        let bytes = model::encode(&self.release);
        self.digest = Digest::of(&bytes);
        if let Some(first) = self.content.first_mut() {
            *first = bytes;
        }
    }
}

/// How a run of a release in a workspace is carried out, as far as the workspace says it: where the release declares
/// an environment of that name, the workspace is that environment.
pub(crate) fn options_in(release: &Release, workspace: &str) -> RunOptions {
    let name = |is: bool| if is { workspace } else { "" }.to_owned();
    RunOptions {
        environment: name(release.environments.contains_key(workspace)),
        workspace: name(workspace != DEFAULT_ENVIRONMENT),
        ..RunOptions::default()
    }
}

/// What is wrong with a definition, and what providers may look at beyond that.
pub(crate) struct Validated {
    pub found: value::Diagnostics,
    pub sources: Sources,
    pub configurations: Vec<Configuration>,
    /// Empty where something is wrong.
    pub release: Release,
}

impl Project {
    pub(crate) fn new(directory: Option<&Path>) -> Result<Self, CommandError> {
        let directory = directory.map_or_else(|| PathBuf::from("."), Path::to_path_buf);
        let root = std::fs::canonicalize(&directory).map_err(|error| {
            CommandError::Usage(format!(
                "cannot enter the directory {}: {error}",
                directory.display()
            ))
        })?;
        Ok(Self { root })
    }

    /// Where everything of ours is.
    pub(crate) fn state(&self) -> PathBuf {
        self.root.join(".steadfast")
    }

    /// The book's directory.
    pub(crate) fn book(&self) -> PathBuf {
        self.state().join("book")
    }

    /// The file with the key that opens what is sealed in the book.
    pub(crate) fn key(&self) -> PathBuf {
        self.state().join("key")
    }

    /// What belongs to one environment.
    pub(crate) fn environment(&self, name: &str) -> PathBuf {
        self.state().join("env").join(name)
    }

    /// Names of the environments that are declared, as far as that can be read.
    pub(crate) fn environments(&self) -> Vec<value::Name> {
        definition::environments(&DiskFiles::new(self.root.clone()))
    }

    /// The backend that is written for Terraform, as far as it can be read.
    pub(crate) fn backend(&self) -> Result<definition::ReadBackend, CommandError> {
        let files = DiskFiles::new(self.root.clone());
        let names = files.list(".").unwrap_or_default().into_iter();
        let mut texts = names
            .filter(|name| name.ends_with(".tf") || name.ends_with(".tf.json"))
            .filter_map(|name| files.read(&name));
        // Most projects have none, and need not be read for that.
        let words = ["backend", "cloud"];
        let is_in = |text: &[u8], word: &str| {
            let mut parts = text.windows(word.len());
            parts.any(|part| part == word.as_bytes())
        };
        if !texts.any(|text| words.iter().any(|word| is_in(&text, word))) {
            return Ok(definition::ReadBackend::default());
        }
        let given = self.given(&Variables::default())?;
        Ok(definition::backend(&files, &given))
    }

    /// Compiles what is written for a plan of this mode, with values from everywhere they may come from.
    pub(crate) fn compile(
        &self,
        variables: &Variables,
        schemas: &[ProviderSchema],
        mode: PlanMode,
    ) -> Result<(Definition, value::Diagnostics), CommandError> {
        let given = self.given(variables)?;
        let files = DiskFiles::new(self.root.clone());
        Self::whole(match mode {
            PlanMode::Destroy => definition::compile_to_destroy(&files, &given, schemas),
            PlanMode::Normal | PlanMode::RefreshOnly => {
                definition::compile(&files, &given, schemas)
            }
        })
    }

    /// The same for somebody who only looks: variables may be without a value, and nothing need be written yet.
    pub(crate) fn compile_loosely(
        &self,
        variables: &Variables,
        schemas: &[ProviderSchema],
    ) -> Result<(Definition, value::Diagnostics), CommandError> {
        if self.is_unwritten() {
            return Self::whole(Compiled {
                release: Some(Release {
                    modules: vec![Module::default()],
                    ..Release::default()
                }),
                ..Compiled::default()
            });
        }
        let given = self.given(variables)?;
        let files = DiskFiles::new(self.root.clone());
        Self::whole(definition::validate(&files, &given, schemas))
    }

    /// Whether the directory has no file of a definition.
    fn is_unwritten(&self) -> bool {
        let names = DiskFiles::new(self.root.clone()).list(".");
        let is_definition = |name: &String| {
            let endings = [".tf", ".tf.json"];
            name == definition::DELIVERY_FILE || endings.iter().any(|ending| name.ends_with(ending))
        };
        !names.unwrap_or_default().iter().any(is_definition)
    }

    /// A definition with all that it names, unless there are errors.
    fn whole(compiled: Compiled) -> Result<(Definition, value::Diagnostics), CommandError> {
        let Compiled {
            release,
            sources,
            files,
            diagnostics,
            ..
        } = compiled;
        let texts: Vec<(String, Vec<u8>)> = sources
            .into_iter()
            .map(|source| (source.path, source.content))
            .collect();
        let Some(release) = release else {
            return Err(CommandError::definition(diagnostics, Sources::new(texts)));
        };
        let bytes = model::encode(&release);
        let digest = Digest::of(&bytes);
        let mut content = vec![bytes];
        content.extend(
            texts
                .iter()
                .take(release.sources.len())
                .map(|(_, text)| text.clone()),
        );
        content.extend(files.into_values());
        Ok((
            Definition {
                sources: Sources::new(texts).of_release(&release),
                release,
                content,
                digest,
            },
            diagnostics,
        ))
    }

    /// Everything that is wrong with what is written, and what providers may look at beyond that. Values of variables
    /// need not be known for that.
    pub(crate) fn validate(
        &self,
        variables: &Variables,
        schemas: &[ProviderSchema],
    ) -> Result<Validated, CommandError> {
        let given = self.given(variables)?;
        let files = DiskFiles::new(self.root.clone());
        let compiled = definition::validate(&files, &given, schemas);
        let texts = compiled.sources.into_iter();
        let texts = texts.map(|source| (source.path, source.content)).collect();
        Ok(Validated {
            found: compiled.diagnostics,
            sources: Sources::new(texts),
            configurations: compiled.configurations,
            release: compiled.release.unwrap_or_default(),
        })
    }

    /// Values of root variables, weakest first: environment, `terraform.tfvars`, `*.auto.tfvars` (each also with
    /// `.json` behind it), options in order.
    pub(crate) fn given(&self, variables: &Variables) -> Result<Vec<Given>, CommandError> {
        self.given_with(variables, None)
    }

    /// The same, with the variables files of a further directory, which win over those of the root module's.
    pub(crate) fn given_with(
        &self,
        variables: &Variables,
        further: Option<&str>,
    ) -> Result<Vec<Given>, CommandError> {
        let mut given = Vec::new();
        let mut from_environment: Vec<(String, String)> = std::env::vars_os()
            .filter_map(|(name, text)| {
                let name = name.to_str()?.strip_prefix("TF_VAR_")?.to_owned();
                Some((name, text.into_string().ok()?))
            })
            .collect();
        from_environment.sort();
        given.extend(
            from_environment
                .into_iter()
                .map(|(name, text)| Given::Environment { name, text }),
        );
        for directory in std::iter::once(".").chain(further) {
            for path in self.variables_files_in(Path::new(directory)) {
                given.push(self.variables_file(&path)?);
            }
        }
        for path in &variables.var_files {
            given.push(self.variables_file(path)?);
        }
        for text in &variables.vars {
            let Some((name, text)) = text.split_once('=') else {
                return Err(CommandError::Usage(format!(
                    "-var {text}: a variable is given as NAME=VALUE, as in -var region=eu"
                )));
            };
            given.push(Given::Option {
                name: name.trim().to_owned(),
                text: text.to_owned(),
            });
        }
        Ok(given)
    }

    /// The variables files of a directory that are always read, weakest first.
    fn variables_files_in(&self, directory: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.root.join(directory)).into_iter();
        let names = entries.flatten().flatten();
        let mut names: Vec<String> = names
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        names.sort();
        let is_auto =
            |name: &&String| name.ends_with(".auto.tfvars") || name.ends_with(".auto.tfvars.json");
        let first = names
            .iter()
            .filter(|name| matches!(name.as_str(), "terraform.tfvars" | "terraform.tfvars.json"));
        let all = first.chain(names.iter().filter(is_auto));
        all.map(|name| match directory.to_str() {
            Some(".") => PathBuf::from(name),
            _ => directory.join(name),
        })
        .collect()
    }

    fn variables_file(&self, path: &Path) -> Result<Given, CommandError> {
        let content = std::fs::read(self.root.join(path)).map_err(|error| {
            CommandError::Usage(format!(
                "cannot read the variables file {}: {error}; its path is relative to the directory of the project",
                path.display()
            ))
        })?;
        Ok(Given::File {
            path: path.display().to_string(),
            content,
        })
    }
}

/// Reads the address of an object in Terraform's notation, as far as it can be typed: modules and keys included.
pub(crate) fn address(text: &str) -> Option<model::Address> {
    let mut rest = text;
    let mut path = model::ModulePath::default();
    while let Some(after) = rest.strip_prefix("module.") {
        let (name, key, after) = name_and_key(after)?;
        path = path.child(name, key);
        rest = after.strip_prefix('.')?;
    }
    let (mode, after) = match rest.strip_prefix("data.") {
        Some(after) => (model::Mode::Data, after),
        None => (model::Mode::Managed, rest),
    };
    let (kind, after) = after.split_once('.')?;
    let (name, key, after) = name_and_key(after)?;
    if !after.is_empty() || !definition::is_identifier(kind) {
        return None;
    }
    let resource = model::ResourceAddress {
        module: path,
        mode,
        kind: kind.into(),
        name,
    };
    Some(model::Address { resource, key })
}

/// Reads what `-target` and its like name: an object, all objects of a block, or a module.
pub(crate) fn endpoint(text: &str) -> Option<model::Endpoint> {
    let mut rest = text;
    let mut module = model::ModulePath::default();
    while let Some(after) = rest.strip_prefix("module.") {
        let (name, key, after) = name_and_key(after)?;
        module = module.child(name, key);
        if after.is_empty() {
            return Some(model::Endpoint {
                module,
                resource: None,
            });
        }
        rest = after.strip_prefix('.')?;
    }
    let address = address(text)?;
    Some(model::Endpoint {
        module,
        resource: Some(model::EndpointResource {
            mode: address.resource.mode,
            kind: address.resource.kind,
            name: address.resource.name,
            key: address.key,
        }),
    })
}

/// Reads the path of a module instance, as in `module.a["k"].module.b`.
pub(crate) fn module_path(text: &str) -> Option<model::ModulePath> {
    let endpoint = endpoint(text)?;
    endpoint.resource.is_none().then_some(endpoint.module)
}

/// `name`, `name[0]` or `name["key"]`, and what follows.
fn name_and_key(text: &str) -> Option<(value::Name, model::Key, &str)> {
    let end = text.find(['.', '[']).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if !definition::is_identifier(name) {
        return None;
    }
    let Some(inside) = rest.strip_prefix('[') else {
        return Some((name.into(), model::Key::None, rest));
    };
    if let Some(quoted) = inside.strip_prefix('"') {
        let mut key = String::new();
        let mut characters = quoted.char_indices();
        loop {
            // Ends with the text.
            match characters.next()? {
                (_, '\\') => key.push(characters.next()?.1),
                (at, '"') => {
                    let after = quoted.get(at + 1..)?.strip_prefix(']')?;
                    return Some((name.into(), model::Key::Name(key.as_str().into()), after));
                }
                (_, other) => key.push(other),
            }
        }
    }
    let (number, after) = inside.split_once(']')?;
    Some((name.into(), model::Key::Index(number.parse().ok()?), after))
}

/// The texts of a stored release.
pub(crate) fn sources(reader: &journal::Reader, release: &Release) -> Sources {
    let texts = release.sources.iter().map(|source| {
        let digest = journal::Digest::from_bytes(source.digest.0);
        (
            source.path.clone(),
            reader.view().blob(&digest).unwrap_or_default(),
        )
    });
    Sources::new(texts.collect())
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn addresses_are_read_as_they_are_shown() {
        for text in [
            "host_file.motd",
            "host_file.motd[3]",
            "module.a.host_file.motd[\"x y\"]",
            "module.a[\"q\\\"\"].module.b[0].data.t.n",
        ] {
            assert_eq!(
                address(text).map(|found| found.to_string()).as_deref(),
                Some(text)
            );
        }
        for text in [
            "", "a", "a.", "a.b[", "a.b[x]", "module.a", "a.b.c", "a.b[\"x]",
        ] {
            assert_eq!(address(text), None, "{text}");
        }
    }
}
