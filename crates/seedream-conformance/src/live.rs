//! Questions to a real provider that cannot cost anything.
//!
//! What may leave is a [`Free`], and there are three of them: a request with a key that nobody has, a request that the provider is
//! known to refuse, and the list of models. Each goes through the real client behind a gate that lets one request pass, the one
//! that the [`Free`] stands for, and answers everything else itself.

mod gate;
mod record;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use seedream_client::{Client, ClientBuilder, ImageProvider as _, Transport};
use seedream_core::{Charge, Dialect, Error, ErrorKind, Field, ImageRequest, Policy, Strictness};
use seedream_fixtures::{EvidenceKind, ExpectedPreflight, OperationKind, RecordedExchange};

use self::gate::Gate;
pub use self::record::Recorded;
use crate::{Subject, exchange};

/// A key that no provider has given to anybody: whatever it asks for is nobody's bill.
const NOBODYS_KEY: &str = "sk-nobody-0000000000000000000000000000";

/// One question that cannot be billed. Only this module makes one.
#[derive(Clone, Debug)]
pub struct Free {
    dialect: Arc<dyn Dialect>,
    ask: Ask,
}

/// What is asked, and thereby why it is free.
#[derive(Clone, Debug)]
enum Ask {
    /// Nobody has the key.
    WrongKey(Create),
    /// The provider is known to refuse it: the rules say so, and an exchange that is no conclusion of ours shows it.
    IllegalSize(Create),
    /// A list is not sold.
    Models,
}

/// A create request, with the bytes that it is.
#[derive(Clone, Debug)]
struct Create {
    request: ImageRequest,
    body: Bytes,
}

/// What became of a question.
#[derive(Clone, Debug)]
pub struct Asked {
    /// What was asked: `wrong-key`, `illegal-size`, `models`.
    pub name: &'static str,
    /// What is not as it should be.
    pub differences: Vec<String>,
    /// The exchange, without its secrets; `None` where nothing was answered.
    pub recorded: Option<Recorded>,
}

impl Free {
    /// Everything that can be asked of a provider for free, and what cannot, with the reason.
    pub fn of(subject: &Subject) -> Vec<Result<Self, String>> {
        let dialect = subject.dialect();
        let ask = |ask| Self { dialect: dialect.clone(), ask };
        let models = dialect.catalog().map(|_| ask(Ask::Models));
        vec![
            wrong_key(&**dialect).map(|create| ask(Ask::WrongKey(create))),
            illegal_size(subject).map(|create| ask(Ask::IllegalSize(create))),
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
            Ask::WrongKey(_) => "wrong-key",
            Ask::IllegalSize(_) => "illegal-size",
            Ask::Models => "models",
        }
    }

    /// Asks it, once. The builder has the key and the place; the transport is what sends.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] where the builder makes no client.
    pub async fn ask(&self, builder: ClientBuilder, transport: Arc<dyn Transport>) -> Result<Asked, Error> {
        let mut policy = Policy::default();
        policy.max_submits = 1;
        policy.deadline = Duration::from_secs(60);
        let gate = Arc::new(Gate::new(self.ask.clone(), transport));
        let builder = builder.policy(policy).strictness(Strictness::Off).transport(gate.clone());
        let client = match self.ask {
            Ask::WrongKey(_) => builder.key(NOBODYS_KEY.to_owned()),
            _ => builder,
        };
        let differences = self.judge(&client.build()?).await;
        Ok(Asked { name: self.name(), differences, recorded: gate.said().map(|said| Recorded::new(self, said)) })
    }

