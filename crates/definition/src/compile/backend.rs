//! Where Terraform keeps the state of a project: the `backend` block of the root module, read before anything else.
//!
//! Nothing here is compiled: whoever takes a state over asks, and needs only these values. They may refer to variables
//! and local values as far as those are known at once.

use super::files::Files;
use super::inputs::Given;
use super::known::{Known, Place};
use super::load::{Loader, Source};
use crate::diag::blocks as diag;
use crate::syntax::{Attribute, Block, Identifier};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;
use value::{Diagnostics, Name, Span, Type, Value};

/// A backend as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backend {
    /// Its kind; `cloud` for a `cloud` block.
    pub kind: Name,
    /// Its arguments, as far as they could be computed.
    pub settings: BTreeMap<Name, Value>,
    /// Where it is written.
    pub span: Span,
}

/// What [`backend`] found.
#[derive(Debug, Default)]
pub struct ReadBackend {
    /// The backend; none where none is written.
    pub backend: Option<Backend>,
    /// All texts that diagnostics point into.
    pub sources: Vec<Source>,
    /// What keeps an argument from being known, or is no argument of this kind.
    pub diagnostics: Diagnostics,
}

/// Arguments of the kinds of backend whose state can be read.
const ARGUMENTS: [(&str, &[&str]); 7] = [
    ("local", &["path", "workspace_dir"]),
    (
        "http",
        &[
            "address",
            "client_ca_certificate_pem",
            "client_certificate_pem",
            "client_private_key_pem",
            "lock_address",
            "lock_method",
            "password",
            "retry_max",
            "retry_wait_max",
            "retry_wait_min",
            "skip_cert_verification",
            "unlock_address",
            "unlock_method",
            "update_address",
            "update_method",
            "username",
        ],
    ),
    (
        "s3",
        &[
            "access_key",
            "acl",
            "allowed_account_ids",
            "assume_role",
            "assume_role_with_web_identity",
            "bucket",
            "custom_ca_bundle",
            "dynamodb_endpoint",
            "dynamodb_table",
            "ec2_metadata_service_endpoint",
            "ec2_metadata_service_endpoint_mode",
            "encrypt",
            "endpoint",
            "endpoints",
            "forbidden_account_ids",
            "force_path_style",
            "http_proxy",
            "https_proxy",
            "iam_endpoint",
            "insecure",
            "key",
            "kms_key_id",
            "max_retries",
            "no_proxy",
            "profile",
            "region",
            "retry_mode",
            "role_arn",
            "secret_key",
            "shared_config_files",
            "shared_credentials_file",
            "shared_credentials_files",
            "skip_credentials_validation",
            "skip_metadata_api_check",
            "skip_region_validation",
            "skip_requesting_account_id",
            "skip_s3_checksum",
            "sse_customer_key",
            "sts_endpoint",
            "sts_region",
            "token",
            "use_dualstack_endpoint",
            "use_fips_endpoint",
            "use_lockfile",
            "use_path_style",
            "workspace_key_prefix",
        ],
    ),
    (
        "gcs",
        &[
            "access_token",
            "bucket",
            "credentials",
            "encryption_key",
            "impersonate_service_account",
            "impersonate_service_account_delegates",
            "kms_encryption_key",
            "prefix",
            "storage_custom_endpoint",
        ],
    ),
    (
        "azurerm",
        &[
            "access_key",
            "ado_pipeline_service_connection_id",
            "client_certificate",
            "client_certificate_password",
            "client_certificate_path",
            "client_id",
            "client_id_file_path",
            "client_secret",
            "client_secret_file_path",
            "container_name",
            "endpoint",
            "environment",
            "key",
            "lookup_blob_endpoint",
            "metadata_host",
            "msi_endpoint",
            "oidc_request_token",
            "oidc_request_url",
            "oidc_token",
            "oidc_token_file_path",
            "resource_group_name",
            "sas_token",
            "snapshot",
            "storage_account_name",
            "subscription_id",
            "tenant_id",
            "use_aks_workload_identity",
            "use_azuread_auth",
            "use_cli",
            "use_msi",
            "use_oidc",
        ],
    ),
    (
        "kubernetes",
        &[
            "client_certificate",
            "client_key",
            "cluster_ca_certificate",
            "config_context",
            "config_context_auth_info",
            "config_context_cluster",
            "config_path",
            "config_paths",
            "exec",
            "host",
            "in_cluster_config",
            "insecure",
            "labels",
            "load_config_file",
            "namespace",
            "password",
            "proxy_url",
            "secret_suffix",
            "token",
            "username",
        ],
    ),
    (
        "pg",
        &[
            "conn_str",
            "schema_name",
            "skip_index_creation",
            "skip_schema_creation",
            "skip_table_creation",
        ],
    ),
];

/// Whether a state in a backend of this kind can be read.
pub fn is_backend_read(kind: &str) -> bool {
    ARGUMENTS.iter().any(|(name, _)| *name == kind)
}

/// Reads the backend of the root module.
pub fn backend(files: &dyn Files, given: &[Given]) -> ReadBackend {
    let mut loader = Loader::new(files, given);
    loader.load_root();
    let mut read = ReadBackend::default();
    if let Some(root) = loader.definitions.first() {
        let settings = root.settings.iter().flat_map(|block| &block.body.blocks);
        let mut written = settings.filter(|block| matches!(&*block.kind.name, "backend" | "cloud"));
        if let Some(block) = written.next() {
            let place = Place {
                from: None,
                definition: root,
            };
            read.backend = Some(of_block(block, &place, files, given, &mut read.diagnostics));
        }
    }
    read.sources = loader.sources;
    read
}

fn of_block(
    block: &Block,
    place: &Place<'_>,
    files: &dyn Files,
    given: &[Given],
    diagnostics: &mut Diagnostics,
) -> Backend {
    let kind = block.labels.first();
    let kind = kind.map_or_else(|| Name::from("cloud"), |label| label.name.clone());
    let known = ARGUMENTS.iter().find(|(name, _)| *name == &*kind);
    let mut settings = BTreeMap::new();
    let mut unknown = |name: &Identifier| {
        let Some((_, known)) = known.filter(|(_, known)| !known.contains(&&*name.name)) else {
            return false;
        };
        let whose = format!("A backend \"{kind}\"");
        let found = diag::unknown_argument(name.span, &name.name, &whose, known, None);
        diagnostics.push(found);
        true
    };
    let attributes = block.body.attributes.iter();
    let attributes = attributes.filter(|attribute| !unknown(&attribute.name));
    let attributes: Vec<_> = attributes.collect();
    let nested = block.body.blocks.iter();
    let nested: Vec<_> = nested.filter(|nested| !unknown(&nested.kind)).collect();
    let mut value = |attribute: &Attribute| {
        let what = format!("The {} of a backend", attribute.name.name);
        let value = Known::new(files, given, &what).value(place, &attribute.value, &Type::Any);
        match value {
            Ok(value) => Some((attribute.name.name.clone(), value)),
            // Of kinds that are not read, nothing has to be known.
            Err(found) => {
                if known.is_some() {
                    diagnostics.extend(found);
                }
                None
            }
        }
    };
    settings.extend(attributes.into_iter().filter_map(&mut value));
    for nested in nested {
        let inside = nested.body.attributes.iter().filter_map(&mut value);
        settings.insert(nested.kind.name.clone(), Value::object(inside.collect()));
    }
    Backend {
        kind,
        settings,
        span: block.header,
    }
}
