//! TLS to servers whose health is looked at: the certificates that this machine trusts, or those of a file.

use rustls::pki_types::ServerName;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Makes connections secure. Cheap to clone; certificates are read when they are first needed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tls {
    certificates: Option<PathBuf>,
    config: Arc<OnceLock<Arc<rustls::ClientConfig>>>,
}

impl Tls {
    /// Trusts what a file (PEM) says, and nobody else.
    pub(crate) fn trusting(certificates: PathBuf) -> Self {
        Self {
            certificates: Some(certificates),
            config: Arc::default(),
        }
    }

    /// The connection to this host, encrypted.
    ///
    /// # Errors
    /// When the server is not trusted, is not this host, or breaks off.
    pub(crate) async fn connect(
        &self,
        host: &str,
        stream: TcpStream,
    ) -> io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let connector = TlsConnector::from(self.config()?);
        connector.connect(name, stream).await
    }

    fn config(&self) -> io::Result<Arc<rustls::ClientConfig>> {
        if let Some(known) = self.config.get() {
            return Ok(known.clone());
        }
        // SSL_CERT_FILE and SSL_CERT_DIR are followed where nothing else is said.
        let found = match &self.certificates {
            Some(file) => rustls_native_certs::load_certs_from_paths(Some(file), None),
            None => rustls_native_certs::load_native_certs(),
        };
        let mut roots = rustls::RootCertStore::empty();
        // Certificates that cannot be read are left out, as every browser does; without any, no server is trusted.
        roots.add_parsable_certificates(found.certs);
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(self.config.get_or_init(|| Arc::new(config)).clone())
    }
}
