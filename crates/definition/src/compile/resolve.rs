//! What module calls lead to: directories beside the caller, and packages that were installed before.
//!
//! A source may refer to variables and local values, as long as they are known before anything is computed; that is
//! found out in `known`. What is not installed is noted, not fetched: whoever fetches asks [`super::reach`] for it.

use super::body;
use super::files::{Installed, is_inside, join};
use super::known::{Known, Origin, Place};
use super::load::{CallBlock, Loader};
use crate::diag::{blocks, modules as diag};
use crate::limits::{MODULE_CALLS_MAX, MODULE_DEPTH_MAX};
use crate::source::ModuleSource;
use crate::version::{Constraints, Version};
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use value::{Span, Type};

/// What a call asks for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wanted {
    /// What the source and the version are written as, or come to.
    pub(crate) written: (String, String),
    pub(crate) source: ModuleSource,
    pub(crate) constraints: Constraints,
    pub(crate) source_span: Span,
}

/// What became of a call.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Resolved {
    /// Unless what is written could not be read, which has been reported.
    pub(crate) wanted: Option<Wanted>,
    /// The definition it leads to, if that could be read.
    pub(crate) target: Option<usize>,
    /// Its directory, when it is there.
    pub(crate) directory: Option<String>,
    /// The version that is installed.
    pub(crate) version: Option<String>,
    /// Whether the same is called from wherever the caller is called.
    pub(crate) is_fixed: bool,
}

