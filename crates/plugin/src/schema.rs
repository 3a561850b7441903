//! What a provider offers, read when it is needed: the answer of a large provider has more than a thousand schemas, and
//! a configuration uses few of them.

use crate::method::Major;
use crate::types;
use crate::wire;
use model::{Attribute, BlockSchema, NestedAttributes, NestedBlock, Nesting, TypeSchema};
use prost::Message as _;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use value::{Name, ObjectType, Type};

/// Why a schema cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SchemaError {
    #[error("it is no message of the protocol")]
    Message(#[from] prost::DecodeError),
    #[error("one of its types is none")]
    Type(#[from] types::NotAType),
    #[error("`{name}` has a nesting of the number {number}, which does not exist")]
    Nesting { name: String, number: i32 },
}

/// The schemas of a provider, in the form in which they came.
#[derive(Clone, Debug)]
pub(crate) struct Offered {
    pub answer: Arc<wire::ProviderSchemas>,
    pub major: Major,
}

impl Offered {
    /// The provider's own configuration; nothing where it says nothing.
    pub(crate) fn provider(&self) -> Result<BlockSchema, SchemaError> {
        self.block(self.answer.provider.as_ref())
    }

    /// What modules may tell the provider of themselves, where it asks for that.
    pub(crate) fn meta(&self) -> Result<Option<BlockSchema>, SchemaError> {
        let meta = self.answer.provider_meta.as_ref();
        // Some providers answer with an empty schema where they mean none.
        let meta = meta.filter(|schema| schema.block.is_some());
        meta.map(|schema| self.block(Some(schema))).transpose()
    }

    pub(crate) fn capabilities(&self) -> wire::ServerCapabilities {
        self.answer.server_capabilities.unwrap_or_default()
    }

    /// The types of these names, or all there are.
    pub(crate) fn types(
        &self,
        all: &HashMap<String, Vec<u8>>,
        wanted: Option<&std::collections::BTreeSet<Name>>,
    ) -> Result<BTreeMap<Name, TypeSchema>, SchemaError> {
        let mut found = BTreeMap::new();
        let mut read = |name: &str, bytes: &[u8]| {
            let schema = self.of_type(bytes)?;
            found.insert(Name::from(name), schema);
            Ok::<_, SchemaError>(())
        };
        match wanted {
            None => {
                for (name, bytes) in all {
                    read(name, bytes)?;
                }
            }
            Some(wanted) => {
                for name in wanted {
                    if let Some(bytes) = all.get(&**name) {
                        read(name, bytes)?;
                    }
                }
            }
        }
        Ok(found)
    }

    fn of_type(&self, bytes: &[u8]) -> Result<TypeSchema, SchemaError> {
        let schema = wire::Schema::decode(bytes)?;
        Ok(TypeSchema {
            version: u64::try_from(schema.version).unwrap_or(0),
            block: self.block(Some(&schema))?,
        })
    }

    fn block(&self, schema: Option<&wire::Schema>) -> Result<BlockSchema, SchemaError> {
        match schema.and_then(|schema| schema.block.as_ref()) {
            Some(written) => block(written, self.major),
            None => Ok(BlockSchema::default()),
        }
    }
}

fn block(written: &wire::Block, major: Major) -> Result<BlockSchema, SchemaError> {
    let mut read = BlockSchema::default();
    for bytes in &written.attributes {
        let (name, attribute) = match major {
            Major::Five => attribute(five(wire::AttributeV5::decode(bytes.as_slice())?))?,
            Major::Six => attribute(wire::AttributeV6::decode(bytes.as_slice())?)?,
        };
        read.attributes.insert(name, attribute);
    }
    for nested in &written.block_types {
        let name = &nested.type_name;
        let inner = match &nested.block {
            Some(inner) => block(inner, major)?,
            None => BlockSchema::default(),
        };
        let count = |n: i64| u64::try_from(n).unwrap_or(0);
        let nested = NestedBlock {
            nesting: nesting(name, nested.nesting)?,
            block: inner,
            min_items: count(nested.min_items),
            max_items: count(nested.max_items),
        };
        read.blocks.insert(Name::from(name.as_str()), nested);
    }
    Ok(read)
}

/// An attribute of protocol 5 in the form of protocol 6.
fn five(written: wire::AttributeV5) -> wire::AttributeV6 {
    wire::AttributeV6 {
        name: written.name,
        ty: written.ty,
        description: written.description,
        required: written.required,
        optional: written.optional,
        computed: written.computed,
        sensitive: written.sensitive,
        deprecated: written.deprecated,
        nested_type: None,
        write_only: written.write_only,
    }
}

fn attribute(written: wire::AttributeV6) -> Result<(Name, Attribute), SchemaError> {
    let name = Name::from(written.name.as_str());
    let nested = written.nested_type.map(|inner| nested(&name, inner));
    let (ty, nested) = match nested.transpose()? {
        Some((ty, nested)) => (ty, Some(nested)),
        None => (types::parse(&written.ty)?.without_optional(), None),
    };
    let attribute = Attribute {
        ty,
        required: written.required,
        optional: written.optional,
        computed: written.computed,
        sensitive: written.sensitive,
        write_only: written.write_only,
        description: written.description,
        nested,
    };
    Ok((name, attribute))
}

fn nested(
    name: &str,
    written: wire::NestedObject,
) -> Result<(Type, NestedAttributes), SchemaError> {
    let all = written.attributes.into_iter().map(attribute);
    let attributes: BTreeMap<Name, Attribute> = all.collect::<Result<_, _>>()?;
    let nesting = nesting(name, written.nesting)?;
    let of = attributes.iter();
    let optional = of.clone().filter(|(_, attribute)| !attribute.required);
    let inner = Type::Object(Arc::new(ObjectType {
        optional: optional.map(|(name, _)| name.clone()).collect(),
        attributes: of
            .map(|(name, one)| (name.clone(), one.ty.clone()))
            .collect(),
    }));
    let nested = NestedAttributes {
        nesting,
        attributes,
    };
    Ok((nesting.of(inner), nested))
}

fn nesting(name: &str, number: i32) -> Result<Nesting, SchemaError> {
    Ok(match number {
        1 => Nesting::Single,
        2 => Nesting::List,
        3 => Nesting::Set,
        4 => Nesting::Map,
        5 => Nesting::Group,
        _ => {
            return Err(SchemaError::Nesting {
                name: name.to_owned(),
                number,
            });
        }
    })
}
