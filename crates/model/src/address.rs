//! Where a resource stands in the configuration, in Terraform's notation.

use alloc::vec::Vec;
use core::fmt;
use serde::{Deserialize, Serialize};
use value::Name;

/// An instance key: of `count` or of `for_each`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Key {
    /// Neither `count` nor `for_each`.
    #[default]
    None,
    /// `[0]`.
    Index(u64),
    /// `["a"]`.
    Name(Name),
}

/// `module.NAME[KEY]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ModuleStep {
    /// The call.
    pub name: Name,
    /// Which instance of it.
    pub key: Key,
}

/// The module instance something stands in; empty for the root.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ModulePath(pub Vec<ModuleStep>);

/// Managed by Steadfast or only read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Mode {
    /// `resource`.
    Managed,
    /// `data`.
    Data,
    /// `ephemeral`: opened when needed, closed at the end, never written down.
    Ephemeral,
}

/// A resource block in a module instance: all its instances.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ResourceAddress {
    /// The module instance.
    pub module: ModulePath,
    /// Managed or data.
    pub mode: Mode,
    /// Resource type.
    pub kind: Name,
    /// Resource name.
    pub name: Name,
}

/// One resource instance.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Address {
    /// The block.
    pub resource: ResourceAddress,
    /// The instance.
    pub key: Key,
}

impl ModulePath {
    /// The path of a call inside this module.
    #[must_use]
    pub fn child(&self, name: Name, key: Key) -> Self {
        let mut steps = self.0.clone();
        steps.push(ModuleStep { name, key });
        Self(steps)
    }

    /// The path as it is written: the calls, whichever instances of them.
    #[must_use]
    pub fn without_keys(&self) -> Self {
        let calls = self.0.iter().map(|step| ModuleStep {
            name: step.name.clone(),
            key: Key::None,
        });
        Self(calls.collect())
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::Index(index) => write!(f, "[{index}]"),
            Self::Name(name) => {
                f.write_str("[\"")?;
                for character in name.chars() {
                    match character {
                        '"' => f.write_str("\\\"")?,
                        '\\' => f.write_str("\\\\")?,
                        '\n' => f.write_str("\\n")?,
                        '\r' => f.write_str("\\r")?,
                        '\t' => f.write_str("\\t")?,
                        other => fmt::Write::write_char(f, other)?,
                    }
                }
                f.write_str("\"]")
            }
        }
    }
}

impl fmt::Display for ModulePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str(".")?;
            }
            write!(f, "module.{}{}", step.name, step.key)?;
        }
        Ok(())
    }
}

impl fmt::Display for ResourceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.module.0.is_empty() {
            write!(f, "{}.", self.module)?;
        }
        match self.mode {
            Mode::Managed => {}
            Mode::Data => f.write_str("data.")?,
            Mode::Ephemeral => f.write_str("ephemeral.")?,
        }
        write!(f, "{}.{}", self.kind, self.name)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.resource, self.key)
    }
}
