//! A question that cannot be billed, and why it cannot.

use std::sync::Arc;

use bytes::Bytes;
use seedream_core::{Dialect, Error, ErrorKind, Field, ImageRequest, Strictness};
use seedream_fixtures::{EvidenceKind, ExpectedPreflight, OperationKind, RecordedExchange};

use crate::{Subject, fixture::convert_exchange};

/// A key that no provider has issued: no account pays for its requests.
pub(super) const INVALID_KEY: &str = "sk-nobody-0000000000000000000000000000";

/// One question that cannot be billed. Only this module makes one.
#[derive(Clone, Debug)]
pub struct FreeQuestion {
    dialect: Arc<dyn Dialect>,
    pub(super) ask: QuestionKind,
}

/// What is asked, which is why it is free.
#[derive(Clone, Debug)]
pub(super) enum QuestionKind {
    /// The key belongs to no account.
    WrongKey(CreateRequest),
    /// The provider is known to refuse it: the rules say so, and an exchange that is no conclusion of ours shows it.
    IllegalSize(CreateRequest),
    /// A list is not sold.
    Models,
}

/// A create request, with the bytes that it is.
#[derive(Clone, Debug)]
pub(super) struct CreateRequest {
    pub(super) request: ImageRequest,
    pub(super) body: Bytes,
}

impl FreeQuestion {
    /// Everything that can be asked of a provider for free, and what cannot, with the reason.
    pub fn of(subject: &Subject) -> Vec<Result<Self, String>> {
        let dialect = subject.dialect();
        let ask = |ask| Self { dialect: dialect.clone(), ask };
        let models = dialect.catalog().map(|_| ask(QuestionKind::Models));
        vec![
            wrong_key(&**dialect).map(|create| ask(QuestionKind::WrongKey(create))),
            illegal_size(subject).map(|create| ask(QuestionKind::IllegalSize(create))),
            models.ok_or_else(|| "models: the provider has no list of models".to_owned()),
        ]
    }

    /// The provider's id.
    pub fn provider(&self) -> &str {
        &self.dialect.descriptor().id
    }

    /// What is asked: `wrong-key`, `illegal-size`, `models`.
    pub fn name(&self) -> &'static str {
        match self.ask {
            QuestionKind::WrongKey(_) => "wrong-key",
            QuestionKind::IllegalSize(_) => "illegal-size",
            QuestionKind::Models => "models",
        }
    }

    /// The kind of error that the provider must respond with; `None` where it must succeed.
    pub(super) fn refused_as(&self) -> Option<ErrorKind> {
        match self.ask {
            QuestionKind::WrongKey(_) => Some(ErrorKind::Authentication),
            QuestionKind::IllegalSize(_) => Some(ErrorKind::InvalidRequest),
            QuestionKind::Models => None,
        }
    }

    /// Whether the rules refuse it before it is sent, which a run of this kind overrules.
    pub(super) fn is_illegal(&self) -> bool {
        let strict = |request: &ImageRequest| {
            self.dialect.capabilities(&request.model).check(request, Strictness::Strict).is_err()
        };
        self.given().is_some_and(strict)
    }

    pub(super) fn operation(&self) -> OperationKind {
        match self.ask {
            QuestionKind::Models => OperationKind::Models,
            _ => OperationKind::Create,
        }
    }

    pub(super) fn given(&self) -> Option<&ImageRequest> {
        match &self.ask {
            QuestionKind::WrongKey(create) | QuestionKind::IllegalSize(create) => Some(&create.request),
            QuestionKind::Models => None,
        }
    }
}

impl QuestionKind {
    /// Whether a request is the one that this stands for.
    pub(super) fn admits(&self, request: &http::Request<Bytes>) -> bool {
        let key = request.headers().get(http::header::AUTHORIZATION);
        match self {
            Self::Models => request.method() == http::Method::GET && request.body().is_empty(),
            Self::IllegalSize(create) => *request.body() == create.body,
            Self::WrongKey(create) => {
                let has_it = key.is_some_and(|key| key.as_bytes() == format!("Bearer {INVALID_KEY}").as_bytes());
                has_it && *request.body() == create.body
            }
        }
    }
}

impl CreateRequest {
    fn new(dialect: &dyn Dialect, request: ImageRequest) -> Result<Self, Error> {
        let checked = dialect.capabilities(&request.model).check(&request, Strictness::Off)?;
        let body = dialect.encode(&checked)?.into_body();
        Ok(Self { request, body })
    }
}

/// A request of one pixel: a provider that does not look at the key has another reason to refuse it.
fn wrong_key(dialect: &dyn Dialect) -> Result<CreateRequest, String> {
    let model = &dialect.descriptor().default_model;
    let request = ImageRequest::new(model, "a lighthouse in fog").size(seedream_core::Size::pixels(1, 1));
    CreateRequest::new(dialect, request).map_err(|error| format!("wrong-key: {error}"))
}

/// A size that the rules refuse, and that an exchange shows to be refused: by the document, by another page or by a recording.
fn illegal_size(subject: &Subject) -> Result<CreateRequest, String> {
    let dialect = &**subject.dialect();
    let refused = |case: &RecordedExchange| {
        let refused = case.response.as_ref().is_some_and(|response| (400..500).contains(&response.status));
        let shown = case.source.kind != EvidenceKind::Derived && case.operation == OperationKind::Create;
        shown && refused && case.preflight == Some(ExpectedPreflight::Refused)
    };
    let candidates = subject.exchanges().filter(|case| refused(case)).filter_map(convert_exchange::given);
    let request = candidates.filter_map(Result::ok).find(|request| {
        let checked = dialect.capabilities(&request.model).check(request, Strictness::Strict);
        let violations = checked.as_ref().err().map(Error::violations).unwrap_or_default();
        !violations.is_empty() && violations.iter().all(|violation| violation.field == Field::Size)
    });
    let request = request.ok_or("illegal-size: no document, page or recording shows that the provider refuses one")?;
    CreateRequest::new(dialect, request).map_err(|error| format!("illegal-size: {error}"))
}
