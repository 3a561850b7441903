//! The backend `azurerm`: a blob of a storage account, as Terraform 1.11 names it.
//!
//! A key of the account signs an address ("Create a service SAS"), so that nothing else has to be handed on; a shared
//! access signature of the user's is one already; a token of Entra ID goes beside it. Without any of them the key is
//! asked of the Resource Manager, as Terraform does. Certificates and identities that are exchanged in more than one
//! step are refused: the program of Azure prints what opens the account.

use super::token::{Request, Token};
use super::{Address, Asked, DEFAULT_WORKSPACE, Kept, NOT_IN_PATH, RESERVED, Way, keyed};
use crate::Settings;
use crate::http::{Ask, Client};
use crate::limits::TOKEN_BYTES_MAX;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::utf8_percent_encode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use value::Moment;

/// The version of the service that is spoken, and in which addresses are signed.
const VERSION: &str = "2020-12-06";

/// The version of the Resource Manager's part that knows storage accounts.
const ACCOUNTS_VERSION: &str = "2023-01-01";

/// What tokens for blobs are asked for, in every cloud.
const STORAGE: &str = "https://storage.azure.com";

/// Who hands out tokens to programs on a machine of Azure.
const METADATA: &str = "http://169.254.169.254/metadata/identity/oauth2/token";

/// How long a signed address holds, in milliseconds.
const SIGNED_MS: i64 = 900_000;

/// What to do instead of what is not done here.
const OTHERWISE: &str =
    "set ARM_ACCESS_KEY to a key that `az storage account keys list` prints, or ARM_SAS_TOKEN";

/// Settings that change who asks, in ways that are not known here, with their variables.
const REFUSED: [(&str, &[&str]); 3] = [
    ("client_certificate", &["ARM_CLIENT_CERTIFICATE"]),
    ("client_certificate_path", &["ARM_CLIENT_CERTIFICATE_PATH"]),
    ("endpoint", &[]),
];

/// A blob, and how its account opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Account {
    name: String,
    container: String,
    blob: String,
    cloud: Cloud,
    opens: Opens,
    /// The account among all resources, where its address has to be asked for.
    looked_up: Option<(Login, Resource)>,
    now_ms: i64,
}

/// What opens an account.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Opens {
    /// One of its keys.
    Key(String),
    /// A shared access signature.
    Signature(String),
    /// A login.
    Login(Login),
    /// One of its keys, which a login may ask for.
    Asked(Login, Resource),
}

/// The account among all resources.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Resource {
    subscription: String,
    group: String,
}

/// Where the services are.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Cloud {
    /// One of those that everybody knows.
    Known(Endpoints),
    /// One that describes itself at a host.
    Described(String),
}

/// Addresses of services, and the end of the names of accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Endpoints {
    login: String,
    manager: String,
    storage: String,
}

/// Who asks for a token.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Login {
    /// A service principal with its secret, or with what another issuer says of it.
    Principal {
        tenant: String,
        client: String,
        proof: Vec<(&'static str, String)>,
    },
    /// The machine.
    Machine {
        endpoint: String,
        client: Option<String>,
    },
    /// Whoever logged in with the program of Azure.
    Cli { tenant: Option<String> },
}

/// A blob of an account.
pub(super) fn kept(asked: &Asked<'_>) -> Result<Kept, String> {
    let name = asked.required("storage_account_name", &[])?;
    let container = asked.required("container_name", &[])?;
    let key = asked.required("key", &[])?;
    let blob = match asked.workspace {
        DEFAULT_WORKSPACE => key,
        workspace => format!("{key}env:{workspace}"),
    };
    let looked_up = asked.is_on("lookup_blob_endpoint", &["ARM_USE_DNS_ZONE_ENDPOINT"]);
    let looked_up = match looked_up {
        true => Some((Login::find(asked)?, Resource::find(asked)?)),
        false => None,
    };
    Ok(Kept {
        shown: format!("azurerm://{name}/{container}/{blob}"),
        way: Way::Account(Account {
            name,
            container,
            blob,
            cloud: Cloud::find(asked)?,
            opens: Opens::find(asked)?,
            looked_up,
            now_ms: asked.now_ms,
        }),
    })
}

