//! The documents of an OCI image layout, as far as an artifact needs them (OCI image specification 1.1: manifest,
//! index, image layout, "Guidelines for Artifact Usage").
//!
//! Field order is the order in the file, so the same artifact always gives the same bytes. Unknown fields of documents
//! that others wrote are passed over; what is known must be exactly right.

use crate::limits::{INDEX_ENTRIES_MAX, LAYER_BYTES_MAX};
use model::Digest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use thiserror::Error;

/// Media type of a manifest.
pub(crate) const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
/// Media type of an index.
pub(crate) const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";
/// Media type of a layer: an uncompressed tar archive.
pub(crate) const LAYER_TYPE: &str = "application/vnd.oci.image.layer.v1.tar";
/// What kind of artifact ours is.
pub(crate) const ARTIFACT_TYPE: &str = "application/vnd.steadfast.artifact.v1";
/// Media type of [`Config`].
pub(crate) const CONFIG_TYPE: &str = "application/vnd.steadfast.artifact.config.v1+json";
/// The annotation by which tools name a manifest in a layout.
const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// The annotation with a name for people.
const TITLE: &str = "org.opencontainers.image.title";
/// Content of the file `oci-layout`.
pub(crate) const LAYOUT: &[u8] = b"{\"imageLayoutVersion\":\"1.0.0\"}";

/// A reference to content: what it is, what it is named, how long it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Descriptor {
    pub(crate) media_type: String,
    pub(crate) digest: Digest,
    pub(crate) size: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) artifact_type: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) annotations: BTreeMap<String, String>,
}

/// What an artifact consists of. Its digest is the artifact's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Manifest {
    schema_version: u32,
    media_type: String,
    artifact_type: String,
    pub(crate) config: Descriptor,
    layers: Vec<Descriptor>,
}

/// How an artifact came to be and how it is run. Nothing in it depends on a machine or a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Config {
    /// Name of the artifact.
    pub(crate) name: String,
    /// Command that runs it, relative to its root.
    pub(crate) run: Vec<String>,
    /// Command that built it; empty when the source is shipped as it is.
    pub(crate) build: Vec<String>,
    /// Fingerprint of the source it was built from.
    pub(crate) source: Digest,
}

/// `index.json`: what is in a layout, for tools that read layouts. We never trust it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Index {
    schema_version: u32,
    media_type: String,
    pub(crate) manifests: Vec<Descriptor>,
}

/// A document that is not what its place demands.
#[derive(Debug, Error)]
pub(crate) enum DocumentError {
    /// Not JSON, or fields are missing.
    #[error("it is not the JSON document that it should be")]
    Json(#[source] serde_json::Error),
    /// A field says that it is something else.
    #[error("its {field} is `{found}`, not `{expected}`")]
    Kind {
        field: &'static str,
        found: String,
        expected: &'static str,
    },
    /// Not one layer.
    #[error("it has {0} layers; an artifact has exactly one")]
    Layers(usize),
    /// Larger than can be handled.
    #[error("it names content of {0} bytes; at most {LAYER_BYTES_MAX} are accepted")]
    TooLarge(u64),
    /// No room.
    #[error("it lists {INDEX_ENTRIES_MAX} artifacts and takes no more")]
    Full,
}

impl Descriptor {
    /// Of content without annotations.
    pub(crate) fn new(media_type: &str, digest: Digest, size: u64) -> Self {
        Self {
            media_type: media_type.to_owned(),
            digest,
            size,
            artifact_type: None,
            annotations: BTreeMap::new(),
        }
    }
}

impl Manifest {
    /// Of one layer.
    pub(crate) fn new(config: Descriptor, layer: Descriptor) -> Self {
        Self {
            schema_version: 2,
            media_type: MANIFEST_TYPE.to_owned(),
            artifact_type: ARTIFACT_TYPE.to_owned(),
            config,
            layers: vec![layer],
        }
    }

    /// Reads one and its only layer, refusing whatever is not an artifact of ours.
    pub(crate) fn parse(bytes: &[u8]) -> Result<(Self, Descriptor), DocumentError> {
        let manifest: Self = serde_json::from_slice(bytes).map_err(DocumentError::Json)?;
        expect("mediaType", &manifest.media_type, MANIFEST_TYPE)?;
        expect("artifactType", &manifest.artifact_type, ARTIFACT_TYPE)?;
        expect("config type", &manifest.config.media_type, CONFIG_TYPE)?;
        let [layer] = manifest.layers.as_slice() else {
            return Err(DocumentError::Layers(manifest.layers.len()));
        };
        expect("layer type", &layer.media_type, LAYER_TYPE)?;
        if layer.size > LAYER_BYTES_MAX {
            return Err(DocumentError::TooLarge(layer.size));
        }
        let layer = layer.clone();
        Ok((manifest, layer))
    }
}

impl Config {
    /// Reads one.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, DocumentError> {
        serde_json::from_slice(bytes).map_err(DocumentError::Json)
    }
}

impl Index {
    /// Reads one; none yet is an empty one.
    pub(crate) fn parse(bytes: Option<&[u8]>) -> Result<Self, DocumentError> {
        match bytes {
            Some(bytes) => serde_json::from_slice(bytes).map_err(DocumentError::Json),
            None => Ok(Self {
                schema_version: 2,
                media_type: INDEX_TYPE.to_owned(),
                manifests: Vec::new(),
            }),
        }
    }

    /// Lists a manifest under its name and the first digits of its digest, so that a name never moves. Says whether
    /// anything changed.
    pub(crate) fn list(&mut self, name: &str, manifest: Descriptor) -> Result<bool, DocumentError> {
        if self
            .manifests
            .iter()
            .any(|one| one.digest == manifest.digest)
        {
            return Ok(false);
        }
        if self.manifests.len() >= INDEX_ENTRIES_MAX {
            return Err(DocumentError::Full);
        }
        let mut manifest = manifest;
        manifest.artifact_type = Some(ARTIFACT_TYPE.to_owned());
        let reference = format!("{name}-{}", manifest.digest.short());
        manifest.annotations.insert(REF_NAME.to_owned(), reference);
        manifest
            .annotations
            .insert(TITLE.to_owned(), name.to_owned());
        self.manifests.push(manifest);
        self.manifests.sort_by(|a, b| {
            let key = |one: &Descriptor| one.annotations.get(REF_NAME).cloned();
            key(a).cmp(&key(b)).then(a.digest.cmp(&b.digest))
        });
        Ok(true)
    }
}

/// The stored form of a document.
pub(crate) fn encode<T: Serialize>(document: &T) -> Result<Vec<u8>, DocumentError> {
    serde_json::to_vec(document).map_err(DocumentError::Json)
}

fn expect(field: &'static str, found: &str, expected: &'static str) -> Result<(), DocumentError> {
    if found == expected {
        return Ok(());
    }
    Err(DocumentError::Kind {
        field,
        found: found.to_owned(),
        expected,
    })
}
