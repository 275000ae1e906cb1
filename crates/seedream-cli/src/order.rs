//! What one provider is asked, and what comes of it.

use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, future::ready, stream};
use seedream::{
    Client, Count, Error, ErrorKind, Exactly, ImageProvider as _, ImageRequest, Plan, Sidecar, Size, Warning,
};

use crate::{
    args::SaveArgs,
    cancel::Cancel,
    output::Console,
    report::{Asked, Outcome},
    run::{Ended, Run},
};

/// What one provider is asked.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) client: Client,
    pub(crate) request: ImageRequest,
    /// What was fitted to the provider's rules.
    pub(crate) fitted: Vec<Warning>,
}

/// Where what comes of orders goes.
#[derive(Debug)]
pub(crate) struct Desk<'a> {
    pub(crate) save: &'a SaveArgs,
    pub(crate) cancel: &'a Cancel,
    pub(crate) console: &'a Console,
}

/// A request that was seen through.
struct Filled {
    asked: Asked,
    ended: Ended,
    sidecar: Option<std::path::PathBuf>,
    elapsed: Duration,
}

impl Order {
    /// Asks once.
    pub(crate) async fn fill(&self, desk: &Desk<'_>) -> Outcome {
        // The plan is the check: what it finds is known even if the answer never comes.
        match self.client.plan(&self.request) {
            Ok(plan) => self.ask(self.request.clone(), &plan, desk).await.into(),
            Err(error) => Outcome::refused(self.asked(&self.request, &[]), error),
        }
    }

    /// Asks for one picture after the other, until there are so many of them.
    pub(crate) async fn fill_exactly(&self, pictures: u32, desk: &Desk<'_>) -> Vec<Outcome> {
        let mut request = self.request.clone();
        request.count = Some(Count::One);
        let plan = match self.client.plan(&request) {
            Ok(plan) => plan,
            Err(error) => return vec![Outcome::refused(self.asked(&request, &[]), error)],
        };
        if plan.max_images > 1 {
            let message = format!(
                "--exactly makes requests of one image, and each of these may make {}: leave out what asks for more",
                plan.max_images
            );
            let error = Error::new(ErrorKind::InvalidRequest, message).with_provider(self.client.descriptor().id);
            return vec![Outcome::refused(self.asked(&request, &[]), error)];
        }
        let filled = Exactly::new(request, pictures)
            .driven(
                |_, request| self.ask(request, &plan, desk),
                |filled| filled.ended.answer.as_ref(),
                |filled| filled.ended.failures.iter().all(|failure| failure.kind != ErrorKind::Storage),
            )
            .await;
        let delivered: u32 = filled.iter().map(|filled| filled.ended.delivered).sum();
        let mut outcomes: Vec<Outcome> = filled.into_iter().map(Outcome::from).collect();
        if delivered > pictures {
            let provider = self.client.descriptor().id;
            let message =
                format!("{delivered} images came where {pictures} were asked for: a request of one brought several");
            desk.console.note(&format!("warning: {provider}: {message}"));
        }
        if delivered < pictures {
            let (provider, requests) = (self.client.descriptor().id, outcomes.len());
            let message = format!("{delivered} of {pictures} pictures were delivered by {requests} requests");
            desk.console.note(&format!("{provider}: {message}"));
        }
        if delivered > 0 {
            outcomes.iter_mut().for_each(Outcome::as_part);
        }
        outcomes
    }

    fn asked(&self, request: &ImageRequest, planned: &[Warning]) -> Asked {
        Asked {
            provider: self.client.descriptor().id,
            model: Some(self.client.capabilities(&request.model).model.to_string()),
            requested: request.requested(),
            warnings: self.fitted.iter().chain(planned).cloned().collect(),
        }
    }

    async fn ask(&self, request: ImageRequest, plan: &Plan, desk: &Desk<'_>) -> Filled {
        let started = Instant::now();
        let asked = self.asked(&request, &plan.warnings);
        let mut sidecar = Sidecar::new(&self.client);
        sidecar.asked(&request);
        sidecar.planned(plan);
        let refused = |error: Error| stream::once(ready(Err(error))).boxed();
        let asked_size = match request.size {
            Some(Size::Pixels(pixels)) => Some(pixels),
            _ => None,
        };
        let events = self.client.events(request).await.unwrap_or_else(refused);
        let one_by_one = self.request.stream == Some(true);
        let (out, console, cancel) = (&desk.save.out, desk.console, desk.cancel);
        let run = Run { client: &self.client, out, console, cancel, one_by_one, asked_size };
        let ended = run.through(events, None).await;
        let sidecar = if desk.save.no_sidecar { None } else { run.note(sidecar, &ended).await };
        Filled { asked, ended, sidecar, elapsed: started.elapsed() }
    }
}

impl From<Filled> for Outcome {
    fn from(filled: Filled) -> Self {
        let Filled { asked, ended, sidecar, elapsed } = filled;
        Self::of(asked, ended, elapsed).beside(sidecar)
    }
}
