//! What a mock is told: its types, and how they behave.

use crate::json;
use crate::method::Major;
use crate::schema::{Offered, SchemaError};
use crate::wire;
use prost::Message as _;
use serde::Deserialize;
use serde_json::Value as Json;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use value::{Type, Value};

/// A provider, as data.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Script {
    /// Whether it is asked for plans to destroy.
    pub plan_destroy: bool,
    /// Whether its schema needs to be asked for only once.
    pub schema_optional: bool,
    /// Its own configuration.
    pub provider: TypeScript,
    /// What modules may say of themselves.
    pub meta: Option<TypeScript>,
    /// Managed resource types.
    pub resources: BTreeMap<String, TypeScript>,
    /// Data sources.
    pub data: BTreeMap<String, TypeScript>,
    /// Ephemeral resource types.
    pub ephemeral: BTreeMap<String, TypeScript>,
    /// Functions.
    pub functions: BTreeMap<String, FunctionScript>,
    /// What goes wrong; the first that fits strikes.
    pub faults: Vec<Fault>,
}

/// A type, or a block inside of one.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TypeScript {
    /// Version of the stored form.
    pub version: i64,
    /// What attributes were called in earlier versions: the old name with the new one.
    pub renamed: BTreeMap<String, String>,
    /// Whether it may break the rules of plans (`legacy_type_system`).
    pub legacy: bool,
    /// Of an ephemeral type: when it must be renewed after it was opened, after the first renewal and so on, in
    /// milliseconds since 1970. After the last it stays open.
    pub renew_at_ms: Vec<i64>,
    /// By name.
    pub attributes: BTreeMap<String, AttributeScript>,
    /// By name.
    pub blocks: BTreeMap<String, BlockScript>,
}

/// A block inside of a type.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BlockScript {
    /// `single`, `group`, `list`, `set` or `map`.
    pub nesting: String,
    /// At least so many.
    pub min: i64,
    /// At most so many; 0 for no limit.
    pub max: i64,
    /// What is inside.
    pub inside: TypeScript,
}

/// An attribute.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AttributeScript {
    /// As the protocol writes types; none where there are attributes inside.
    #[serde(rename = "type")]
    pub ty: Option<Json>,
    /// `single`, `list`, `set` or `map`, where there are attributes inside (protocol 6).
    pub nesting: Option<String>,
    /// The attributes inside.
    pub attributes: BTreeMap<String, AttributeScript>,
    /// Must be set.
    pub required: bool,
    /// May be set.
    pub optional: bool,
    /// The provider may set it.
    pub computed: bool,
    /// Not shown.
    pub sensitive: bool,
    /// Sent and never answered.
    pub write_only: bool,
    /// A change of it makes another object.
    pub replace: bool,
    /// What it is planned as where nothing is set.
    pub default: Option<Json>,
    /// It is what this other attribute is.
    pub echo: Option<String>,
    /// It is what the provider was configured with under this name.
    pub setting: Option<String>,
    /// It is new after every change.
    pub volatile: bool,
    /// Values that do not validate.
    pub refuse: Vec<Json>,
    /// Values that validate with a warning.
    pub warn: Vec<Json>,
    /// It is planned as this, whatever is configured: what only older providers may do.
    pub twist: Option<Json>,
}

/// A function.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FunctionScript {
    /// Its parameters.
    pub parameters: Vec<ParameterScript>,
    /// Any number of further arguments.
    pub variadic: Option<ParameterScript>,
    /// Type of its result.
    pub result: Json,
    /// The error it gives; none to give its first argument.
    pub error: Option<String>,
}

/// A parameter.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ParameterScript {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub ty: Json,
    /// Whether it may be null.
    pub null: bool,
    /// Whether it may be unknown.
    pub unknown: bool,
}

/// Something that goes wrong.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Fault {
    /// The call, by its name in protocol 6.
    pub call: String,
    /// The type it is about; empty for any.
    pub kind: String,
    /// An attribute `name` of this value; empty for any.
    pub name: String,
    /// How many times; 0 for always.
    pub times: u32,
    /// `error`, `warning`, `partial`, `crash`, `hang`, `garbage`, `status`, `nothing`, `unknown`.
    pub does: String,
    /// What it says.
    pub says: String,
}

/// What is wrong with a script.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// It is not of the form.
    #[error("the script is not readable")]
    Form(#[source] serde_json::Error),
    /// Its types are none.
    #[error("the types of the script are wrong: {0}")]
    Types(String),
    /// Attributes inside of attributes are for protocol 6.
    #[error("`{0}` has attributes inside, which protocol 5 does not know")]
    Nested(String),
}

impl Script {
    /// Reads a script (JSON).
    ///
    /// # Errors
    /// When it is not of the form.
    pub fn parse(text: &str) -> Result<Self, ScriptError> {
        serde_json::from_str(text).map_err(ScriptError::Form)
    }