impl Opens {
    fn find(asked: &Asked<'_>) -> Result<Self, String> {
        if let Some(key) = asked.value("access_key", &["ARM_ACCESS_KEY"]) {
            return Ok(Self::Key(key));
        }
        if let Some(signature) = asked.value("sas_token", &["ARM_SAS_TOKEN"]) {
            let signature = signature.trim().trim_start_matches('?');
            return Ok(Self::Signature(signature.to_owned()));
        }
        let login = Login::find(asked)?;
        match asked.is_on("use_azuread_auth", &["ARM_USE_AZUREAD"]) {
            true => Ok(Self::Login(login)),
            false => Ok(Self::Asked(login, Resource::find(asked)?)),
        }
    }
}

impl Resource {
    fn find(asked: &Asked<'_>) -> Result<Self, String> {
        let missing = |what: &str| {
            format!(
                "the backend has no {what}, by which the key of the account would be found: write it, {OTHERWISE}, or set \
                 use_azuread_auth"
            )
        };
        let group = asked.value("resource_group_name", &[]);
        let subscription = asked.value("subscription_id", &["ARM_SUBSCRIPTION_ID"]);
        Ok(Self {
            group: group.ok_or_else(|| missing("resource_group_name"))?,
            subscription: subscription.ok_or_else(|| missing("subscription_id"))?,
        })
    }

    /// Where the Resource Manager has an account.
    fn path(&self, account: &str) -> String {
        let plain = |text| utf8_percent_encode(text, RESERVED);
        format!(
            "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Storage/storageAccounts/{}",
            plain(&self.subscription),
            plain(&self.group),
            plain(account)
        )
    }
}

impl Cloud {
    fn find(asked: &Asked<'_>) -> Result<Self, String> {
        let host = ["ARM_METADATA_HOSTNAME", "ARM_METADATA_HOST"];
        if let Some(host) = asked.value("metadata_host", &host) {
            return Ok(Self::Described(host));
        }
        let name = asked.value("environment", &["ARM_ENVIRONMENT"]);
        let name = name.unwrap_or_else(|| "public".to_owned());
        let [login, manager, storage] = match &*name.to_ascii_lowercase() {
            "public" => [
                "https://login.microsoftonline.com",
                "https://management.azure.com",
                "core.windows.net",
            ],
            "usgovernment" => [
                "https://login.microsoftonline.us",
                "https://management.usgovcloudapi.net",
                "core.usgovcloudapi.net",
            ],
            "china" => [
                "https://login.chinacloudapi.cn",
                "https://management.chinacloudapi.cn",
                "core.chinacloudapi.cn",
            ],
            _ => {
                return Err(format!(
                    "its environment {name} is not known here: public, usgovernment and china are; any other is found \
                     by its metadata_host"
                ));
            }
        };
        Ok(Self::Known(Endpoints {
            login: login.to_owned(),
            manager: manager.to_owned(),
            storage: storage.to_owned(),
        }))
    }

