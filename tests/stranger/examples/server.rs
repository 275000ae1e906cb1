//! A service that holds several providers, gives each request a time limit, can cancel it, and logs what happens.
//!
//! A request that may have been billed is never dropped: past its time limit it goes on in the background, and its record stays in the
//! folder until its images are saved.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use seedream::{Client, ImageProvider, ImageRequest, Outcome, Result, dialects};

/// What became of a request within its time limit.
#[derive(Debug)]
pub enum Answer {
    Done(Box<Outcome>),
    /// It goes on in the background.
    StillRunning,
}

pub struct Service {
    providers: BTreeMap<String, Arc<dyn ImageProvider>>,
    folder: PathBuf,
}

impl Service {
    /// Every provider at a mock, whose base URLs are given by id.
    pub fn new(base_url: impl Fn(&str) -> Option<String>, folder: PathBuf) -> Result<Self> {
        let mut providers: BTreeMap<String, Arc<dyn ImageProvider>> = BTreeMap::new();
        for dialect in dialects() {
            let id = dialect.descriptor().id.to_string();
            let Some(url) = base_url(&id) else { continue };
            providers.insert(id, Arc::new(Client::builder(dialect).base_url(url).key("sk-test").build()?));
        }
        Ok(Self { providers, folder })
    }

    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.providers.keys().map(String::as_str)
    }

    pub async fn generate(&self, id: &str, prompt: &str, limit: Duration) -> Result<Answer> {
        let provider = &self.providers[id];
        let request = ImageRequest::new(provider.descriptor().default_model.clone(), prompt);
        let handle = provider.job(request).save_to(self.folder.join(id)).spawn();
        match tokio::time::timeout(limit, handle).await {
            Ok(outcome) => {
                let outcome = outcome?;
                tracing::info!(provider = id, images = outcome.images.len(), "generated");
                Ok(Answer::Done(Box::new(outcome)))
            }
            Err(_) => {
                tracing::warn!(provider = id, "the time limit has passed; the job goes on");
                Ok(Answer::StillRunning)
            }
        }
    }

    /// Begins a request and cancels it: nothing more is sent, and what was bought is still delivered.
    pub async fn generate_and_cancel(&self, id: &str, prompt: &str) -> Result<Outcome> {
        let provider = &self.providers[id];
        let request = ImageRequest::new(provider.descriptor().default_model.clone(), prompt);
        let handle = provider.job(request).save_to(self.folder.join(id)).spawn();
        Ok(handle.cancel().await?)
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let mock = std::env::args().nth(1).unwrap_or_else(|| "http://127.0.0.1:8080".to_owned());
    let paths = [("ark", "/ark/api/v3"), ("aiearth", "/aiearth/v1"), ("evolink", "/evolink")];
    let url = |id: &str| paths.iter().find(|(known, _)| *known == id).map(|(_, path)| format!("{mock}{path}"));
    let service = Service::new(url, "out".into())?;
    for id in service.ids() {
        println!("{id}: {:?}", service.generate(id, "a lighthouse in fog", Duration::from_secs(30)).await?);
    }
    Ok(())
}
