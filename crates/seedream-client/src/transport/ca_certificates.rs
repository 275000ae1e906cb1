//! The CA certificates that are trusted, loaded when the first certificate has to be judged.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use rustls::{
    Error as TlsError, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use rustls_platform_verifier::Verifier;
use seedream_core::{Error, ErrorKind, Result};

/// The platform's CA certificates, and those that the user adds.
#[derive(Clone, Default)]
pub(crate) struct CaCertificates {
    added: Arc<[CertificateDer<'static>]>,
    /// What judges by both, where some were added.
    verifier: Arc<OnceLock<Arc<Verifier>>>,
}

impl CaCertificates {
    /// The platform's, and those of a PEM text.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] where it has no certificate, or a damaged one.
    pub(crate) fn from_pem(pem: &[u8]) -> Result<Self> {
        let refused = |reason: String| {
            let form = "a PEM file has blocks that begin with -----BEGIN CERTIFICATE-----";
            Error::new(ErrorKind::Config, format!("{reason}; {form}"))
        };
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem)
            .collect::<std::result::Result<_, _>>()
            .map_err(|error| refused(format!("the CA certificates cannot be read: {error}")))?;
        if certificates.is_empty() {
            return Err(refused("there is no CA certificate in it".to_owned()));
        }
        let mut roots = RootCertStore::empty();
        for (at, certificate) in (1..).zip(&certificates) {
            let added = roots.add(certificate.clone());
            added.map_err(|error| refused(format!("CA certificate {at} is damaged: {error}")))?;
        }
        Ok(Self { added: certificates.into(), verifier: Arc::default() })
    }

    /// What judges certificates by these. That of the platform alone is loaded once a process. A failure is not kept: certificates may
    /// be installed later.
    ///
    /// # Errors
    /// Where there are none, as in a bare container.
    pub(super) fn verifier(&self) -> std::result::Result<Arc<Verifier>, TlsError> {
        static PLATFORM: OnceLock<Arc<Verifier>> = OnceLock::new();
        let loaded = if self.added.is_empty() { &PLATFORM } else { &*self.verifier };
        if let Some(verifier) = loaded.get() {
            return Ok(verifier.clone());
        }
        let made = Arc::new(self.load()?);
        Ok(loaded.get_or_init(|| made).clone())
    }

    #[cfg(not(target_os = "android"))]
    fn load(&self) -> std::result::Result<Verifier, TlsError> {
        Verifier::new_with_extra_roots(self.added.iter().cloned(), Arc::new(ring::default_provider()))
    }

    #[cfg(target_os = "android")]
    fn load(&self) -> std::result::Result<Verifier, TlsError> {
        if self.added.is_empty() {
            return Verifier::new(Arc::new(ring::default_provider()));
        }
        Err(TlsError::General("Android takes CA certificates from its settings alone".to_owned()))
    }
}

impl fmt::Debug for CaCertificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CaCertificates({} added)", self.added.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_refused_with_the_form_of_one() {
        let root = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap().cert.pem();
        assert!(CaCertificates::from_pem(root.as_bytes()).is_ok());
        let cut: String = root.lines().filter(|line| !line.starts_with("-----END")).collect::<Vec<_>>().join("\n");
        let damaged = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
        for (pem, reason) in
            [("", "no CA certificate"), (&cut, "cannot be read"), (damaged, "certificate 1 is damaged")]
        {
            let error = CaCertificates::from_pem(pem.as_bytes()).unwrap_err();
            assert!(error.kind() == ErrorKind::Config && error.message().contains(reason), "{error}");
            assert!(error.message().contains("BEGIN CERTIFICATE"), "{error}");
        }
    }
}
