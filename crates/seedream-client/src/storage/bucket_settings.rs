//! How a bucket is reached: its URL, endpoint, region and keys.

use std::fmt;

use object_store::{ClientConfigKey, aws::AmazonS3ConfigKey};
use secrecy::{ExposeSecret as _, SecretString};
use seedream_core::{Error, ErrorKind, Result};
use url::Url;

use super::bucket_url::BucketUrl;

/// The endpoint of the instance's own keys, which is looked up only where this names it.
const INSTANCE: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT";

/// The endpoint of the store; the one for S3 counts first.
const ENDPOINTS: [&str; 2] = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"];

/// The variables of a place that keeps keys elsewhere, and what they set.
const KEPT_ELSEWHERE: [(&str, AmazonS3ConfigKey); 8] = [
    ("AWS_WEB_IDENTITY_TOKEN_FILE", AmazonS3ConfigKey::WebIdentityTokenFile),
    ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", AmazonS3ConfigKey::ContainerCredentialsRelativeUri),
    ("AWS_CONTAINER_CREDENTIALS_FULL_URI", AmazonS3ConfigKey::ContainerCredentialsFullUri),
    (INSTANCE, AmazonS3ConfigKey::MetadataEndpoint),
    // These alone name no place.
    ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", AmazonS3ConfigKey::ContainerAuthorizationTokenFile),
    ("AWS_ROLE_ARN", AmazonS3ConfigKey::RoleArn),
    ("AWS_ROLE_SESSION_NAME", AmazonS3ConfigKey::RoleSessionName),
    ("AWS_ENDPOINT_URL_STS", AmazonS3ConfigKey::StsEndpoint),
];

/// How many of them name a place.
const PLACES: usize = 4;

/// How a bucket is reached.
#[derive(Clone)]
pub struct BucketSettings {
    url: BucketUrl,
    /// Where the bucket is: its origin, and its path where the bucket is in it.
    endpoint: Option<String>,
    values: Vec<(AmazonS3ConfigKey, SecretString)>,
}

