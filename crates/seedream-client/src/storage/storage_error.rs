//! Why a store did not do what it was to do.

use std::{error::Error as StdError, fmt};

/// A request that a store refused, or of which the response was lost. It holds no key, no signature and no bytes of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageError {
    request: &'static str,
    place: String,
    fault: Fault,
}

/// What went wrong with one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The store refused it.
    Refused {
        status: u16,
        /// The store's word for it; empty where it has none.
        code: String,
        /// The region of the bucket, where the store names one.
        region: Option<String>,
    },
    /// There is no response.
    Lost(String),
    /// The object is not what was sent.
    Differs(String),
    /// Something on this machine.
    Local(String),
}

impl StorageError {
    pub(super) fn new(request: &'static str, place: impl Into<String>, fault: Fault) -> Self {
        Self { request, place: place.into(), fault }
    }

    /// The error of the library, whose own text may hold more than a person should see.
    pub(super) fn of(request: &'static str, place: impl Into<String>, error: &object_store::Error) -> Self {
        let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
        let mut last = None;
        while let Some(this) = cause {
            if let Some(fault) = this.downcast_ref::<Fault>() {
                return Self::new(request, place, fault.clone());
            }
            last = Some(this);
            cause = this.source();
        }
        let text = last.map(|error| seedream_core::redact(&error.to_string())).unwrap_or_default();
        Self::new(request, place, Fault::Lost(format!("the response cannot be read: {text}")))
    }

    /// Whether the store says that there is no such object, bucket or upload.
    pub fn is_missing(&self) -> bool {
        matches!(self.fault, Fault::Refused { status: 404, .. })
    }

    /// Whether the store does not know a header or a kind of request: another form may be taken.
    pub(super) fn is_unsupported(&self) -> bool {
        matches!(&self.fault, Fault::Refused { status: 400 | 405 | 501, .. })
    }

    /// What to do about it.
    pub fn remedy(&self) -> String {
        let Fault::Refused { status, code, region } = &self.fault else {
            return match &self.fault {
                Fault::Lost(_) => "check AWS_ENDPOINT_URL_S3, the network and the proxy",
                Fault::Differs(_) => "do not trust this store with images until it returns what it was sent",
                _ => "check the folder and its disk",
            }
            .to_owned();
        };
        if let Some(region) = region {
            return format!("the bucket is in another region: set AWS_REGION={region}");
        }
        match (code.as_str(), status) {
            ("SecondLevelDomainForbidden" | "InvalidPathAccess", _) => {
                "the store wants the bucket in the name of the host: set AWS_VIRTUAL_HOSTED_STYLE_REQUEST=true"
            }
            ("NoSuchBucket", _) => "create the bucket, or name another; buckets belong to the endpoint in AWS_ENDPOINT_URL_S3",
            ("InvalidAccessKeyId" | "SignatureDoesNotMatch" | "ExpiredToken" | "InvalidToken", _) => {
                "the store does not accept the keys: check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and AWS_REGION"
            }
            (_, 401 | 403) => "the keys lack a permission; saving needs s3:PutObject and s3:GetObject, large images s3:AbortMultipartUpload",
            (_, 404) => "check the bucket and AWS_ENDPOINT_URL_S3",
            (_, 301 | 307) => "set AWS_REGION to the region of the bucket",
            _ => "try again later; if it persists, ask the operator of the store",
        }
        .to_owned()
    }
}

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.request, self.place, self.fault)
    }
}

impl StdError for StorageError {}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { status, code, .. } if code.is_empty() => write!(f, "HTTP {status}"),
            Self::Refused { status, code, .. } => write!(f, "HTTP {status} {code}"),
            Self::Lost(why) | Self::Differs(why) | Self::Local(why) => f.write_str(why),
        }
    }
}

impl StdError for Fault {}