    /// The types as the protocol says them.
    pub(crate) fn offered(&self, major: Major) -> Result<Offered, ScriptError> {
        let types = |all: &BTreeMap<String, TypeScript>| {
            let types = all
                .iter()
                .map(|(name, of)| Ok((name.clone(), of.schema(major)?.encode_to_vec())));
            types.collect::<Result<HashMap<_, _>, ScriptError>>()
        };
        let functions = self.functions.iter();
        let functions = functions.map(|(name, one)| (name.clone(), one.wire().encode_to_vec()));
        let answer = wire::ProviderSchemas {
            provider: Some(self.provider.schema(major)?),
            resources: types(&self.resources)?,
            data: types(&self.data)?,
            diagnostics: Vec::new(),
            provider_meta: self
                .meta
                .as_ref()
                .map(|meta| meta.schema(major))
                .transpose()?,
            server_capabilities: Some(wire::ServerCapabilities {
                plan_destroy: self.plan_destroy,
                get_provider_schema_optional: self.schema_optional,
                move_resource_state: true,
            }),
            functions: functions.collect(),
            ephemeral: types(&self.ephemeral)?,
        };
        let offered = Offered {
            answer: Arc::new(answer),
            major,
        };
        let wrong = |error: SchemaError| ScriptError::Types(error.to_string());
        let answer = &offered.answer;
        offered.provider().map_err(wrong)?;
        for all in [&answer.resources, &answer.data, &answer.ephemeral] {
            offered.types(all, None).map_err(wrong)?;
        }
        Ok(offered)
    }
}

impl TypeScript {
    fn schema(&self, major: Major) -> Result<wire::Schema, ScriptError> {
        Ok(wire::Schema {
            version: self.version,
            block: Some(self.block(major)?),
        })
    }

    fn block(&self, major: Major) -> Result<wire::Block, ScriptError> {
        let attributes = self.attributes.iter();
        let attributes = attributes.map(|(name, one)| {
            let six = one.wire(name)?;
            match (major, six.nested_type.is_some()) {
                (Major::Six, _) => Ok(six.encode_to_vec()),
                (Major::Five, true) => Err(ScriptError::Nested(name.clone())),
                (Major::Five, false) => Ok(five(six).encode_to_vec()),
            }
        });
        let blocks = self.blocks.iter().map(|(name, one)| {
            Ok(wire::NestedBlock {
                type_name: name.clone(),
                block: Some(one.inside.block(major)?),
                nesting: nesting(&one.nesting)?,
                min_items: one.min,
                max_items: one.max,
            })
        });
        Ok(wire::Block {
            attributes: attributes.collect::<Result<_, _>>()?,
            block_types: blocks.collect::<Result<_, ScriptError>>()?,
            description: String::new(),
        })
    }
}

fn five(six: wire::AttributeV6) -> wire::AttributeV5 {
    wire::AttributeV5 {
        name: six.name,
        ty: six.ty,
        description: six.description,
        required: six.required,
        optional: six.optional,
        computed: six.computed,
        sensitive: six.sensitive,
        deprecated: six.deprecated,
        write_only: six.write_only,
    }
}

impl AttributeScript {
    fn wire(&self, name: &str) -> Result<wire::AttributeV6, ScriptError> {
        let nested_type = match &self.nesting {
            None => None,
            Some(kind) => {
                let attributes = self.attributes.iter();
                let attributes = attributes.map(|(name, one)| one.wire(name));
                Some(wire::NestedObject {
                    attributes: attributes.collect::<Result<_, _>>()?,
                    nesting: nesting(kind)?,
                })
            }
        };
        let ty = self.ty.as_ref().map(|ty| ty.to_string().into_bytes());
        Ok(wire::AttributeV6 {
            name: name.to_owned(),
            ty: ty.unwrap_or_default(),
            description: String::new(),
            required: self.required,
            optional: self.optional,
            computed: self.computed,
            sensitive: self.sensitive,
            deprecated: false,
            nested_type,
            write_only: self.write_only,
        })
    }
}

impl FunctionScript {
    fn wire(&self) -> wire::Function {
        wire::Function {
            parameters: self.parameters.iter().map(ParameterScript::wire).collect(),
            variadic_parameter: self.variadic.as_ref().map(ParameterScript::wire),
            result: Some(wire::FunctionResult {
                ty: self.result.to_string().into_bytes(),
            }),
            summary: String::new(),
            description: String::new(),
        }
    }
}

impl ParameterScript {
    fn wire(&self) -> wire::Parameter {
        wire::Parameter {
            name: self.name.clone(),
            ty: self.ty.to_string().into_bytes(),
            allow_null_value: self.null,
            allow_unknown_values: self.unknown,
            description: String::new(),
        }
    }
}

fn nesting(name: &str) -> Result<i32, ScriptError> {
    match name {
        "single" => Ok(1),
        "list" => Ok(2),
        "set" => Ok(3),
        "map" => Ok(4),
        "group" => Ok(5),
        other => Err(ScriptError::Types(format!("nesting `{other}`"))),
    }
}

/// A value of a script, of a type.
pub(crate) fn value(json: &Json, ty: &Type) -> Option<Value> {
    let bytes = if matches!(ty, Type::Any) {
        // Of whatever type it is as JSON.
        return value::json::parse(&json.to_string()).ok();
    } else {
        json.to_string()
    };
    json::decode(bytes.as_bytes(), ty).ok()
}
