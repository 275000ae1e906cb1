//! Questions to a real provider that cannot cost anything.
//!
//! What may leave is a [`FreeQuestion`], and there are three of them: a request with a key that belongs to no account, a request that the provider is
//! known to refuse, and the list of models. Each goes through the real client behind a gate that lets one request pass, the one
//! that the [`FreeQuestion`] stands for, and refuses everything else.

mod free_question;
mod recorded_fixture;
mod single_request_gate;

use std::{sync::Arc, time::Duration};

use seedream_client::{Client, ClientBuilder, ImageProvider as _, Transport};
use seedream_core::{Charge, Error, Policy, Strictness};

pub use free_question::FreeQuestion;
use free_question::{INVALID_KEY, QuestionKind};
pub use recorded_fixture::RecordedFixture;
use single_request_gate::SingleRequestGate;

/// The outcome of a question.
#[derive(Clone, Debug)]
pub struct QuestionOutcome {
    /// What was asked: `wrong-key`, `illegal-size`, `models`.
    pub name: &'static str,
    /// What is not as it should be.
    pub differences: Vec<String>,
    /// The exchange, without its secrets; `None` without a response.
    pub recorded: Option<RecordedFixture>,
}

impl FreeQuestion {
    /// Asks it, once. The builder has the key and the place; the transport is what sends.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](seedream_core::ErrorKind::Config) where the builder makes no client.
    pub async fn ask(&self, builder: ClientBuilder, transport: Arc<dyn Transport>) -> Result<QuestionOutcome, Error> {
        let mut policy = Policy::default();
        policy.max_submits = 1;
        policy.deadline = Duration::from_secs(60);
        let gate = Arc::new(SingleRequestGate::new(self.ask.clone(), transport));
        let builder = builder.policy(policy).strictness(Strictness::Off).transport(gate.clone());
        let client = match self.ask {
            QuestionKind::WrongKey(_) => builder.key(INVALID_KEY.to_owned()),
            _ => builder,
        };
        let differences = self.judge(&client.build()?).await;
        Ok(QuestionOutcome {
            name: self.name(),
            differences,
            recorded: gate.captured().map(|exchange| RecordedFixture::new(self, exchange)),
        })
    }

    async fn judge(&self, client: &Client) -> Vec<String> {
        let (Some(request), Some(expected)) = (self.given(), self.refused_as()) else {
            return match client.models().await {
                Ok(models) if models.is_empty() => vec!["models: expected some, saw none".to_owned()],
                Ok(_) => Vec::new(),
                Err(error) => vec![format!("models: expected a list, saw the error {error}")],
            };
        };
        let response = match client.events(request.clone()).await {
            Ok(mut events) => events.next().await,
            Err(error) => Some(Err(error)),
        };
        let Some(Err(error)) = response else {
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
}