    async fn endpoints(&self, client: &Client) -> Result<Endpoints, String> {
        let host = match self {
            Self::Known(endpoints) => return Ok(endpoints.clone()),
            Self::Described(host) => host,
        };
        /// A cloud, as it describes itself.
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Described {
            resource_manager: String,
            authentication: Authentication,
            suffixes: Suffixes,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Authentication {
            login_endpoint: String,
        }
        #[derive(Deserialize)]
        struct Suffixes {
            storage: String,
        }
        let url = format!("https://{host}/metadata/endpoints?api-version=2022-09-01");
        let ask = Ask {
            url: &url,
            limit_bytes: TOKEN_BYTES_MAX,
            ..Ask::default()
        };
        let found: Described = answer(client, ask, "the cloud").await?;
        let trimmed = |text: String| text.trim_end_matches('/').to_owned();
        Ok(Endpoints {
            login: trimmed(found.authentication.login_endpoint),
            manager: trimmed(found.resource_manager),
            storage: found.suffixes.storage,
        })
    }
}

impl Login {
    /// The first of the ways that Terraform tries for which everything is there.
    fn find(asked: &Asked<'_>) -> Result<Self, String> {
        let refused = REFUSED.iter();
        let refused = refused.map(|(name, variables)| (name, asked.value(name, variables)));
        if let Some((name, _)) = refused.into_iter().find(|(_, value)| value.is_some()) {
            return Err(format!(
                "the backend has {name}, which is not used here: {OTHERWISE}"
            ));
        }
        let workload = asked.is_on(
            "use_aks_workload_identity",
            &["ARM_USE_AKS_WORKLOAD_IDENTITY"],
        );
        let of_workload = |name: &str| match workload {
            true => asked.value("", &[name]),
            false => None,
        };
        let tenant = asked.value("tenant_id", &["ARM_TENANT_ID"]);
        let tenant = tenant.or_else(|| of_workload("AZURE_TENANT_ID"));
        let client = said(asked, "client_id", "ARM_CLIENT_ID")?;
        let client = client.or_else(|| of_workload("AZURE_CLIENT_ID"));
        let principal = |proof| {
            match (&tenant, &client) {
            (Some(tenant), Some(client)) => Ok(Self::Principal {
                tenant: tenant.clone(),
                client: client.clone(),
                proof,
            }),
            _ => Err("the backend has no tenant_id or no client_id: write them, or set ARM_TENANT_ID and ARM_CLIENT_ID"
                .to_owned()),
        }
        };
        if let Some(secret) = said(asked, "client_secret", "ARM_CLIENT_SECRET")? {
            return principal(vec![("client_secret", secret)]);
        }
        let uses_oidc = asked.is_on("use_oidc", &["ARM_USE_OIDC"]) || workload;
        if uses_oidc {
            let token = said(asked, "oidc_token", "ARM_OIDC_TOKEN")?;
            let token = match (token, of_workload("AZURE_FEDERATED_TOKEN_FILE")) {
                (Some(token), _) => token,
                (None, Some(path)) => file(asked, &path)?,
                (None, None) => {
                    return Err(
                        "tokens of another issuer are not asked for here: set ARM_OIDC_TOKEN to one".to_owned(),
                    );
                }
            };
            let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
            return principal(vec![
                ("client_assertion_type", kind.to_owned()),
                ("client_assertion", token),
            ]);
        }
        if asked.is_on("use_msi", &["ARM_USE_MSI"]) {
            let endpoint = asked.value("msi_endpoint", &["ARM_MSI_ENDPOINT"]);
            return Ok(Self::Machine {
                endpoint: endpoint.unwrap_or_else(|| METADATA.to_owned()),
                client,
            });
        }
        let cli = asked.value("use_cli", &["ARM_USE_CLI"]);
        match cli.is_none() || asked.is_on("use_cli", &["ARM_USE_CLI"]) {
            true => Ok(Self::Cli { tenant }),
            false => Err(format!("nothing says who asks: {OTHERWISE}")),
        }
    }

