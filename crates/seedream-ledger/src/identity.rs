//! Which line of a file is which, from one run to the next.

use std::collections::HashMap;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// Gives each row of a file its key: its own `id`, or a hash of the row as it is written with the bytes of its references, and how
/// often the same was there before. The same prompt twice in a file is two lines.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keys {
    seen: HashMap<[u8; 32], u32>,
}

impl Keys {
    /// The key of the next row, and the hash of what it asks for.
    pub(crate) fn next(&mut self, id: Option<&str>, mut row: Sha256, references: &[[u8; 32]]) -> (String, String) {
        for reference in references {
            row.update(b"\nreference ");
            row.update(reference);
        }
        let hash: [u8; 32] = row.finalize().into();
        let text = hex(&hash);
        if let Some(id) = id {
            return (id.to_owned(), text);
        }
        let count = self.seen.entry(hash).or_default();
        *count += 1;
        (format!("row-{}-{count}", &text[..16]), text)
    }
}

/// Hashes a row: members in the order of their names, so that no version of a parser changes it.
pub(crate) fn hasher(row: &Value) -> Sha256 {
    let mut hasher = Sha256::new();
    feed(&mut hasher, row);
    hasher
}

fn feed(hasher: &mut Sha256, value: &Value) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            hasher.update(b"{");
            for (name, value) in members {
                hasher.update(Value::from(name.as_str()).to_string());
                hasher.update(b":");
                feed(hasher, value);
                hasher.update(b",");
            }
            hasher.update(b"}");
        }
        Value::Array(elements) => {
            hasher.update(b"[");
            for element in elements {
                feed(hasher, element);
                hasher.update(b",");
            }
            hasher.update(b"]");
        }
        scalar => hasher.update(scalar.to_string()),
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// These hold for ever: with another hash a second run would buy everything again.
    #[test]
    fn keys_are_the_same_in_every_version() {
        let mut keys = Keys::default();
        let row = json!({"prompt": "a lighthouse", "size": "2K", "n": [1, 2.5, null, true]});
        let other = json!({"size": "2K", "n": [1, 2.5, null, true], "prompt": "a lighthouse"});
        let mut next = |id, row, references| keys.next(id, hasher(row), references);
        assert_eq!(next(None, &row, &[]).0, "row-6da6686a0a539922-1");
        assert_eq!(next(None, &other, &[]).0, "row-6da6686a0a539922-2", "the same row twice is two lines");
        assert_eq!(next(None, &row, &[[7; 32]]).0, "row-f99a0ef9dfac9451-1");
        let (key, hash) = next(Some("mine"), &row, &[]);
        assert_eq!((key.as_str(), &hash[..16]), ("mine", "6da6686a0a539922"));
    }
}
