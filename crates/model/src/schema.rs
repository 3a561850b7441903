//! What a provider says of its resource types, as the language needs it.

use crate::Mode;
use alloc::collections::BTreeMap;
use alloc::string::String;
use serde::{Deserialize, Serialize};
use value::functions::Declaration;
use value::{Name, Type};

/// Everything one provider offers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderSchema {
    /// Source address, such as `terraform.io/builtin/terraform`.
    pub source: String,
    /// Its own configuration.
    pub provider: BlockSchema,
    /// Managed resource types by name.
    pub resources: BTreeMap<Name, TypeSchema>,
    /// Data sources by name.
    pub data: BTreeMap<Name, TypeSchema>,
    /// Ephemeral resource types by name.
    #[serde(default)]
    pub ephemeral: BTreeMap<Name, TypeSchema>,
    /// Functions by name.
    #[serde(default)]
    pub functions: BTreeMap<Name, Declaration>,
}

impl ProviderSchema {
    /// Its types of one mode, by name.
    pub const fn types(&self, mode: Mode) -> &BTreeMap<Name, TypeSchema> {
        match mode {
            Mode::Managed => &self.resources,
            Mode::Data => &self.data,
            Mode::Ephemeral => &self.ephemeral,
        }
    }
}

/// One resource type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypeSchema {
    /// Version of the stored form.
    pub version: u64,
    /// Arguments and results.
    pub block: BlockSchema,
}

/// The body of a block.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockSchema {
    /// By name.
    pub attributes: BTreeMap<Name, Attribute>,
    /// Nested blocks by type name.
    pub blocks: BTreeMap<Name, NestedBlock>,
}

/// One attribute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    /// Its type.
    pub ty: Type,
    /// Must be set.
    pub required: bool,
    /// May be set.
    pub optional: bool,
    /// May be set by the provider.
    pub computed: bool,
    /// Never shown.
    pub sensitive: bool,
    /// Sent to the provider, never answered and never written down; may be ephemeral.
    #[serde(default)]
    pub write_only: bool,
    /// For help texts.
    pub description: String,
    /// The attributes inside, where the provider describes them one by one; the type is theirs, and says by its
    /// optional attributes what need not be written.
    #[serde(default)]
    pub nested: Option<NestedAttributes>,
}

/// Attributes inside of an attribute (plugin protocol 6, `Schema.Object`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NestedAttributes {
    /// How several of them become one value; never [`Nesting::Group`].
    pub nesting: Nesting,
    /// By name.
    pub attributes: BTreeMap<Name, Attribute>,
}

/// A kind of block inside a block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NestedBlock {
    /// How several of them become one value.
    pub nesting: Nesting,
    /// Their body.
    pub block: BlockSchema,
    /// At least so many.
    pub min_items: u64,
    /// At most so many, 0 for no limit.
    pub max_items: u64,
}

/// How nested blocks become a value (plugin protocol, `NestedBlock.NestingMode`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Nesting {
    /// At most one; an object or null.
    Single,
    /// Always one; an object.
    Group,
    /// In order.
    List,
    /// Without order.
    Set,
    /// By label.
    Map,
}

impl Nesting {
    /// The type of all of them, from the type of one.
    pub fn of(self, inner: Type) -> Type {
        match self {
            Self::Single | Self::Group => inner,
            Self::List => Type::list(inner),
            Self::Set => Type::set(inner),
            Self::Map => Type::map(inner),
        }
    }
}

impl Attribute {
    /// An argument that must be set.
    pub fn required(ty: Type, description: &str) -> Self {
        Self {
            ty,
            required: true,
            optional: false,
            computed: false,
            sensitive: false,
            write_only: false,
            description: description.into(),
            nested: None,
        }
    }
    /// An argument that may be set.
    pub fn optional(ty: Type, description: &str) -> Self {
        Self {
            required: false,
            optional: true,
            ..Self::required(ty, description)
        }
    }
    /// A result.
    pub fn computed(ty: Type, description: &str) -> Self {
        Self {
            required: false,
            computed: true,
            ..Self::required(ty, description)
        }
    }
    /// An argument that the provider fills in when it is not set.
    pub fn optional_computed(ty: Type, description: &str) -> Self {
        Self {
            computed: true,
            ..Self::optional(ty, description)
        }
    }
}

impl BlockSchema {
    /// The type of the object that such a block decodes to.
    pub fn implied_type(&self) -> Type {
        let attributes = self
            .attributes
            .iter()
            .map(|(name, attribute)| (name.clone(), attribute.ty.clone()));
        let blocks = self.blocks.iter().map(|(name, nested)| {
            let inner = nested.block.implied_type();
            (name.clone(), nested.nesting.of(inner))
        });
        Type::object(attributes.chain(blocks))
    }
}
