//! SHA-256, as text.

#[cfg(feature = "reqwest")]
mod hasher {
    use ring::digest::{Context, SHA256};

    /// The SHA-256 of bytes that come in pieces: that of ring, which is there for TLS and uses what the CPU has for it.
    #[derive(Clone)]
    pub(crate) struct Sha256(Context);

    impl Sha256 {
        pub(crate) fn new() -> Self {
            Self(Context::new(&SHA256))
        }

        pub(crate) fn update(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }

        pub(crate) fn digest(self) -> [u8; 32] {
            self.0.finish().as_ref().try_into().expect("a SHA-256 has 32 bytes")
        }
    }
}

#[cfg(not(feature = "reqwest"))]
mod hasher {
    use sha2::Digest as _;

    /// The SHA-256 of bytes that come in pieces: a program without reqwest gets no ring for it.
    #[derive(Clone)]
    pub(crate) struct Sha256(sha2::Sha256);

    impl Sha256 {
        pub(crate) fn new() -> Self {
            Self(sha2::Sha256::new())
        }

        pub(crate) fn update(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }

        pub(crate) fn digest(self) -> [u8; 32] {
            self.0.finalize().into()
        }
    }
}

pub(crate) use hasher::Sha256;

impl Sha256 {
    /// The digest in hexadecimal digits.
    pub(crate) fn hex(self) -> String {
        hex(&self.digest())
    }
}

/// Bytes in hexadecimal digits.
pub(crate) fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The SHA-256 of bytes in hexadecimal digits.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    let mut digest = Sha256::new();
    digest.update(bytes);
    digest.hex()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_that_of_all_pieces() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256_hex(b"abc"), abc);
        let mut digest = Sha256::new();
        [&b"a"[..], b"", b"bc"].iter().for_each(|piece| digest.update(piece));
        assert_eq!(digest.hex(), abc);
    }
}
