//! The place of objects: a bucket and what their keys begin with.

use std::{fmt, str::FromStr};

use seedream_core::{Error, ErrorKind};

/// `s3://bucket/prefix`: where objects are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BucketUrl {
    bucket: String,
    prefix: String,
}

impl BucketUrl {
    /// The name of the bucket.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// What keys begin with, without a slash at its ends; empty for the whole bucket.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The URL of a key of this bucket.
    pub(super) fn of_key(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.bucket)
    }
}

impl fmt::Display for BucketUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.of_key(&self.prefix).trim_end_matches('/'))
    }
}

impl FromStr for BucketUrl {
    type Err = Error;

    /// # Errors
    /// [`ErrorKind::Config`]: the rule that the text breaks, and what to write.
    fn from_str(text: &str) -> Result<Self, Error> {
        let refused = |rule: &str| Error::new(ErrorKind::Config, format!("{text}: {rule}"));
        let (scheme, rest) = text.split_once("://").unwrap_or_default();
        if scheme != "s3" {
            let rule =
                "the URL of a bucket is s3://BUCKET/PREFIX; other stores, such as gs:// and az://, are not supported";
            return Err(refused(rule));
        }
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(refused("the bucket is missing: write s3://BUCKET or s3://BUCKET/PREFIX"));
        }
        let is_legal = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        if !bucket.chars().all(is_legal) || !bucket.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return Err(refused("the name of a bucket has letters, digits, dashes and dots: write s3://BUCKET/PREFIX"));
        }
        let prefix = prefix.trim_end_matches('/');
        let is_bad = |part: &str| matches!(part, "" | "." | "..");
        if !prefix.is_empty() && prefix.split('/').any(is_bad) {
            return Err(refused("a part of the prefix is empty, `.` or `..`: leave it out"));
        }
        if prefix.contains(|c: char| c.is_control() || "?#\\".contains(c)) {
            return Err(refused("the prefix has `?`, `#`, `\\` or a control character: leave it out"));
        }
        Ok(Self { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_has_a_bucket_and_a_prefix() {
        for (text, bucket, prefix, shown) in [
            ("s3://b", "b", "", "s3://b"),
            ("s3://my-bucket.eu/", "my-bucket.eu", "", "s3://my-bucket.eu"),
            ("s3://b/a b/ü/", "b", "a b/ü", "s3://b/a b/ü"),
        ] {
            let url: BucketUrl = text.parse().unwrap();
            assert_eq!((url.bucket(), url.prefix(), &*url.to_string()), (bucket, prefix, shown));
        }
        for (text, rule) in [
            ("gs://b/p", "gs:// and az://, are not supported"),
            ("az://b", "not supported"),
            ("out", "s3://BUCKET/PREFIX"),
            ("s3://", "the bucket is missing"),
            ("s3:///p", "the bucket is missing"),
            ("s3://key:secret@b/p", "letters, digits"),
            ("s3://b/a//b", "empty"),
            ("s3://b/../c", "`..`"),
            ("s3://b/c?versionId=1", "`?`"),
        ] {
            let error = text.parse::<BucketUrl>().unwrap_err();
            assert!(error.message().contains(rule), "{text}: {error}");
        }
    }
}