    /// The token for a service.
    fn token(&self, endpoints: &Endpoints, service: &str) -> Token {
        match self {
            Self::Principal {
                tenant,
                client,
                proof,
            } => {
                let mut form = vec![
                    ("grant_type", "client_credentials".to_owned()),
                    ("scope", format!("{service}/.default")),
                    ("client_id", client.clone()),
                ];
                form.extend(proof.iter().cloned());
                let tenant = utf8_percent_encode(tenant, RESERVED);
                Token::Asked(Request {
                    url: format!("{}/{tenant}/oauth2/v2.0/token", endpoints.login),
                    form,
                    ..Request::default()
                })
            }
            Self::Machine { endpoint, client } => {
                let plain = |text| utf8_percent_encode(text, RESERVED);
                let mut url = format!(
                    "{endpoint}?api-version=2018-02-01&resource={}",
                    plain(service)
                );
                if let Some(client) = client {
                    url.push_str(&format!("&client_id={}", plain(client)));
                }
                Token::Asked(Request {
                    url,
                    headers: vec![("metadata", "true".to_owned())],
                    ..Request::default()
                })
            }
            Self::Cli { tenant } => Token::OfAzureCli {
                resource: service.to_owned(),
                tenant: tenant.clone(),
            },
        }
    }
}

/// What is said itself, or in a file that is named.
fn said(asked: &Asked<'_>, name: &str, variable: &str) -> Result<Option<String>, String> {
    if let Some(text) = asked.value(name, &[variable]) {
        return Ok(Some(text));
    }
    let path = asked.value(
        &format!("{name}_file_path"),
        &[&format!("{variable}_FILE_PATH")],
    );
    path.map(|path| file(asked, &path)).transpose()
}

fn file(asked: &Asked<'_>, path: &str) -> Result<String, String> {
    let text = std::fs::read_to_string(asked.path(path));
    let text = text.map_err(|error| format!("{path} cannot be read: {error}"))?;
    Ok(text.trim().to_owned())
}

impl Account {
    /// The address of the blob, with what opens it.
    pub(super) async fn address(
        &self,
        client: &Client,
        settings: &Settings,
    ) -> Result<Address, String> {
        let endpoints = self.cloud.endpoints(client).await?;
        let base = match &self.looked_up {
            Some((login, resource)) => {
                let token = login.token(&endpoints, &endpoints.manager);
                let token = token.get(client, settings).await?;
                self.endpoint(client, &endpoints, resource, &token).await?
            }
            None => format!("https://{}.blob.{}", self.name, endpoints.storage),
        };
        let plain = |text| utf8_percent_encode(text, NOT_IN_PATH);
        let url = format!("{base}/{}/{}", plain(&self.container), plain(&self.blob));
        let absent = Some("<Code>BlobNotFound</Code>");
        let opened = |query: &str| Address {
            url: format!("{url}?{query}"),
            absent,
            ..Address::default()
        };
        match &self.opens {
            Opens::Key(key) => Ok(opened(&self.signed(key)?)),
            Opens::Signature(signature) => Ok(opened(signature)),
            Opens::Login(login) => Ok(Address {
                url,
                headers: vec![("x-ms-version", VERSION.to_owned())],
                token: Some(login.token(&endpoints, STORAGE)),
                absent,
            }),
            Opens::Asked(login, resource) => {
                let token = login.token(&endpoints, &endpoints.manager);
                let token = token.get(client, settings).await?;
                let key = self.key(client, &endpoints, resource, &token).await?;
                Ok(opened(&self.signed(&key)?))
            }
        }
    }

    /// The query that opens the blob for reading.
    fn signed(&self, key: &str) -> Result<String, String> {
        let key = STANDARD.decode(key.trim());
        let key = key.map_err(|_| "its access_key is not in Base64".to_owned())?;
        let ends = Moment::of_ms(self.now_ms.saturating_add(SIGNED_MS)).rfc3339();
        let Self {
            name,
            container,
            blob,
            ..
        } = self;
        // Permission, beginning and end, place, policy, addresses, protocols, version, kind, snapshot, encryption
        // scope, and five headers of the answer: what is empty is not said.
        let text = format!(
            "r\n\n{ends}\n/blob/{name}/{container}/{blob}\n\n\nhttps\n{VERSION}\nb\n\n\n\n\n\n\n"
        );
        let signature = STANDARD.encode(keyed(&key, &text));
        let plain = |text| utf8_percent_encode(text, RESERVED);
        Ok(format!(
            "sp=r&se={}&spr=https&sv={VERSION}&sr=b&sig={}",
            plain(&ends),
            plain(&signature)
        ))
    }

    /// One of the keys of the account.
    async fn key(
        &self,
        client: &Client,
        endpoints: &Endpoints,
        resource: &Resource,
        token: &str,
    ) -> Result<String, String> {
        #[derive(Deserialize)]
        struct Keys {
            keys: Vec<Key>,
        }
        #[derive(Deserialize)]
        struct Key {
            value: String,
        }
        let path = resource.path(&self.name);
        let url = format!(
            "{}{path}/listKeys?api-version={ACCOUNTS_VERSION}",
            endpoints.manager
        );
        let ask = Ask {
            url: &url,
            token: Some(token),
            form: Some(""),
            limit_bytes: TOKEN_BYTES_MAX,
            ..Ask::default()
        };
        let found: Keys = answer(client, ask, "the Resource Manager").await?;
        let first = found.keys.into_iter().next();
        Ok(first.ok_or("the account has no key")?.value)
    }

