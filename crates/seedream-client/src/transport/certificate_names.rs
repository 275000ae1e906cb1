//! Whom a certificate names, for messages: its subject and its issuer.

/// The tags of DER that are read here.
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT_ID: u8 = 0x06;
const UTF_16: u8 = 0x1e;
const VERSION: u8 = 0xa0;

/// The attributes of a name in the order in which they are preferred: common name, organizational unit, organization.
const ATTRIBUTES: [&[u8]; 3] = [&[0x55, 4, 3], &[0x55, 4, 11], &[0x55, 4, 10]];

/// The longest name that is shown, in characters. A server chooses it.
const LONGEST: usize = 100;

/// Whom a certificate is for and who issued it.
#[derive(Debug, PartialEq)]
pub(super) struct CertificateNames {
    pub(super) subject: String,
    pub(super) issuer: String,
}

impl CertificateNames {
    /// Those of a certificate in DER; `None` where it has none or is damaged.
    pub(super) fn of(certificate: &[u8]) -> Option<Self> {
        let (fields, _) = element(certificate, SEQUENCE)?;
        let (mut rest, _) = element(fields, SEQUENCE)?;
        if let Some((_, after)) = element(rest, VERSION) {
            rest = after;
        }
        let (_, _, rest) = any(rest)?; // the serial number
        let (_, rest) = element(rest, SEQUENCE)?; // the algorithm
        let (issuer, rest) = element(rest, SEQUENCE)?;
        let (_, rest) = element(rest, SEQUENCE)?; // the validity
        let (subject, _) = element(rest, SEQUENCE)?;
        Some(Self { subject: name(subject)?, issuer: name(issuer)? })
    }
}

/// The attribute of a name that says most.
fn name(mut rest: &[u8]) -> Option<String> {
    let mut best: Option<(usize, String)> = None;
    while let Some((set, after)) = element(rest, SET) {
        rest = after;
        let (pair, _) = element(set, SEQUENCE)?;
        let (id, value) = element(pair, OBJECT_ID)?;
        let (tag, text, _) = any(value)?;
        let Some(rank) = ATTRIBUTES.iter().position(|known| *known == id) else { continue };
        if best.as_ref().is_none_or(|(other, _)| rank < *other) {
            best = Some((rank, decoded(tag, text)));
        }
    }
    best.map(|(_, text)| text.chars().filter(|c| !c.is_control()).take(LONGEST).collect())
}

fn decoded(tag: u8, text: &[u8]) -> String {
    if tag != UTF_16 {
        return String::from_utf8_lossy(text).into_owned();
    }
    let units: Vec<_> = text.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
    String::from_utf16_lossy(&units)
}

/// The content of the first element, which has this tag, and what follows it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    any(bytes).filter(|(found, ..)| *found == tag).map(|(_, content, rest)| (content, rest))
}

/// The tag and the content of the first element, and what follows it.
fn any(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match usize::from(*first) {
        short @ 0..0x80 => (short, rest),
        // The number of bytes that the length has.
        long => {
            let (digits, rest) = rest.split_at_checked(long & 0x7f)?;
            (digits.iter().try_fold(0usize, |sum, digit| sum.checked_mul(256)?.checked_add((*digit).into()))?, rest)
        }
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, Issuer, KeyPair};

    use super::*;

    #[test]
    fn a_certificate_names_its_subject_and_its_issuer_and_a_damaged_one_nobody() {
        let params = |kind: DnType, name: &str| {
            let mut params = CertificateParams::default();
            params.distinguished_name = rcgen::DistinguishedName::new();
            params.distinguished_name.push(DnType::CountryName, "CN");
            params.distinguished_name.push(kind, name);
            params
        };
        let key = || KeyPair::generate().unwrap();
        let issuer = Issuer::new(params(DnType::OrganizationName, "港口"), key());
        let certificate = params(DnType::CommonName, "api\u{7}.example").signed_by(&key(), &issuer).unwrap();
        let certificate = certificate.der();
        let names = CertificateNames::of(certificate).unwrap();
        assert_eq!((names.subject.as_str(), names.issuer.as_str()), ("api.example", "港口"));
        for length in 0..certificate.len() {
            let _ = CertificateNames::of(&certificate[..length]);
        }
        assert_eq!(CertificateNames::of(&certificate[..40]), None);
    }
}
