//! The life of a task as a provider's fixtures show it.

use std::time::Duration;

use seedream_core::{Input, Purpose};
use seedream_fixtures::OperationKind;

use super::{
    difference::Differences,
    simulation::{SimulatedRun, Simulation},
};
use crate::{
    CaseFailure, Subject,
    fixture::convert_exchange,
    fixture::documented_response::{DocumentedCharge, DocumentedResponse},
};

/// A provider's tasks, as its responses show them.
pub(crate) struct TaskFixtures {
    pub(crate) created: DocumentedResponse,
    pub(crate) running: DocumentedResponse,
    pub(crate) done: DocumentedResponse,
}

impl TaskFixtures {
    pub(crate) fn of(subject: &Subject) -> Result<Self, CaseFailure> {
        if subject.dialect().tasks().is_none() {
            return Err(CaseFailure::new("the document has tasks, the adapter has none"));
        }
        let one = |operation, what: &str, fits: fn(&DocumentedResponse) -> bool| {
            let found = DocumentedResponse::all(subject, operation)?.into_iter().find(fits);
            found.ok_or_else(|| CaseFailure::harness(format!("no fixture shows {what}")))
        };
        let is_created = |documented: &DocumentedResponse| {
            let task = documented.exchange.expect.as_ref().and_then(|expect| expect.task.as_ref());
            task.is_some_and(|task| task.id.is_some())
        };
        Ok(Self {
            created: one(OperationKind::Create, "a task that is created", is_created)?,
            running: one(OperationKind::Poll, "a task that is being made", DocumentedResponse::is_running)?,
            done: one(
                OperationKind::Poll,
                "a task with images",
                |a| matches!(a.charge, DocumentedCharge::Images(n) if n > 0),
            )?,
        })
    }

    /// The id of the task that is created.
    pub(crate) fn id(&self) -> &str {
        let task = self.created.exchange.expect.as_ref().and_then(|expect| expect.task.as_ref());
        task.and_then(|task| task.id.as_deref()).unwrap_or_default()
    }

    pub(crate) fn submit(&self, subject: &Subject) -> Result<Simulation, CaseFailure> {
        let request = convert_exchange::encoded(&**subject.dialect(), self.created.exchange)?;
        Ok(Simulation::submit(subject, request, 0))
    }

    /// Creates a task; `polls` gives the response to each poll, by the number of polls before it and the time.
    pub(crate) fn run(
        &self,
        subject: &Subject,
        mut polls: impl FnMut(usize, Duration) -> Vec<Input>,
    ) -> Result<SimulatedRun, CaseFailure> {
        let mut count = 0;
        self.submit(subject)?.against(|sent, now| match sent.purpose {
            Purpose::Submit => self.created.whole(),
            Purpose::Poll => {
                count += 1;
                polls(count - 1, now)
            }
        })
    }

    /// How many images the task ends with.
    pub(crate) fn images(&self) -> usize {
        match self.done.charge {
            DocumentedCharge::Images(count) => count,
            _ => 0,
        }
    }

    pub(crate) fn collected(&self, d: &mut Differences, run: &SimulatedRun) {
        let seen = run.result.as_ref().map(|generation| generation.images().count());
        d.same("images", &Ok(self.images()), &seen.map_err(ToString::to_string));
        d.same("submits", &1, &run.submits.len());
    }
}
