//! What the endpoints of one mock share. It knows no endpoint and no request.

use std::sync::Arc;

use seedream_fixtures::{FixtureLibrary, ProviderFacts, TaskFacts};

use crate::endpoints::exchange_index::ExchangeIndex;
use crate::endpoints::recording_index::RecordingIndex;
use crate::faults::grammar::TABLE;
use crate::image::cache::ImageCache;
use crate::image::signed_url::UrlSigner;
use crate::settings::Settings;
use crate::settings_patch::SettingsStore;
use crate::state::metrics::Metrics;
use crate::state::sessions::Sessions;
use crate::state::task_id;

/// How many bytes of rendered images are kept.
const CACHE: usize = 8 * 1024 * 1024;

/// The fixtures, the settings, the signer of image URLs, and the sessions.
pub(crate) struct Services {
    pub(crate) library: Arc<FixtureLibrary>,
    /// The exchanges of the library, by their requests.
    pub(crate) index: Arc<ExchangeIndex>,
    /// Those that were recorded, by their requests.
    pub(crate) recordings: RecordingIndex,
    pub(crate) settings: SettingsStore,
    pub(crate) signer: UrlSigner,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) metrics: Metrics,
    /// The images that were fetched last.
    pub(crate) images: ImageCache,
    /// The form of a task where a provider has none of its own, which only a fault leads to.
    task_form: TaskFacts,
    /// The headers that carry the id of a request to no provider.
    pub(crate) own_id_headers: [String; 1],
}

/// The form of a task where no provider has one.
const PLAIN_TASK: &str = r#"{
    "id_prefix": "task-",
    "status": {"processing": "pending", "completed": "completed", "failed": "failed"},
    "accepted": {"json": {"created": "{created}", "id": "{id}", "status": "{status}"}},
    "running": {"json": {"id": "{id}", "status": "{status}"}},
    "completed": {"json": {"id": "{id}", "status": "{status}", "images": "{images}"}},
    "failed": {"json": {"id": "{id}", "status": "{status}", "error": {"code": "{error.code}"}}},
    "failures": {"failed": {"code": "failed"}},
    "source": {"kind": "derived"}
}"#;

fn plain_task() -> TaskFacts {
    serde_json::from_str(PLAIN_TASK).expect("it is the form of a task, as a test checks")
}

impl Services {
    pub(crate) fn new(library: Arc<FixtureLibrary>, settings: Settings) -> Self {
        Self {
            task_form: library.providers().iter().find_map(|provider| provider.task.clone()).unwrap_or_else(plain_task),
            index: Arc::new(ExchangeIndex::new(&library)),
            recordings: RecordingIndex::new(&library),
            metrics: Metrics::new(library.providers().iter().map(|provider| provider.id.as_str()), TABLE.len()),
            library,
            signer: UrlSigner::new(settings.seed),
            sessions: Arc::new(Sessions::new(&settings)),
            settings: SettingsStore::new(settings),
            images: ImageCache::new(CACHE),
            own_id_headers: [String::from("x-request-id")],
        }
    }

    /// The settings of a session.
    pub(crate) fn settings_of(&self, session: &str) -> Arc<Settings> {
        self.settings.with(&self.sessions.view(session).patch)
    }

    /// The form of a provider's tasks.
    pub(crate) fn task_form<'s>(&'s self, provider: &'s ProviderFacts) -> &'s TaskFacts {
        provider.task.as_ref().unwrap_or(&self.task_form)
    }

    /// The form of the tasks of the provider with this id.
    pub(crate) fn task_form_of(&self, provider: &str) -> &TaskFacts {
        self.library.provider(provider).map_or(&self.task_form, |provider| self.task_form(provider))
    }

    /// The session that the id of a task carries.
    pub(crate) fn task_session<'i>(&self, id: &'i str) -> Option<&'i str> {
        let mut forms = self.library.providers().iter().filter_map(|provider| provider.task.as_ref());
        forms.find_map(|form| task_id::session_of(&form.id_prefix, id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_provider_tasks_have_a_plain_form() {
        let services = Services::new(Arc::default(), Settings::default());
        assert_eq!(services.task_form_of("unknown").id_prefix, plain_task().id_prefix);
    }
}
