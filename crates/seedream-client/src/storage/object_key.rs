//! The keys of objects: one for each image of each attempt, whichever id the job has.

use super::bucket_url::BucketUrl;
use crate::{
    disk::sha256_hex,
    output::{FinishedPurchase, NewImage},
};

/// The longest encoded id of a job that stands in a key as it is, in bytes; stores take keys of 1024.
const LONGEST_ID: usize = 512;

/// The key of an image: `<prefix>/<job>-<attempt>-<index>.<extension>`.
pub(super) fn of_image(url: &BucketUrl, image: &NewImage) -> String {
    let stem = stem(url, &image.job, &image.attempt, image.purchase);
    format!("{stem}-{}.{}", image.index, image.extension)
}

/// The key of the metadata: `<prefix>/<job>-<attempt>.json`.
pub(super) fn of_metadata(url: &BucketUrl, purchase: &FinishedPurchase<'_>) -> String {
    format!("{}.json", stem(url, purchase.job, purchase.attempt, purchase.purchase))
}

fn stem(url: &BucketUrl, job: &str, attempt: &str, purchase: u32) -> String {
    let (job, prefix) = (encoded(job), url.prefix());
    let slash = if prefix.is_empty() { "" } else { "/" };
    // No name of an attempt begins with this word.
    let attempt = if attempt.is_empty() { format!("task{purchase}") } else { attempt.to_owned() };
    format!("{prefix}{slash}{job}-{attempt}")
}

/// The id of a job as it can stand in a key: letters, digits, `-`, `_`, and `.` and `/` where they make no empty, hidden or relative
/// part. Any other byte is `=` with two hexadecimal digits, so two ids never have one form.
fn encoded(job: &str) -> String {
    let mut key = String::with_capacity(job.len());
    for byte in job.bytes() {
        let begins = key.is_empty() || key.ends_with('/');
        match byte {
            b'.' | b'/' if begins => key.push_str(&format!("={byte:02X}")),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'/' => key.push(char::from(byte)),
            _ => key.push_str(&format!("={byte:02X}")),
        }
    }
    if key.len() > LONGEST_ID {
        // It is ASCII, and no digit follows the `=` of a short id.
        key.truncate(LONGEST_ID);
        key = format!("{key}=x{}", sha256_hex(job.as_bytes()));
    }
    key
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_id_is_readable_in_a_key_and_makes_no_strange_part() {
        for (job, key) in [
            ("kite", "kite"),
            ("jobs.jsonl/kite", "jobs.jsonl/kite"),
            ("../../etc", "=2E./=2E./etc"),
            ("/a//b/", "=2Fa/=2Fb/"),
            (".hidden", "=2Ehidden"),
            ("a b=ü", "a=20b=3D=C3=BC"),
            ("", ""),
        ] {
            assert_eq!(encoded(job), key);
        }
        let long = encoded(&"界".repeat(400));
        assert!(long.len() < 600 && long != encoded(&"界".repeat(401)));
        assert_eq!(stem(&"s3://b/p/q".parse().unwrap(), "a/b", "", 2), "p/q/a/b-task2");
        assert_eq!(stem(&"s3://b".parse().unwrap(), "a", "0f", 1), "a-0f");
    }

    proptest! {
        #[test]
        fn two_ids_have_two_keys(jobs in prop::collection::hash_set("[./=a2FE-]{0,6}", 2..40)) {
            let mut seen = HashMap::new();
            for job in jobs {
                let key = encoded(&job);
                let parts: Vec<_> = key.trim_end_matches('/').split('/').collect();
                prop_assert!(key.is_empty() || parts.iter().all(|part| !part.is_empty() && !part.starts_with('.')), "{}", key);
                if let Some(other) = seen.insert(key.clone(), job.clone()) {
                    return Err(TestCaseError::fail(format!("{job} and {other} are {key}")));
                }
            }
        }
    }
}
