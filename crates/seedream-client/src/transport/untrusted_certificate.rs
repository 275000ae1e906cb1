//! Why a certificate is not trusted, in words that a person can act on.

use std::{error::Error as StdError, fmt, io};

use rustls::{
    CertificateError, Error, OtherError,
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use seedream_core::Timestamp;

use super::certificate_names::CertificateNames;

/// A certificate that is not trusted: why, and the chain that the server sent.
#[derive(Clone, Debug)]
pub(super) struct UntrustedCertificate {
    reason: String,
    /// The subjects of the chain, and the issuer of its last certificate.
    chain: Vec<String>,
}

impl UntrustedCertificate {
    /// The error with the reason in words, where it is about a certificate.
    pub(super) fn explained(
        error: Error,
        chain: (&CertificateDer<'_>, &[CertificateDer<'_>]),
        server: &ServerName<'_>,
    ) -> Error {
        let Error::InvalidCertificate(error) = error else { return error };
        let (leaf, others) = chain;
        let names: Vec<_> = [leaf].into_iter().chain(others).filter_map(|der| CertificateNames::of(der)).collect();
        let mut chain: Vec<_> = names.iter().map(|names| names.subject.clone()).collect();
        chain.extend(names.last().map(|names| names.issuer.clone()));
        // A root that the server sends too is its own issuer.
        chain.dedup();
        let explained = Self { reason: reason(&error, &server.to_str(), chain.last()), chain };
        Error::InvalidCertificate(CertificateError::Other(OtherError(std::sync::Arc::new(explained))))
    }

    /// The one that an error of a connection was caused by.
    pub(super) fn cause_of<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Self> {
        match tls_error(error)? {
            Error::InvalidCertificate(CertificateError::Other(OtherError(cause))) => cause.downcast_ref(),
            _ => None,
        }
    }
}

/// Whether a connection failed because what came is not TLS.
pub(super) fn is_no_tls(error: &(dyn StdError + 'static)) -> bool {
    matches!(tls_error(error), Some(Error::InvalidMessage(_)))
}

/// The error of TLS that caused this one.
fn tls_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        // The source of such an error is that of the one within.
        let within = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = within.map(|within| within as &(dyn StdError + 'static)).or_else(|| error.source());
    }
    None
}

fn reason(error: &CertificateError, host: &str, issuer: Option<&String>) -> String {
    let clock = "or set the clock of this machine, if it is wrong";
    match error {
        CertificateError::UnknownIssuer => format!(
            "the certificate of {host} is issued by {}, which this machine does not trust; if that is the CA of your network or proxy, trust it with --ca-cert FILE (in code: ca_certificates)",
            issuer.map_or("somebody", String::as_str)
        ),
        CertificateError::ExpiredContext { time, not_after } => {
            format!(
                "the certificate of {host} expired at {}, and it is {}; ask its operator to renew it, {clock}",
                at(not_after),
                at(time)
            )
        }
        CertificateError::NotValidYetContext { time, not_before } => {
            format!(
                "the certificate of {host} is not valid before {}, and it is {}; wait until then, {clock}",
                at(not_before),
                at(time)
            )
        }
        CertificateError::NotValidForNameContext { presented, .. } => {
            // Such as `DnsName("api.example")` and `IpAddress(127.0.0.1)`.
            let bare =
                |name: &String| name.split(['(', ')', '"']).filter(|part| !part.is_empty()).nth(1).map(str::to_owned);
            let names: Vec<_> = presented.iter().filter_map(bare).collect();
            format!("the certificate is for {}, not for {host}; correct the host in the base URL", names.join(", "))
        }
        other => format!("the certificate of {host} is refused: {other}"),
    }
}

fn at(time: &UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).ok().and_then(Timestamp::from_unix_seconds);
    seconds.map_or_else(|| format!("second {}", time.as_secs()), |time| time.to_string())
}

impl fmt::Display for UntrustedCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)?;
        if self.chain.is_empty() { Ok(()) } else { write!(f, "; chain: {}", self.chain.join(" < ")) }
    }
}

impl StdError for UntrustedCertificate {}
