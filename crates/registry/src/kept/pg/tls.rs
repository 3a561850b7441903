//! Encrypted connections to databases, as far as lib/pq 1.10 trusts them: `require`, its default, only hides what is
//! said from others, `verify-ca` asks for a certificate of somebody who is trusted, `verify-full` for one of the host.

use crate::http::{self, Stream};
use crate::settings::Settings;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};

/// How far a server is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Disable,
    Require,
    VerifyCa,
    VerifyFull,
}

/// What is said about encryption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tls {
    pub(super) mode: Mode,
    /// Whom to trust, in place of those that the machine trusts.
    pub(super) authority: Option<PathBuf>,
    pub(super) certificate: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
}

/// A way to an encrypted connection; none where it is not encrypted.
pub(super) fn trust(
    tls: &Tls,
    host: &str,
    settings: &Settings,
) -> Result<Option<Connector>, String> {
    // Where `require` is told whom to trust, it means it.
    let authority = tls.authority.as_deref();
    let is_told = authority.is_some_and(Path::exists);
    let mode = match tls.mode {
        Mode::Disable => return Ok(None),
        Mode::Require if is_told => Mode::VerifyCa,
        mode => mode,
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let odd = |error: rustls::Error| format!("the connection cannot be encrypted: {error}");
    let verifier =
        match mode {
            Mode::Disable | Mode::Require => None,
            Mode::VerifyCa | Mode::VerifyFull => {
                let roots = Arc::new(roots(authority, settings)?);
                let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider.clone());
                let built = verifier.build();
                Some(built.map_err(|error| {
                    format!("nobody is trusted to vouch for the database: {error}")
                })?)
            }
        };
    let verifier = Arc::new(Verifier {
        verifier,
        asks_for_name: mode == Mode::VerifyFull,
        provider: provider.clone(),
    });
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(odd)?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let config = match (&tls.certificate, &tls.key) {
        (Some(certificate), Some(key)) => {
            let key_of = PrivateKeyDer::from_pem_file(key);
            let key = key_of.map_err(|_| format!("{} holds no key", key.display()))?;
            let certificates = certificates(certificate)?;
            config
                .with_client_auth_cert(certificates, key)
                .map_err(odd)?
        }
        _ => config.with_no_client_auth(),
    };
    let name = ServerName::try_from(host.to_owned());
    let name = name.map_err(|_| format!("its host {host} is no name of a host"))?;
    Ok(Some(Connector {
        config: Arc::new(config),
        name,
    }))
}

fn roots(authority: Option<&Path>, settings: &Settings) -> Result<RootCertStore, String> {
    let Some(path) = authority else {
        return Ok(http::roots(settings));
    };
    let mut roots = RootCertStore::empty();
    let (n_added, _) = roots.add_parsable_certificates(certificates(path)?);
    match n_added {
        0 => Err(format!("{} holds no certificate", path.display())),
        _ => Ok(roots),
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let found = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    found.map_err(|_| format!("{} cannot be read, or holds no certificate", path.display()))
}

/// Holds a certificate against what was asked for.
#[derive(Debug)]
struct Verifier {
    /// None where every certificate will do.
    verifier: Option<Arc<WebPkiServerVerifier>>,
    asks_for_name: bool,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(verifier) = &self.verifier else {
            return Ok(ServerCertVerified::assertion());
        };
        let verified =
            verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match verified {
            // The name is looked at last.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.asks_for_name => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}

/// Makes a connection an encrypted one.
pub(super) struct Connector {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl TlsConnect<Wire> for Connector {
    type Stream = Wire;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Wire>> + Send>>;

    fn connect(self, stream: Wire) -> Self::Future {
        let connector = tokio_rustls::TlsConnector::from(self.config);
        let connecting = connector.connect(self.name, stream);
        Box::pin(async move { Ok(Wire(Box::new(connecting.await?))) })
    }
}

/// A connection, encrypted or not.
pub(super) struct Wire(pub(super) Box<dyn Stream>);

impl TlsStream for Wire {
    /// None, as with lib/pq.
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        part: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, part)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        part: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, part)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