    async fn judge(&self, client: &Client) -> Vec<String> {
        let (Some(request), Some(expected)) = (self.given(), self.refused_as()) else {
            return match client.models().await {
                Ok(models) if models.is_empty() => vec!["models: expected some, saw none".to_owned()],
                Ok(_) => Vec::new(),
                Err(error) => vec![format!("models: expected a list, saw the error {error}")],
            };
        };
        let example = match client.events(request.clone()).await {
            Ok(mut events) => events.next().await,
            Err(error) => Some(Err(error)),
        };
        let Some(Err(error)) = example else {
            // A task that was accepted is left alone.
            return vec![format!("error.kind: expected {expected}, saw that it was accepted, which may be billed")];
        };
        let mut differences = Vec::new();
        if error.kind() != expected {
            differences.push(format!("error.kind: expected {expected}, saw {error}"));
        }
        if error.charge() != Charge::No {
            differences.push(format!("error.charge: expected no, saw {}", error.charge().as_str()));
        }
        differences
    }

    /// The kind of the error that it is answered with; `None` where it is answered.
    fn refused_as(&self) -> Option<ErrorKind> {
        match self.ask {
            Ask::WrongKey(_) => Some(ErrorKind::Authentication),
            Ask::IllegalSize(_) => Some(ErrorKind::InvalidRequest),
            Ask::Models => None,
        }
    }

    /// Whether the rules refuse it before it is sent, which a run of this kind overrules.
    fn is_illegal(&self) -> bool {
        let strict = |request: &ImageRequest| {
            self.dialect.capabilities(&request.model).check(request, Strictness::Strict).is_err()
        };
        self.given().is_some_and(strict)
    }

    fn operation(&self) -> OperationKind {
        match self.ask {
            Ask::Models => OperationKind::Models,
            _ => OperationKind::Create,
        }
    }

    fn given(&self) -> Option<&ImageRequest> {
        match &self.ask {
            Ask::WrongKey(create) | Ask::IllegalSize(create) => Some(&create.request),
            Ask::Models => None,
        }
    }
}

impl Ask {
    /// Whether a request is the one that this stands for.
    fn admits(&self, request: &http::Request<Bytes>) -> bool {
        let key = request.headers().get(http::header::AUTHORIZATION);
        match self {
            Self::Models => request.method() == http::Method::GET && request.body().is_empty(),
            Self::IllegalSize(create) => *request.body() == create.body,
            Self::WrongKey(create) => {
                let nobodys = key.is_some_and(|key| key.as_bytes() == format!("Bearer {NOBODYS_KEY}").as_bytes());
                nobodys && *request.body() == create.body
            }
        }
    }
}

impl Create {
    fn new(dialect: &dyn Dialect, request: ImageRequest) -> Result<Self, Error> {
        let checked = dialect.capabilities(&request.model).check(&request, Strictness::Off)?;
        let body = dialect.encode(&checked)?.into_body();
        Ok(Self { request, body })
    }
}

/// A request of one pixel: a provider that does not look at the key has another reason to refuse it.
fn wrong_key(dialect: &dyn Dialect) -> Result<Create, String> {
    let model = &dialect.descriptor().default_model;
    let request = ImageRequest::new(model, "a lighthouse in fog").size(seedream_core::Pixels::new(1, 1));
    Create::new(dialect, request).map_err(|error| format!("wrong-key: {error}"))
}

/// A size that the rules refuse, and that an exchange shows to be refused: by the document, by another page or by a recording.
fn illegal_size(subject: &Subject) -> Result<Create, String> {
    let dialect = &**subject.dialect();
    let refused = |case: &RecordedExchange| {
        let answered = case.response.as_ref().is_some_and(|response| (400..500).contains(&response.status));
        let shown = case.source.kind != EvidenceKind::Derived && case.operation == OperationKind::Create;
        shown && answered && case.preflight == Some(ExpectedPreflight::Refused)
    };
    let candidates = subject.exchanges().filter(|case| refused(case)).filter_map(exchange::given);
    let request = candidates.filter_map(Result::ok).find(|request| {
        let checked = dialect.capabilities(&request.model).check(request, Strictness::Strict);
        let violations = checked.as_ref().err().map(Error::violations).unwrap_or_default();
        !violations.is_empty() && violations.iter().all(|violation| violation.field == Field::Size)
    });
    let request = request.ok_or("illegal-size: no document, page or recording shows that the provider refuses one")?;
    Create::new(dialect, request).map_err(|error| format!("illegal-size: {error}"))
}
