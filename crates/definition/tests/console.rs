//! Names that a console completes, in a project with one of each kind.

#![expect(clippy::panic, reason = "a test says by panicking what is wrong")]

use definition::{Console, Files, compile};
use model::{Attribute, BlockSchema, ProviderSchema, Release, TypeSchema};
use value::{Diagnostics, Type, Value};

const MAIN: &str = "
variable \"region\" {}
variable \"replicas\" {}
locals {
  ports = { web = 80, worker = 81, \"not a name\" = 82 }
}
terraform {
  required_providers {
    test = { source = \"steadfast/test\" }
  }
}
resource \"test_thing\" \"one\" {
  name = \"x\"
}
resource \"test_thing\" \"many\" {
  count = 2
  name  = \"x\"
}
data \"test_thing\" \"up\" {
  name = \"x\"
}
module \"net\" {
  source = \"./net\"
}
";

const NET: &str = "
output \"cidr\" {
  value = 1
}
output \"id\" {
  value = 2
}
";

/// The project, in memory.
struct Project;

impl Files for Project {
    fn list(&self, directory: &str) -> Option<Vec<String>> {
        matches!(directory, "." | "net").then(|| vec!["main.tf".to_owned()])
    }

    fn read(&self, path: &str) -> Option<Vec<u8>> {
        Some(
            if path == "main.tf" { MAIN } else { NET }
                .as_bytes()
                .to_vec(),
        )
    }
}

fn schemas() -> Vec<ProviderSchema> {
    let attribute = |name: &str| (name.into(), Attribute::optional(Type::String, ""));
    let thing = TypeSchema {
        version: 0,
        block: BlockSchema {
            attributes: ["id", "name", "size", "tag", "tags"].map(attribute).into(),
            blocks: [].into(),
        },
    };
    let types = || [("test_thing".into(), thing.clone())].into();
    vec![ProviderSchema {
        source: "registry.terraform.io/steadfast/test".to_owned(),
        resources: types(),
        data: types(),
        ..ProviderSchema::default()
    }]
}

fn release() -> Release {
    let given = ["region", "replicas"].map(|name| definition::Given::Option {
        name: name.to_owned(),
        text: "x".to_owned(),
    });
    let compiled = compile(&Project, &given, &schemas());
    compiled
        .release
        .unwrap_or_else(|| panic!("{:?}", compiled.diagnostics))
}

/// What stands for the world: only the ports are known.
fn value_of(text: &str) -> Result<Value, Diagnostics> {
    match text {
        "local.ports" => Ok(Value::object(
            ["web", "worker", "not a name"]
                .map(|name| (name.into(), Value::number(1)))
                .into(),
        )),
        _ => Err(Diagnostics::new()),
    }
}

#[test]
fn every_kind_of_name_completes() {
    let (release, schemas) = (release(), schemas());
    let console = Console::new(&release, &schemas);
    for (text, completed) in [
        ("var.re", "var.|region replicas"),
        ("1 + var.reg", "1 + var.|region"),
        ("\"${local.", "\"${local.|ports"),
        ("local.ports.w", "local.ports.|web worker"),
        ("test_thing.", "test_thing.|many one"),
        ("test_thing.one.ta", "test_thing.one.|tag tags"),
        ("test_thing.many[0].s", "test_thing.many[0].|size"),
        ("data.", "data.|test_thing."),
        ("data.test_thing.", "data.test_thing.|up"),
        ("data.test_thing.up.i", "data.test_thing.up.|id"),
        ("module.", "module.|net"),
        ("[module.net.c", "[module.net.|cidr"),
        ("path.r", "path.|root"),
        ("terraform.", "terraform.|applying workspace"),
        ("cidrsubn", "|cidrsubnet( cidrsubnets("),
        ("test_", "|test_thing."),
        ("typ", "|type("),
        ("mod", "|module."),
        ("nul", "|null"),
        ("var.nothing.", "var.nothing.|"),
        ("zzz", "|"),
    ] {
        let found = console.complete(text, text.len(), &value_of);
        let given = format!("{}|{}", &text[..found.start], found.candidates.join(" "));
        assert_eq!(given, completed, "{text}");
    }
    // In the middle of a text only what stands before the cursor counts.
    let found = console.complete("var.re + local.ports", 6, &value_of);
    assert_eq!((found.start, found.candidates.len()), (4, 2));
}