impl fmt::Debug for BucketSettings {
    /// Shows no key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BucketSettings")
            .field("url", &self.url)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

impl BucketSettings {
    /// The settings for `s3://BUCKET/PREFIX` from the variables of AWS, which `lookup` reads; an empty value counts as none.
    ///
    /// | Variable | Meaning |
    /// |---|---|
    /// | `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN` | the keys |
    /// | `AWS_REGION`, or `AWS_DEFAULT_REGION` | the region; `us-east-1` without one |
    /// | `AWS_ENDPOINT_URL_S3`, or `AWS_ENDPOINT_URL` | the store; that of Amazon without one |
    /// | `AWS_VIRTUAL_HOSTED_STYLE_REQUEST` | `true`: the bucket is in the name of the host, as TOS and OSS need it |
    /// | `AWS_ALLOW_HTTP` | `true`: the endpoint may be `http://`, over which others can read the images |
    /// | `AWS_WEB_IDENTITY_TOKEN_FILE` with `AWS_ROLE_ARN`, `AWS_CONTAINER_CREDENTIALS_…`, `AWS_EC2_METADATA_SERVICE_ENDPOINT` | where keys are, if none are set; nothing else is looked for |
    ///
    /// # Errors
    /// [`ErrorKind::Config`]: the URL or a variable breaks a rule, or no keys are set. No message has a key.
    pub fn from_lookup(url: &str, lookup: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let url: BucketUrl = url.parse()?;
        let lookup = |name: &str| lookup(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let refused = |message: String| Error::new(ErrorKind::Config, message);
        let is_set = |name: &str| match lookup(name).map(|value| value.to_ascii_lowercase()).as_deref() {
            None | Some("false" | "0" | "no" | "off") => Ok(false),
            Some("true" | "1" | "yes" | "on") => Ok(true),
            Some(_) => Err(refused(format!("{name} is neither true nor false"))),
        };
        let (is_hosted, allow_http) = (is_set("AWS_VIRTUAL_HOSTED_STYLE_REQUEST")?, is_set("AWS_ALLOW_HTTP")?);
        let named = ENDPOINTS.iter().find_map(|name| Some((*name, lookup(name)?)));
        let endpoint =
            named.map(|(name, text)| endpoint(name, &text, url.bucket(), is_hosted, allow_http)).transpose()?;
        let text = |on: bool| SecretString::from(on.to_string());
        let mut values = vec![
            (AmazonS3ConfigKey::VirtualHostedStyleRequest, text(is_hosted)),
            (AmazonS3ConfigKey::Client(ClientConfigKey::AllowHttp), text(allow_http)),
        ];
        if let Some(region) = lookup("AWS_REGION").or_else(|| lookup("AWS_DEFAULT_REGION")) {
            values.push((AmazonS3ConfigKey::Region, region.into()));
        }
        if let Some(endpoint) = &endpoint {
            values.push((AmazonS3ConfigKey::Endpoint, endpoint.clone().into()));
        }
        match (lookup("AWS_ACCESS_KEY_ID"), lookup("AWS_SECRET_ACCESS_KEY")) {
            (Some(id), Some(secret)) => {
                values.push((AmazonS3ConfigKey::AccessKeyId, id.into()));
                values.push((AmazonS3ConfigKey::SecretAccessKey, secret.into()));
                values.extend(lookup("AWS_SESSION_TOKEN").map(|token| (AmazonS3ConfigKey::Token, token.into())));
            }
            (None, None) => {
                let kept = KEPT_ELSEWHERE.iter().filter_map(|(name, key)| Some((*key, lookup(name)?.into())));
                values.extend(kept);
                if !KEPT_ELSEWHERE[..PLACES].iter().any(|(name, _)| lookup(name).is_some()) {
                    return Err(refused(format!(
                        "no keys for {url}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (`aws configure export-credentials --format \
                         env` prints those of a profile), or {INSTANCE}=http://169.254.169.254 for those of this instance"
                    )));
                }
            }
            (Some(_), None) => {
                return Err(refused("AWS_SECRET_ACCESS_KEY is not set: set it beside AWS_ACCESS_KEY_ID".into()));
            }
            (None, Some(_)) => {
                return Err(refused("AWS_ACCESS_KEY_ID is not set: set it beside AWS_SECRET_ACCESS_KEY".into()));
            }
        }
        Ok(Self { url, endpoint, values })
    }

    /// The place of the objects.
    pub fn url(&self) -> &BucketUrl {
        &self.url
    }

    /// The endpoint of the store; `None` for that of Amazon.
    pub fn endpoint(&self) -> Option<&str> {
        self.endpoint.as_deref()
    }

    pub(super) fn values(&self) -> impl Iterator<Item = (AmazonS3ConfigKey, &str)> {
        self.values.iter().map(|(key, value)| (*key, value.expose_secret()))
    }
}

/// The endpoint with the bucket in its host where that is the style.
fn endpoint(name: &str, text: &str, bucket: &str, is_hosted: bool, allow_http: bool) -> Result<String> {
    let refused = |rule: &str| Error::new(ErrorKind::Config, format!("{name}: {rule}"));
    let mut url = Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or_else(|| refused("it is not a URL; write https://HOST"))?;
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
        return Err(refused("it has a password or a query; write https://HOST"));
    }
    if url.scheme() == "http" && !allow_http {
        return Err(refused("over http:// others can read the images; write https://, or set AWS_ALLOW_HTTP=true"));
    }
    let host = url.host_str().unwrap_or_default().to_owned();
    if is_hosted && !host.starts_with(&format!("{bucket}.")) {
        url.set_host(Some(&format!("{bucket}.{host}")))
            .map_err(|_| refused("a bucket cannot be in its host; leave AWS_VIRTUAL_HOSTED_STYLE_REQUEST out"))?;
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(url: &str, variables: &[(&str, &str)]) -> Result<BucketSettings> {
        let keys = [("AWS_ACCESS_KEY_ID", "canary-id"), ("AWS_SECRET_ACCESS_KEY", "canary-secret")];
        let all: Vec<_> = keys.into_iter().chain(variables.iter().copied()).collect();
        let last =
            |name: &str| all.iter().rev().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        BucketSettings::from_lookup(url, last)
    }

    #[test]
    fn the_endpoint_has_the_bucket_where_the_style_wants_it() {
        let endpoint = |variables: &[(&str, &str)]| settings("s3://b/p", variables).unwrap().endpoint;
        assert_eq!(endpoint(&[]), None);
        let tos = ("AWS_ENDPOINT_URL_S3", "https://tos-s3-cn-beijing.volces.com/");
        assert_eq!(endpoint(&[tos]).unwrap(), "https://tos-s3-cn-beijing.volces.com");
        let hosted = ("AWS_VIRTUAL_HOSTED_STYLE_REQUEST", "true");
        assert_eq!(endpoint(&[tos, hosted]).unwrap(), "https://b.tos-s3-cn-beijing.volces.com");
        let other = ("AWS_ENDPOINT_URL", "https://other.example");
        assert_eq!(endpoint(&[other, tos]).unwrap(), "https://tos-s3-cn-beijing.volces.com");
        assert_eq!(endpoint(&[other, ("AWS_ENDPOINT_URL_S3", " ")]).unwrap(), "https://other.example");
    }

    #[test]
    fn what_is_missing_or_wrong_is_named_and_no_key_is() {
        for (variables, message) in [
            (&[("AWS_ENDPOINT_URL", "http://a.example")][..], "AWS_ALLOW_HTTP=true"),
            (&[("AWS_ENDPOINT_URL", "a.example")], "AWS_ENDPOINT_URL: it is not a URL"),
            (&[("AWS_ENDPOINT_URL_S3", "https://canary-id:canary-secret@a.example")], "it has a password"),
            (&[("AWS_ALLOW_HTTP", "maybe")], "AWS_ALLOW_HTTP is neither true nor false"),
            (&[("AWS_SECRET_ACCESS_KEY", "")], "AWS_SECRET_ACCESS_KEY is not set"),
            (&[("AWS_ACCESS_KEY_ID", "")], "AWS_ACCESS_KEY_ID is not set"),
            (&[("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", "")], "no keys for s3://b/p"),
            (
                &[
                    ("AWS_ENDPOINT_URL", "https://127.0.0.1"),
                    ("AWS_VIRTUAL_HOSTED_STYLE_REQUEST", "true"),
                    ("AWS_ALLOW_HTTP", "x"),
                ],
                "neither",
            ),
        ] {
            let error = settings("s3://b/p", variables).unwrap_err();
            assert!(error.message().contains(message), "{error}");
            assert!(!format!("{error:?}").contains("canary"), "{error:?}");
        }
        let shown = format!("{:?}", settings("s3://b/p", &[("AWS_SESSION_TOKEN", "canary-token")]).unwrap());
        assert!(!shown.contains("canary"), "{shown}");
        // Keys of this instance are looked for only where the environment says so.
        let none = [("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", "")];
        let instance = [none[0], none[1], (INSTANCE, "http://127.0.0.1:9")];
        assert!(settings("s3://b/p", &instance).is_ok());
    }
}
