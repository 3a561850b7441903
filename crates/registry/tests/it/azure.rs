//! The backend `azurerm`, whose addresses nobody chooses: a proxy leads all of them to a server on this machine.

use crate::bed::Bed;
use crate::server::{Reply, Server};
use crate::states::{backends, why};
use contract::States as _;
use contract::conformance::{self, StatesFixture};
use registry::Backends;
use std::os::unix::fs::PermissionsExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use value::Value;

const KEY: &str = "YS1zZWNyZXQ=";

/// Hosts that are asked.
const HOSTS: [&str; 5] = [
    "account.blob.core.windows.net",
    "login.microsoftonline.com",
    "management.azure.com",
    "account.z1.blob.storage.azure.net",
    "meta.example",
];

/// Who plays all of Azure.
struct Azure {
    server: Server,
    bed: Bed,
    proxy: String,
    task: JoinHandle<()>,
}

impl Drop for Azure {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Azure {
    /// None where this machine lacks the program that makes certificates.
    async fn start() -> Option<Self> {
        let bed = Bed::new("");
        let server = crate::tls::server(&bed, &HOSTS).await?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let proxy = format!("http://{}", listener.local_addr().unwrap());
        let port = server.port();
        #[expect(clippy::disallowed_methods, reason = "the proxy of a test")]
        let task = tokio::spawn(async move {
            loop {
                // Ends with the test.
                let (stream, _) = listener.accept().await.unwrap();
                #[expect(clippy::disallowed_methods, reason = "the proxy of a test")]
                tokio::spawn(tunnel(stream, port));
            }
        });
        Some(Self {
            server,
            bed,
            proxy,
            task,
        })
    }

    fn backends(&self, more: &[(&str, &str)]) -> Backends {
        let authority = self.bed.path("authority.pem").display().to_string();
        let base = [("HTTPS_PROXY", &*self.proxy), ("SSL_CERT_FILE", &authority)];
        backends(&[&base, more].concat())
    }

    fn replies(&self, path: &str, body: &str) {
        self.server.reply(path, Reply::new(200, body));
    }

    /// What was asked, without the queries.
    fn asked(&self) -> Vec<(String, Option<String>)> {
        let asked = self.server.asked().into_iter();
        asked
            .map(|(path, who)| (path.split('?').next().unwrap().to_owned(), who))
            .collect()
    }
}

async fn tunnel(mut stream: TcpStream, port: u16) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
    let mut server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let _ = tokio::io::copy_bidirectional(&mut stream, &mut server).await;
}

fn config(blob: &str, more: &[(&str, &str)]) -> Value {
    let place = [
        ("storage_account_name", "account"),
        ("container_name", "c"),
        ("key", blob),
    ];
    let entries = [&place, more].concat();
    let entries = entries
        .iter()
        .map(|(name, text)| ((*name).into(), Value::string(*text)));
    Value::object(entries.collect())
}

impl StatesFixture for Azure {
    fn backend(&self) -> String {
        "azurerm".to_owned()
    }

    fn keeping(&self, bytes: &[u8]) -> Value {
        self.server.reply("/c/kept", Reply::new(200, bytes));
        config("kept", &[("access_key", KEY)])
    }

    fn empty(&self) -> Value {
        let body = "<Error><Code>BlobNotFound</Code></Error>";
        self.server.reply("/c/empty", Reply::new(404, body));
        config("empty", &[("access_key", KEY)])
    }

    /// The container is not there, which does not say that there is no state.
    fn away(&self) -> Value {
        let body = "<Error><Code>ContainerNotFound</Code></Error>";
        self.server.reply("/c/away", Reply::new(404, body));
        config("away", &[("sas_token", "sig=a-secret")])
    }
}

#[tokio::test]
async fn keys_and_signatures_open_blobs() {
    let Some(azure) = Azure::start().await else {
        return;
    };
    conformance::states(&azure.backends(&[]), &azure).await;
    let queries = azure.server.asked().into_iter().map(|(path, _)| path);
    let queries: Vec<String> = queries.collect();
    assert!(queries[0].starts_with("/c/kept?sp=r&se="), "{queries:?}");
    assert_eq!(queries[2], "/c/away?sig=a-secret");
}