impl Loader<'_> {
    /// Finds and reads the modules that the definition at a place calls.
    pub(super) fn resolve_calls(&mut self, place: &Place<'_>) -> Vec<Resolved> {
        let calls = place.definition.calls.values();
        calls.map(|call| self.resolve_call(place, call)).collect()
    }

    fn resolve_call(&mut self, place: &Place<'_>, call: &CallBlock) -> Resolved {
        let mut resolved = Resolved {
            is_fixed: true,
            ..Resolved::default()
        };
        self.n_calls += 1;
        let Some(wanted) = self.wanted(place, call, &mut resolved.is_fixed) else {
            return resolved;
        };
        let span = wanted.source_span;
        let key = place.key_of(call);
        let found = match &wanted.source {
            ModuleSource::Local(path) => self.local(place, path, span),
            _ => {
                resolved.is_fixed = false;
                self.installed(&key, &wanted)
            }
        };
        resolved.wanted = Some(wanted);
        let Some(found) = found else { return resolved };
        if !self.may_enter(&found.directory, span) {
            return resolved;
        }
        let origin = Origin {
            place,
            call,
            package: found.package.as_deref(),
        };
        resolved.target = self.load(&found.directory, Some(origin));
        match (resolved.target, &resolved.wanted) {
            (Some(target), _) => resolved.is_fixed &= self.is_fixed(target),
            (None, Some(wanted)) if found.is_installed => {
                // Somebody has removed it since.
                self.missing.push(diag::not_installed(span, &wanted.source));
                return resolved;
            }
            (None, _) => self
                .diagnostics
                .push(blocks::module_not_found(span, &found.directory)),
        }
        resolved.directory = Some(found.directory);
        resolved.version = found.version;
        resolved
    }

    /// What the call's arguments ask for; none when that has been reported.
    fn wanted(
        &mut self,
        place: &Place<'_>,
        call: &CallBlock,
        is_fixed: &mut bool,
    ) -> Option<Wanted> {
        let block = &call.block;
        let whose = if call.stack {
            "A stack block"
        } else {
            "A module block"
        };
        let found = &mut self.diagnostics;
        let attribute = body::required(&block.body, "source", whose, found)?;
        let source_span = attribute.value.span;
        let mut text = |name: &str| {
            let attribute = block.body.attribute(name)?;
            let what = alloc::format!("\"{name}\" of a module");
            let mut known = Known::new(self.files, self.given, &what);
            let value = known.value(place, &attribute.value, &Type::String);
            *is_fixed &= known.is_constant();
            match value {
                Ok(value) => Some((attribute.value.span, value.as_str()?.to_string())),
                Err(why) => {
                    self.diagnostics.extend(why);
                    None
                }
            }
        };
        let (_, source) = text("source")?;
        let version = match block.body.attribute("version") {
            Some(_) => Some(text("version")?),
            None => None,
        };
        let constraints = version.as_ref().map(|(_, text)| text.clone());
        let written = (source.clone(), constraints.unwrap_or_default());
        let source = match ModuleSource::parse(&source) {
            Ok(source) => source,
            Err(why) => {
                self.diagnostics
                    .push(diag::invalid_source(source_span, &why));
                return None;
            }
        };
        let constraints = match (&source, version) {
            (_, None) => Constraints::default(),
            (ModuleSource::Registry(_), Some((span, text))) => match Constraints::parse(&text) {
                Ok(constraints) => constraints,
                Err(why) => {
                    self.diagnostics.push(diag::invalid_version(span, &why));
                    return None;
                }
            },
            (_, Some((span, _))) => {
                self.diagnostics
                    .push(diag::version_of_no_registry(span, &source));
                return None;
            }
        };
        Some(Wanted {
            written,
            source,
            constraints,
            source_span,
        })
    }

    fn local(&mut self, place: &Place<'_>, path: &str, span: Span) -> Option<Found> {
        let directory = join(&place.definition.directory, path);
        let package = place.from.and_then(|from| from.package);
        if let Some(package) = package {
            let inside = directory.strip_prefix(package);
            if !inside.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
                self.diagnostics.push(diag::outside_of_package(span, path));
                return None;
            }
        } else if !is_inside(&directory) && !self.files.may_leave_root() {
            self.diagnostics.push(blocks::module_outside(span, path));
            return None;
        }
        Some(Found {
            directory,
            package: package.map(str::to_string),
            version: None,
            is_installed: false,
        })
    }

    fn installed(&mut self, key: &str, wanted: &Wanted) -> Option<Found> {
        let span = wanted.source_span;
        let Some(installed) = self.files.installed(key) else {
            self.missing.push(diag::not_installed(span, &wanted.source));
            return None;
        };
        if let Err(why) = fits(&installed, wanted) {
            self.missing
                .push(diag::installed_differs(span, &wanted.source, &why));
            return None;
        }
        let directory = join(".", &installed.directory);
        // A package is the directory of the installation without the part that the address adds to it; a pattern in
        // that part stands for one name each.
        let n_inside = wanted
            .source
            .subdirectory()
            .split('/')
            .filter(|part| !part.is_empty())
            .count();
        let package = directory
            .rsplitn(n_inside + 1, '/')
            .last()
            .unwrap_or(&directory)
            .to_string();
        Some(Found {
            directory,
            package: Some(package),
            version: installed.version,
            is_installed: true,
        })
    }

    /// Whether a directory may be entered from here: not from within itself, and not too deep.
    fn may_enter(&mut self, directory: &str, span: Span) -> bool {
        if let Some(begin) = self.chain.iter().position(|open| open == directory) {
            let chain = self
                .chain
                .iter()
                .skip(begin)
                .map(String::as_str)
                .chain(Some(directory));
            let chain: Vec<&str> = chain.collect();
            self.diagnostics
                .push(blocks::module_recursion(span, &chain.join(" -> ")));
            return false;
        }
        if self.chain.len() >= MODULE_DEPTH_MAX {
            self.diagnostics.push(blocks::module_depth(span));
            return false;
        }
        if self.n_calls > MODULE_CALLS_MAX {
            self.diagnostics.push(blocks::too_many_modules(span));
            return false;
        }
        true
    }
}

/// A module on the disk.
struct Found {
    directory: String,
    /// The package it belongs to, which its own local paths may not leave.
    package: Option<String>,
    version: Option<String>,
    /// Whether it was fetched, rather than written beside its caller.
    is_installed: bool,
}

/// Whether what was installed is what is wanted now; if not, why, as the end of a sentence.
fn fits(installed: &Installed, wanted: &Wanted) -> Result<(), String> {
    let source = wanted.source.to_string();
    if installed.source != source {
        return Err(alloc::format!(
            "what is installed comes from {}",
            installed.source
        ));
    }
    if wanted.constraints.is_any() {
        return Ok(());
    }
    let version = installed.version.as_deref().unwrap_or_default();
    match Version::parse(version) {
        Ok(parsed) if wanted.constraints.allow(&parsed) => Ok(()),
        _ => Err(alloc::format!(
            "version {version} is installed, and \"{}\" is asked for",
            wanted.constraints
        )),
    }
}
