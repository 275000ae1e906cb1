//! What sends the requests of a subject and sees them through. A mutant replaces a part of it.

use std::{fmt, sync::Arc};

use seedream_client::Transport;
use seedream_core::{Error, Input, Policy, Step, Strictness, Task};

/// The operation and the transport as they are, unless a part is broken on purpose.
#[derive(Clone)]
pub(crate) struct OperationHooks {
    /// How patient the operation is.
    pub(crate) policy: Policy,
    /// Changes an input before the operation gets it.
    pub(crate) input: fn(Input) -> Input,
    /// Changes a step of the operation.
    pub(crate) step: fn(Step) -> Step,
    /// How strictly a client looks at a request before it is sent.
    pub(crate) strictness: Strictness,
    /// What a check says of a request that breaks rules.
    pub(crate) refused: fn(Error) -> Error,
    /// What becomes of a task before it is gone on with, at the provider of this id.
    pub(crate) resume: fn(Task, &str) -> Task,
    /// What moves the bytes of a client.
    pub(crate) transport: fn(Arc<dyn Transport>) -> Arc<dyn Transport>,
    /// What fetches the images of a client.
    pub(crate) download: fn(Arc<dyn Transport>) -> Arc<dyn Transport>,
}

impl Default for OperationHooks {
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            input: |input| input,
            step: |step| step,
            strictness: Strictness::Strict,
            refused: |error| error,
            resume: |task, _| task,
            transport: |transport| transport,
            download: |transport| transport,
        }
    }
}

impl fmt::Debug for OperationHooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OperationHooks").field("policy", &self.policy).finish_non_exhaustive()
    }
}