#[tokio::test]
async fn principals_open_blobs_themselves_or_ask_for_the_key() {
    let Some(azure) = Azure::start().await else {
        return;
    };
    let states = azure.backends(&[("ARM_TENANT_ID", "t/1"), ("ARM_CLIENT_ID", "c")]);
    azure.replies("/t%2F1/oauth2/v2.0/token", r#"{"access_token": "a-token"}"#);
    azure.replies("/c/kept", "{}");
    let secret = ("client_secret", "a&b");
    let itself = config("kept", &[secret, ("use_azuread_auth", "true")]);
    let found = states.state("azurerm", &itself, "default").await;
    assert_eq!(found, Ok(Some(b"{}".to_vec())));
    let bearer = Some("Bearer a-token".to_owned());
    assert_eq!(azure.asked()[1], ("/c/kept".to_owned(), bearer.clone()));
    let form = "grant_type=client_credentials&scope=https%3A%2F%2Fstorage.azure.com%2F.default&client_id=c&client_secret=a%26b";
    assert_eq!(azure.server.sent(), [form]);

    let resource =
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/account";
    let keys = format!("{resource}/listKeys");
    azure.replies(
        &keys,
        &format!(r#"{{"keys": [{{"keyName": "key1", "value": "{KEY}"}}]}}"#),
    );
    let where_it_is = [
        ("resource_group_name", "g"),
        ("subscription_id", "s"),
        secret,
    ];
    let by_key = config("kept", &where_it_is);
    let found = states.state("azurerm", &by_key, "default").await;
    assert_eq!(found, Ok(Some(b"{}".to_vec())));
    assert_eq!(azure.asked()[3], (keys.clone(), bearer.clone()));
    let with_key = config("kept", &[("access_key", KEY)]);
    states.state("azurerm", &with_key, "default").await.unwrap();
    let asked = azure.server.asked();
    assert_eq!(asked[4], asked[5], "it is the address that the key signs");

    let blob = r#"{"properties": {"primaryEndpoints": {"blob": "https://account.z1.blob.storage.azure.net/"}}}"#;
    azure.replies(resource, blob);
    let looked_up = [
        &where_it_is[..],
        &[("lookup_blob_endpoint", "true"), ("access_key", KEY)],
    ];
    let found = states
        .state("azurerm", &config("kept", &looked_up.concat()), "default")
        .await;
    assert_eq!(found, Ok(Some(b"{}".to_vec())));
    assert_eq!(azure.asked()[7], (resource.to_owned(), bearer));

    azure.server.reply(&keys, Reply::new(403, "a-token"));
    let said = why(&states, "azurerm", &by_key).await;
    let place = "azurerm://account/c/kept: the Resource Manager answered";
    assert_eq!(said, format!("{place} 403 Forbidden"));
    azure.replies(&keys, r#"{"keys": []}"#);
    let said = why(&states, "azurerm", &by_key).await;
    assert_eq!(said, "azurerm://account/c/kept: the account has no key");
    azure.replies(&keys, "no");
    let said = why(&states, "azurerm", &by_key).await;
    assert_eq!(said, format!("{place} what is not understood"));
}

#[tokio::test]
async fn clouds_describe_themselves() {
    let Some(azure) = Azure::start().await else {
        return;
    };
    let described = r#"{"resourceManager": "https://manager/", "authentication": {"loginEndpoint": "https://login/"}, "suffixes": {"storage": "core.windows.net"}}"#;
    azure.replies("/metadata/endpoints", described);
    azure.replies("/c/kept", "{}");
    let config = config("kept", &[("access_key", KEY)]);
    let states = azure.backends(&[("ARM_METADATA_HOSTNAME", "meta.example")]);
    let found = states.state("azurerm", &config, "default").await;
    assert_eq!(found, Ok(Some(b"{}".to_vec())));
    azure.replies("/metadata/endpoints", "{}");
    let said = why(&states, "azurerm", &config).await;
    assert_eq!(
        said,
        "azurerm://account/c/kept: the cloud answered what is not understood"
    );
}

#[tokio::test]
async fn people_and_machines_get_tokens_too() {
    let Some(azure) = Azure::start().await else {
        return;
    };
    azure.replies("/c/kept", "{}");
    let machine = Server::start().await;
    let token = r#"{"access_token": "of-the-machine"}"#;
    machine.reply("/token", Reply::new(200, token));
    let by_machine = [
        ("use_azuread_auth", "true"),
        ("use_msi", "true"),
        ("msi_endpoint", &machine.url("/token")),
    ];
    let found = azure.backends(&[]);
    let found = found
        .state("azurerm", &config("kept", &by_machine), "default")
        .await;
    assert_eq!(found, Ok(Some(b"{}".to_vec())));
    let query = "/token?api-version=2018-02-01&resource=https%3A%2F%2Fstorage.azure.com";
    assert_eq!(machine.asked()[0].0, query);

    let by_person = config("kept", &[("use_azuread_auth", "true"), ("tenant_id", "t")]);
    let programs = azure.bed.path("programs");
    let states = azure.backends(&[("PATH", programs.to_str().unwrap())]);
    let said = why(&states, "azurerm", &by_person).await;
    assert_eq!(
        said,
        "azurerm://account/c/kept: the program az is needed and not on the PATH: log in with it, or set ARM_ACCESS_KEY \
         or ARM_SAS_TOKEN"
    );
    let program = |text: &str| {
        azure
            .bed
            .write("programs/az", &format!("#!/bin/sh\n{text}\n"));
        let executable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(programs.join("az"), executable).unwrap();
    };
    program(
        r#"test "$*" = "account get-access-token --output json --resource https://storage.azure.com --tenant t" || exit 9
echo '{"accessToken": "of-a-person", "expiresOn": "later"}'"#,
    );
    let found = states.state("azurerm", &by_person, "default").await;
    assert_eq!(found, Ok(Some(b"{}".to_vec())));
    let who = azure.asked().into_iter().map(|(_, who)| who.unwrap());
    assert_eq!(
        who.collect::<Vec<_>>(),
        ["Bearer of-the-machine", "Bearer of-a-person"]
    );

    for (text, said) in [
        (
            "echo 'log in first.' >&2; exit 1",
            "az failed: log in first",
        ),
        ("exit 3", "az ended with exit status: 3"),
        ("echo no", "az printed no access token"),
        (
            "while echo yes; do :; done",
            "az printed more than 1048576 bytes",
        ),
    ] {
        program(text);
        let found = why(&states, "azurerm", &by_person).await;
        assert_eq!(found, format!("azurerm://account/c/kept: {said}"));
    }
}