    /// The address of the account's blobs.
    async fn endpoint(
        &self,
        client: &Client,
        endpoints: &Endpoints,
        resource: &Resource,
        token: &str,
    ) -> Result<String, String> {
        #[derive(Deserialize)]
        struct Found {
            properties: Properties,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Properties {
            primary_endpoints: Primary,
        }
        #[derive(Deserialize)]
        struct Primary {
            blob: String,
        }
        let path = resource.path(&self.name);
        let url = format!("{}{path}?api-version={ACCOUNTS_VERSION}", endpoints.manager);
        let ask = Ask {
            url: &url,
            token: Some(token),
            limit_bytes: TOKEN_BYTES_MAX,
            ..Ask::default()
        };
        let found: Found = answer(client, ask, "the Resource Manager").await?;
        let blob = found.properties.primary_endpoints.blob;
        Ok(blob.trim_end_matches('/').to_owned())
    }
}

/// What a service answers, in JSON.
async fn answer<T: DeserializeOwned>(
    client: &Client,
    ask: Ask<'_>,
    who: &str,
) -> Result<T, String> {
    let answer = client.document(ask).await;
    let answer = answer.map_err(|error| crate::chain(&error))?;
    if !answer.status.is_success() {
        return Err(format!("{who} answered {}", answer.status));
    }
    // What is wrong with it is not repeated: there may be keys in it.
    serde_json::from_slice(&answer.body)
        .map_err(|_| format!("{who} answered what is not understood"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::ask;
    use super::*;

    const BLOB: [(&str, &str); 3] = [
        ("storage_account_name", "devstoreaccount1"),
        ("container_name", "states"),
        ("key", "a b/é.tfstate"),
    ];

    /// The key that everybody knows: that of Azurite.
    const KEY: (&str, &str) = (
        "ARM_ACCESS_KEY",
        "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
    );

    fn account(
        workspace: &str,
        more: &[(&str, &str)],
        environment: &[(&str, &str)],
    ) -> Result<Account, String> {
        let arguments = [&BLOB, more].concat();
        match ask("azurerm", workspace, &arguments, environment)?
            .unwrap()
            .way
        {
            Way::Account(account) => Ok(account),
            way => panic!("{way:?}"),
        }
    }

    /// What azure-storage-blob 12.31 signs for the same (`generate_blob_sas`); Azurite 3.37 lets addresses in that are
    /// signed like this, and read what Terraform had written there.
    #[test]
    fn addresses_are_signed_as_others_sign_them() {
        let account = account("eu", &[], &[KEY]).unwrap();
        assert_eq!(account.blob, "a b/é.tfstateenv:eu");
        let Opens::Key(key) = &account.opens else {
            panic!("{:?}", account.opens);
        };
        assert_eq!(
            account.signed(key).unwrap(),
            "sp=r&se=2013-05-24T00%3A15%3A00Z&spr=https&sv=2020-12-06&sr=b\
             &sig=tKMvLjvDkKf%2B721oRqpLX%2B%2Fj3GaeVsgNz9nQsbHI3vc%3D"
        );
        let why = account.signed("a-secret!").unwrap_err();
        assert_eq!(why, "its access_key is not in Base64");
    }

    #[test]
    fn clouds_have_names() {
        let storage = |more: &[(&str, &str)], environment: &[(&str, &str)]| {
            let environment = [&[KEY], environment].concat();
            match account("default", more, &environment)?.cloud {
                Cloud::Known(endpoints) => Ok::<_, String>(endpoints.storage),
                Cloud::Described(host) => Ok(host),
            }
        };
        assert_eq!(storage(&[], &[]).unwrap(), "core.windows.net");
        let china = [("environment", "china")];
        let government = [("ARM_ENVIRONMENT", "usgovernment")];
        let suffix = storage(&china, &government).unwrap();
        assert_eq!(suffix, "core.chinacloudapi.cn");
        let suffix = storage(&[], &government).unwrap();
        assert_eq!(suffix, "core.usgovcloudapi.net");
        let own = [("ARM_METADATA_HOST", "meta.example")];
        assert_eq!(storage(&china, &own).unwrap(), "meta.example");
        let why = storage(&[("environment", "mars")], &[]).unwrap_err();
        assert!(
            why.starts_with("its environment mars is not known here"),
            "{why}"
        );
    }

    #[test]
    fn whoever_is_named_first_asks() {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = directory.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let opens = |more: &[(&str, &str)], environment: &[(&str, &str)]| {
            account("default", more, environment).map(|account| account.opens)
        };
        let login = |more: &[(&str, &str)], environment: &[(&str, &str)]| {
            let more = [&[("use_azuread_auth", "true")], more].concat();
            match opens(&more, environment).unwrap() {
                Opens::Login(login) => login,
                other => panic!("{other:?}"),
            }
        };
        let mut set = vec![("ARM_USE_AZUREAD", "true")];
        assert_eq!(login(&[], &set), Login::Cli { tenant: None });
        set.push(("ARM_TENANT_ID", "t"));
        let tenant = Some("t".to_owned());
        assert_eq!(login(&[], &set), Login::Cli { tenant });
        set.extend([("ARM_CLIENT_ID", "c"), ("ARM_USE_MSI", "true")]);
        let machine = Login::Machine {
            endpoint: METADATA.to_owned(),
            client: Some("c".to_owned()),
        };
        assert_eq!(login(&[], &set), machine);
        let principal = |proof: &[(&'static str, &str)]| Login::Principal {
            tenant: "t".to_owned(),
            client: "c".to_owned(),
            proof: proof
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned()))
                .collect(),
        };
        let token = file("token", "of-another\n");
        set.extend([("ARM_USE_OIDC", "1"), ("ARM_OIDC_TOKEN_FILE_PATH", &token)]);
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        let proof = [
            ("client_assertion_type", kind),
            ("client_assertion", "of-another"),
        ];
        assert_eq!(login(&[], &set), principal(&proof));
        let secret = file("secret", "in-a-file\n");
        let in_file = [("client_secret_file_path", &*secret)];
        let proof = [("client_secret", "in-a-file")];
        assert_eq!(login(&in_file, &set), principal(&proof));
        set.push(("ARM_SAS_TOKEN", "?sv=1&sig=x"));
        let signature = Opens::Signature("sv=1&sig=x".to_owned());
        assert_eq!(opens(&in_file, &set).unwrap(), signature);
        set.push(KEY);
        assert_eq!(opens(&in_file, &set).unwrap(), Opens::Key(KEY.1.to_owned()));

        let token = file("federated", "of-the-cluster");
        let workload = [
            ("use_aks_workload_identity", "true"),
            ("use_azuread_auth", "true"),
        ];
        let set = [
            ("AZURE_TENANT_ID", "t"),
            ("AZURE_CLIENT_ID", "c"),
            ("AZURE_FEDERATED_TOKEN_FILE", &*token),
        ];
        let proof = [
            ("client_assertion_type", kind),
            ("client_assertion", "of-the-cluster"),
        ];
        assert_eq!(
            opens(&workload, &set).unwrap(),
            Opens::Login(principal(&proof))
        );
    }

    #[test]
    fn what_is_not_done_is_refused() {
        let entra = ("use_azuread_auth", "true");
        let cases: [(&[(&str, &str)], &str); 6] = [
            (
                &[],
                "the backend has no resource_group_name, by which the key of the account would be found: write it, set \
                 ARM_ACCESS_KEY to a key that `az storage account keys list` prints, or ARM_SAS_TOKEN, or set \
                 use_azuread_auth",
            ),
            (
                &[entra, ("client_certificate_path", "x.pfx")],
                "the backend has client_certificate_path, which is not used here: set ARM_ACCESS_KEY to a key that `az \
                 storage account keys list` prints, or ARM_SAS_TOKEN",
            ),
            (
                &[entra, ("client_secret", "a-secret")],
                "the backend has no tenant_id or no client_id: write them, or set ARM_TENANT_ID and ARM_CLIENT_ID",
            ),
            (
                &[
                    entra,
                    ("use_oidc", "true"),
                    ("oidc_request_url", "https://x"),
                ],
                "tokens of another issuer are not asked for here: set ARM_OIDC_TOKEN to one",
            ),
            (
                &[entra, ("use_cli", "false")],
                "nothing says who asks: set ARM_ACCESS_KEY to a key that `az storage account keys list` prints, or \
                 ARM_SAS_TOKEN",
            ),
            (
                &[entra, ("client_secret_file_path", "/nonexistent/x")],
                "/nonexistent/x cannot be read: No such file or directory (os error 2)",
            ),
        ];
        for (more, why) in cases {
            assert_eq!(account("default", more, &[]).unwrap_err(), why);
        }
        let why = ask("azurerm", "default", &[], &[KEY]).unwrap_err();
        assert_eq!(why, "the backend has no storage_account_name: write it");
    }
}
