//! The tasks that are expected.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use seedream_core::TaskId;
use tokio::sync::Notify;

/// The expected tasks by their ids, each with what wakes its waiter.
#[derive(Clone, Debug, Default)]
pub(super) struct TaskRegistry(Arc<Mutex<HashMap<String, Arc<Notify>>>>);

/// A task in the registry, until this is dropped.
#[derive(Debug)]
pub(super) struct Registration {
    registry: TaskRegistry,
    id: TaskId,
    /// Notified by a callback that names the task.
    pub(super) hint: Arc<Notify>,
}

impl TaskRegistry {
    /// Adds a task; `None` where it is expected already.
    pub(super) fn register(&self, id: &TaskId) -> Option<Registration> {
        let mut expected = self.lock();
        let Entry::Vacant(vacant) = expected.entry(id.as_str().to_owned()) else { return None };
        let hint = vacant.insert(Arc::default()).clone();
        Some(Registration { registry: self.clone(), id: id.clone(), hint })
    }

    /// Wakes the waiter of a task, if it is expected. A second hint before it has polled is the same hint.
    pub(super) fn hint(&self, id: &str) {
        if let Some(hint) = self.lock().get(id) {
            hint.notify_one();
        }
    }

    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Notify>>> {
        // A map of ids is not harmed by a panic elsewhere.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.registry.lock().remove(self.id.as_str());
    }
}
