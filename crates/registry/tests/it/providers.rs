//! Providers: directories, mirrors, registries, the cache, and Terraform's own lock file.

use crate::bed::Bed;
use crate::server::{Reply, Server};
use definition::Constraints;
use registry::{InstalledProvider, ProviderEvent, ProviderOptions, Settings, install_providers};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;
use value::Diagnostics;

const SOURCE: &str = "registry.example/acme/null";
const ZIP: &[u8] = include_bytes!("../signed/terraform-provider-null_1.0.0_linux_amd64.zip");
const SUMS: &str = include_str!("../signed/SHA256SUMS");
const SIGNATURE: &[u8] = include_bytes!("../signed/SHA256SUMS.sig");
const KEY: &str = include_str!("../signed/key.asc");

struct Outcome {
    installed: Vec<InstalledProvider>,
    found: Diagnostics,
    n_fetched: usize,
}

impl Outcome {
    #[track_caller]
    fn good(&self) -> &InstalledProvider {
        assert!(self.found.is_empty(), "{:?}", self.found);
        &self.installed[0]
    }

    #[track_caller]
    fn bad(&self, code: &str, part: &str) {
        let first = &self.found.0[0];
        assert!(
            first.code == code && first.detail.contains(part),
            "{code} with {part:?} expected, found {first:?}"
        );
    }
}

async fn install(bed: &Bed, constraint: &str) -> Outcome {
    install_with(bed, SOURCE, constraint, |_| {}).await
}

