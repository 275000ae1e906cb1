//! What proves that a store holds the bytes that it was sent.

use std::fmt;

use md5::{Digest as _, Md5};

use crate::disk::{Sha256, hex};

/// What a HEAD of a saved object proved. Each is stronger than the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Proof {
    /// The store states the SHA-256 of the bytes.
    Sha256,
    /// The store's ETag is the MD5 of the bytes.
    Md5,
    /// Size alone: the store states no checksum that is known. The signature of the request covers the SHA-256 of its body, which
    /// the store checks when it arrives.
    Size,
}

impl Proof {
    /// Its name: `sha256`, `md5` or `size`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Md5 => "md5",
            Self::Size => "size",
        }
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sha256 => "SHA-256 checksum",
            Self::Md5 => "ETag that is the MD5",
            Self::Size => "size alone",
        })
    }
}

/// What a HEAD states of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct StatedObject {
    pub(super) bytes: u64,
    pub(super) etag: Option<String>,
    /// In base64; that of the digests of the parts, and their count behind a dash, where the object came in parts.
    pub(super) sha256: Option<String>,
}

/// The digests of what was sent: of all of it, and of each part.
pub(super) struct Fingerprint {
    bytes: u64,
    all: Sha256,
    sha256: Vec<[u8; 32]>,
    md5: Vec<[u8; 16]>,
    /// Whether it was sent in parts.
    in_parts: bool,
}

impl Fingerprint {
    pub(super) fn new(in_parts: bool) -> Self {
        Self { bytes: 0, all: Sha256::new(), sha256: Vec::new(), md5: Vec::new(), in_parts }
    }

    /// Adds a part; one that is sent as a whole is one part.
    pub(super) fn add(&mut self, part: &[u8]) {
        self.bytes += part.len() as u64;
        self.all.update(part);
        let mut digest = Sha256::new();
        digest.update(part);
        self.sha256.push(digest.digest());
        self.md5.push(Md5::digest(part).into());
    }

    /// The SHA-256 of all of it, in hexadecimal digits.
    pub(super) fn sha256(&self) -> String {
        hex(&self.all.clone().digest())
    }

    /// What the statement proves. `md5` says whether the ETag of this store is known to be the MD5 of an object that was sent as a whole.
    ///
    /// # Errors
    /// The object is another one, in a sentence.
    pub(super) fn proof(&self, stated: &StatedObject, md5: bool) -> Result<Proof, String> {
        if stated.bytes != self.bytes {
            return Err(format!("the store has {} bytes of {}", stated.bytes, self.bytes));
        }
        let base64 = |digest: &[u8]| base64_simd::STANDARD.encode_to_string(digest);
        let whole = base64(&self.all.clone().digest());
        if let Some(stated) = &stated.sha256 {
            let mut composite = Sha256::new();
            self.sha256.iter().for_each(|digest| composite.update(digest));
            // Some stores leave the count out.
            let stated = stated.strip_suffix(&format!("-{}", self.sha256.len())).unwrap_or(stated);
            let is_same = *stated == whole || (self.in_parts && *stated == base64(&composite.digest()));
            return if is_same { Ok(Proof::Sha256) } else { Err("the store states another SHA-256".to_owned()) };
        }
        let etag = stated.etag.as_deref().map(|etag| etag.trim_matches('"').to_ascii_lowercase());
        let expected = if self.in_parts {
            format!("{}-{}", hex(&Md5::digest(self.md5.concat())), self.md5.len())
        } else {
            self.md5.first().map(|digest| hex(digest)).unwrap_or_default()
        };
        match etag {
            Some(etag) if etag == expected => Ok(Proof::Md5),
            _ if md5 && !self.in_parts => Err("the ETag of the store is not the MD5".to_owned()),
            _ => Ok(Proof::Size),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(parts: &[&str], in_parts: bool) -> Fingerprint {
        let mut fingerprint = Fingerprint::new(in_parts);
        parts.iter().for_each(|part| fingerprint.add(part.as_bytes()));
        fingerprint
    }

    fn stated(bytes: u64, etag: Option<&str>, sha256: Option<&str>) -> StatedObject {
        StatedObject { bytes, etag: etag.map(str::to_owned), sha256: sha256.map(str::to_owned) }
    }

    const ABC_MD5: &str = "\"900150983CD24FB0D6963F7D28E17F72\"";
    const ABC_SHA256: &str = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";

    #[test]
    fn the_strongest_statement_counts_and_another_object_is_none() {
        let abc = of(&["abc"], false);
        for (bytes, etag, sha256, md5, proof) in [
            (3, Some(ABC_MD5), Some(ABC_SHA256), true, Ok(Proof::Sha256)),
            (3, Some("\"x\""), Some(ABC_SHA256), true, Ok(Proof::Sha256)),
            (3, Some(ABC_MD5), Some("AAAA"), true, Err("the store states another SHA-256")),
            (3, Some(ABC_MD5), None, false, Ok(Proof::Md5)),
            (3, Some("\"x\""), None, false, Ok(Proof::Size)),
            (3, None, None, false, Ok(Proof::Size)),
            (3, Some("\"x\""), None, true, Err("the ETag of the store is not the MD5")),
            (2, Some(ABC_MD5), Some(ABC_SHA256), true, Err("the store has 2 bytes of 3")),
        ] {
            assert_eq!(abc.proof(&stated(bytes, etag, sha256), md5), proof.map_err(str::to_owned));
        }
    }

    #[test]
    fn an_object_in_parts_has_the_digest_of_their_digests() {
        let abc = of(&["ab", "c"], true);
        assert_eq!(abc.sha256(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        // Computed by Python's hashlib.
        let (md5, sha256) = ("d833159094d1d7ad96ffcc78414e3682-2", "EVMj5WLEpP33zqztymYNxLvhOJ2rkyOq0IRAkHx0JtA=-2");
        assert_eq!(abc.proof(&stated(3, None, Some(ABC_SHA256)), true), Ok(Proof::Sha256));
        assert_eq!(abc.proof(&stated(3, Some(md5), Some(sha256)), true), Ok(Proof::Sha256));
        assert_eq!(abc.proof(&stated(3, None, sha256.strip_suffix("-2")), true), Ok(Proof::Sha256));
        assert!(abc.proof(&stated(3, None, Some(&sha256.replace("-2", "-3"))), true).is_err());
        assert_eq!(abc.proof(&stated(3, Some(md5), None), true), Ok(Proof::Md5));
        assert_eq!(abc.proof(&stated(3, Some(ABC_MD5), None), true), Ok(Proof::Size));
        assert!(abc.proof(&stated(3, None, Some("AAAA-2")), true).is_err());
    }
}