async fn install_with(
    bed: &Bed,
    source: &str,
    constraint: &str,
    change: impl FnOnce(&mut ProviderOptions<'_>),
) -> Outcome {
    let constraints = if constraint.is_empty() {
        Constraints::default()
    } else {
        Constraints::parse(constraint).unwrap()
    };
    let needed = BTreeMap::from([
        (source.to_owned(), constraints),
        (
            "terraform.io/builtin/terraform".to_owned(),
            Constraints::default(),
        ),
    ]);
    let built_in = BTreeSet::from(["terraform.io/builtin/terraform".to_owned()]);
    let project = bed.project();
    let n_fetched = Mutex::new(0);
    let tell = |event: &ProviderEvent| {
        if matches!(event, ProviderEvent::Fetching { .. }) {
            *n_fetched.lock().unwrap() += 1;
        }
    };
    let mut options = ProviderOptions {
        needed: &needed,
        built_in: &built_in,
        directory: &project,
        data: ".terraform",
        upgrade: false,
        lock_readonly: false,
        from: &[],
        settings: Settings::load(bed.environment().clone()).0,
        tell: &tell,
    };
    change(&mut options);
    let (installed, found) = install_providers(options).await;
    let n_fetched = *n_fetched.lock().unwrap();
    Outcome {
        installed,
        found,
        n_fetched,
    }
}

fn settings(bed: &mut Bed, text: &str) {
    bed.write("home/settings.tfrc", text);
    let path = bed.path("home/settings.tfrc");
    bed.set("TF_CLI_CONFIG_FILE", path.to_str().unwrap());
}

/// A mirror on the disk with a package for each version.
fn mirror(bed: &mut Bed, versions: &[&str]) {
    for version in versions {
        bed.write(
            &format!("mirror/{SOURCE}/{version}/linux_amd64/terraform-provider-null_v{version}"),
            version,
        );
        bed.write(
            &format!("mirror/{SOURCE}/{version}/plan9_386/terraform-provider-null_v{version}"),
            version,
        );
    }
    let path = bed.path("mirror").display().to_string();
    settings(
        bed,
        &format!(
            "provider_installation {{\n  filesystem_mirror {{\n    path = \"{path}\"\n  }}\n}}\n"
        ),
    );
}

fn lock(bed: &Bed) -> String {
    bed.read("project/.terraform.lock.hcl")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_of_this_machine_is_linked_to_and_locked() {
    let mut bed = Bed::new("");
    mirror(&mut bed, &["1.0.0", "1.2.0", "2.0.0-beta1"]);
    let outcome = install(&bed, ">= 1.0").await;
    let provider = outcome.good();
    assert_eq!(provider.version, "1.2.0");
    let link = bed
        .project()
        .join(".terraform/providers/registry.example/acme/null/1.2.0/linux_amd64");
    assert_eq!(provider.directory, link);
    assert_eq!(
        std::fs::canonicalize(&link).unwrap(),
        std::fs::canonicalize(bed.path(&format!("mirror/{SOURCE}/1.2.0/linux_amd64"))).unwrap()
    );
    assert!(lock(&bed).contains(
        "  version     = \"1.2.0\"\n  constraints = \">= 1.0.0\"\n  hashes = [\n    \"h1:"
    ));
    // A newer one comes; what is locked stays until an upgrade.
    bed.write(
        &format!("mirror/{SOURCE}/1.3.0/linux_amd64/terraform-provider-null_v1.3.0"),
        "x",
    );
    let again = install(&bed, ">= 1.0").await;
    assert_eq!(
        (again.good().version.as_str(), again.n_fetched),
        ("1.2.0", 0)
    );
    let upgraded = install_with(&bed, SOURCE, ">= 1.0", |options| options.upgrade = true).await;
    assert_eq!(upgraded.good().version, "1.3.0");
    // What is locked and no longer allowed is left.
    assert_eq!(install(&bed, "1.0.0").await.good().version, "1.0.0");
    // A package that changes under the same version is refused, also when it is in place already.
    bed.write(
        &format!("mirror/{SOURCE}/1.0.0/linux_amd64/terraform-provider-null_v1.0.0"),
        "planted",
    );
    install(&bed, "1.0.0")
        .await
        .bad("SF1326", "1.0.0 has the digest h1:");
    install_with(&bed, SOURCE, "1.0.0", |options| options.upgrade = true)
        .await
        .good();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there_is_said() {
    let mut bed = Bed::new("");
    mirror(&mut bed, &["1.0.0"]);
    install(&bed, ">= 2.0")
        .await
        .bad("SF1323", "The newest there are: 1.0.0");
    install_with(&bed, "registry.example/acme/other", "", |_| {})
        .await
        .bad("SF1320", "acme/other");
    std::fs::remove_file(bed.path(&format!(
        "mirror/{SOURCE}/1.0.0/linux_amd64/terraform-provider-null_v1.0.0"
    )))
    .unwrap();
    install(&bed, "")
        .await
        .bad("SF1325", "terraform-provider-null");
    bed.write("project/.terraform.lock.hcl", "<<<<<<<");
    install(&bed, "").await.bad("SF1327", "Restore it");
    assert!(
        !bed.path("project/.terraform/providers/registry.example/acme/null/1.0.0/linux_amd64")
            .exists()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_that_may_not_change_does_not() {
    let mut bed = Bed::new("");
    mirror(&mut bed, &["1.0.0"]);
    install_with(&bed, SOURCE, "", |options| options.lock_readonly = true)
        .await
        .bad("SF1327", "may not be changed");
    assert_eq!(lock(&bed), "");
    install(&bed, "").await.good();
    install_with(&bed, SOURCE, "", |options| options.lock_readonly = true)
        .await
        .good();
    assert!(lock(&bed).contains("  version = \"1.0.0\"\n  hashes = ["));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_cache_serves_many_projects_at_the_same_time() {
    let mut beds: Vec<Bed> = (0..4).map(|_| Bed::new("")).collect();
    let shared = tempfile::tempdir().unwrap();
    let packed = shared.path().join(SOURCE);
    std::fs::create_dir_all(&packed).unwrap();
    std::fs::write(
        packed.join("terraform-provider-null_1.0.0_linux_amd64.zip"),
        ZIP,
    )
    .unwrap();
    let cache = shared.path().join("cache");
    for bed in &mut beds {
        let text = format!(
            "provider_installation {{\n  filesystem_mirror {{\n    path = \"{}\"\n    include = [\"registry.example/*/*\"]\n  }}\n}}\nplugin_cache_dir = \"{}\"\n",
            shared.path().display(),
            cache.display()
        );
        settings(bed, &text);
    }
    let [one, two, three, four] =
        [&beds[0], &beds[1], &beds[2], &beds[3]].map(|bed| install(bed, ""));
    let outcomes = tokio::join!(one, two, three, four);
    let place = cache.join(SOURCE).join("1.0.0/linux_amd64");
    for (bed, outcome) in beds
        .iter()
        .zip([outcomes.0, outcomes.1, outcomes.2, outcomes.3])
    {
        let directory = &outcome.good().directory;
        assert_eq!(
            std::fs::canonicalize(directory).unwrap(),
            std::fs::canonicalize(&place).unwrap()
        );
        assert_eq!(lock(bed), lock(&beds[0]));
    }
    let left = std::fs::read_dir(place.parent().unwrap()).unwrap().count();
    assert_eq!(left, 1, "nothing half unpacked stays in the cache");
}

/// A registry with the signed package, below `/p/`.
async fn registry_bed() -> (Bed, Server) {
    let mut bed = Bed::new("");
    let server = Server::start().await;
    settings(
        &mut bed,
        &format!(
            "host \"registry.example\" {{\n  services = {{\n    \"providers.v1\" = \"{}\"\n  }}\n}}\n",
            server.url("/p/")
        ),
    );
    let versions = r#"{"versions":[{"version":"1.0.0","platforms":[{"os":"linux","arch":"amd64"}]},{"version":"9.0.0","platforms":[{"os":"plan9","arch":"386"}]}]}"#;
    server.reply("/p/acme/null/versions", Reply::new(200, versions));
    let download = serde_json::json!({
        "filename": "terraform-provider-null_1.0.0_linux_amd64.zip",
        "download_url": "/files/null.zip", "shasums_url": "/files/sums", "shasums_signature_url": "/files/sums.sig",
        "signing_keys": { "gpg_public_keys": [{ "key_id": "x", "ascii_armor": KEY }] },
    });
    server.reply(
        "/p/acme/null/1.0.0/download/linux/amd64",
        Reply::new(200, download.to_string()),
    );
    server.reply("/files/null.zip", Reply::new(200, ZIP));
    server.reply("/files/sums", Reply::new(200, SUMS));
    server.reply("/files/sums.sig", Reply::new(200, SIGNATURE));
    (bed, server)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_signs_what_it_has() {
    let (bed, server) = registry_bed().await;
    let outcome = install(&bed, "").await;
    let provider = outcome.good();
    assert_eq!(provider.version, "1.0.0");
    assert!(
        provider
            .directory
            .join("terraform-provider-null_v1.0.0")
            .is_file()
    );
    let text = lock(&bed);
    assert_eq!(text.matches("\"zh:").count(), 2, "{text}");
    assert_eq!(text.matches("\"h1:").count(), 1, "{text}");
    // Where only the digests of archives are locked, as on another platform, the archive decides.
    let without: String = text
        .lines()
        .filter(|line| !line.contains("h1:"))
        .map(|line| format!("{line}\n"))
        .collect();
    bed.write("project/.terraform.lock.hcl", &without);
    std::fs::remove_dir_all(bed.path("project/.terraform")).unwrap();
    install(&bed, "").await.good();
    assert_eq!(lock(&bed), text);
    // Whoever is between changes the package, or the list, or both.
    std::fs::remove_dir_all(bed.path("project/.terraform")).unwrap();
    server.reply("/files/null.zip", Reply::new(200, b"PK other".to_vec()));
    install(&bed, "")
        .await
        .bad("SF1321", "the registry has signed");
    server.reply(
        "/files/sums",
        Reply::new(200, SUMS.replace("linux", "linus")),
    );
    install(&bed, "").await.bad("SF1321", "not signed by any");
    server.reply("/files/sums", Reply::new(200, SUMS));
    server.reply(
        "/p/acme/null/1.0.0/download/linux/amd64",
        Reply::new(404, ""),
    );
    install(&bed, "")
        .await
        .bad("SF1324", "not for this machine");
    server.reply(
        "/p/acme/null/1.0.0/download/linux/amd64",
        Reply::new(200, "{}"),
    );
    install(&bed, "")
        .await
        .bad("SF1322", "\"filename\" is missing");
    server.reply("/p/acme/null/versions", Reply::new(500, ""));
    install(&bed, "").await.bad("SF1322", "500");
    server.reply("/p/acme/null/versions", Reply::new(401, ""));
    install(&bed, "").await.bad("SF1322", "credentials");
    assert!(
        !bed.path("project/.terraform/providers/registry.example/acme/null/1.0.0/linux_amd64")
            .exists()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mirror_in_the_network_vouches_for_what_it_has() {
    let mut bed = Bed::new("");
    let server = Server::start().await;
    settings(
        &mut bed,
        &format!(
            "provider_installation {{\n  network_mirror {{\n    url = \"{}\"\n  }}\n  direct {{\n    exclude = [\"*/*/*\"]\n  }}\n}}\n",
            server.url("/mirror/")
        ),
    );
    server.reply(
        &format!("/mirror/{SOURCE}/index.json"),
        Reply::new(200, "{\"versions\":{\"1.0.0\":{}}}"),
    );
    let digest = SUMS.split(' ').next().unwrap();
    let archives = |hash: &str| {
        format!(
            "{{\"archives\":{{\"linux_amd64\":{{\"url\":\"null.zip\",\"hashes\":[\"{hash}\"]}}}}}}"
        )
    };
    server.reply(
        &format!("/mirror/{SOURCE}/1.0.0.json"),
        Reply::new(200, archives("zh:0000")),
    );
    server.reply(&format!("/mirror/{SOURCE}/null.zip"), Reply::new(200, ZIP));
    install(&bed, "").await.bad("SF1326", "does not vouch");
    server.reply(
        &format!("/mirror/{SOURCE}/1.0.0.json"),
        Reply::new(200, archives(&format!("zh:{digest}"))),
    );
    install(&bed, "").await.good();
    assert!(lock(&bed).contains(digest));
}

/// A mirror with the provider for AWS, where the environment names one: the folder of a `filesystem_mirror`.
fn real_mirror() -> Option<PathBuf> {
    let mirror = PathBuf::from(std::env::var_os("STEADFAST_TEST_MIRROR")?);
    mirror
        .join("registry.terraform.io/hashicorp/aws")
        .is_dir()
        .then_some(mirror)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn terraform_and_we_lock_the_same_and_use_what_the_other_installs() {
    let Some(mirror) = real_mirror() else { return };
    let mut bed = Bed::new(
        "terraform {\n  required_providers {\n    aws = {\n      source  = \"hashicorp/aws\"\n      version = \">= 5.0, < 6.0\"\n    }\n  }\n}\n",
    );
    settings(
        &mut bed,
        &format!(
            "provider_installation {{\n  filesystem_mirror {{\n    path = \"{}\"\n  }}\n}}\n",
            mirror.display()
        ),
    );
    let source = "registry.terraform.io/hashicorp/aws";
    install_with(&bed, source, "< 6.0, >= 5.0", |_| {})
        .await
        .good();
    let ours = lock(&bed);
    let terraform = |arguments: &[&str]| {
        let output = Command::new("terraform")
            .args(arguments)
            .current_dir(bed.project())
            .env_clear()
            .envs(bed.environment())
            .env("CHECKPOINT_DISABLE", "1")
            .output()
            .ok()?;
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        Some((output.status.success(), said))
    };
    let Some((ok, said)) = terraform(&["validate", "-no-color"]) else {
        return;
    };
    assert!(ok, "Terraform does not see what we have installed: {said}");
    std::fs::remove_dir_all(bed.path("project/.terraform")).unwrap();
    std::fs::remove_file(bed.path("project/.terraform.lock.hcl")).unwrap();
    let (ok, said) = terraform(&["init", "-no-color"]).unwrap();
    assert!(ok, "{said}");
    assert_eq!(ours, lock(&bed));
    let again = install_with(&bed, source, "< 6.0, >= 5.0", |_| {}).await;
    again.good();
    assert_eq!(again.n_fetched, 0);
}
