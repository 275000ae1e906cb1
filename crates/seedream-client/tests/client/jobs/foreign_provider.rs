//! A provider that was written outside and is no client.

use std::{sync::Arc, task::Poll};

use async_trait::async_trait;
use seedream_client::{EventStream, Fallback, ImageProvider, JobContext, Prepared};
use seedream_core::{
    Capabilities, Charge, Descriptor, Dialect as _, ErrorKind, Event, GeneratedImage, Generation, ImageData,
    ImageRequest, ModelId, Result, Size, Task,
};

use super::{Act, Ledger, Shelf, after, client, png, wire, with};
use crate::tiny_dialects::{DESCRIPTOR, Tiny, request};

/// Draws at once, or never.
#[derive(Clone, Debug)]
struct Painter {
    draws: bool,
    /// Whether it tells of an image before its end.
    tells: bool,
}

fn events(events: impl IntoIterator<Item = Event, IntoIter: Send + 'static>) -> EventStream {
    let mut events = events.into_iter();
    EventStream::from_poll_fn(move |_| Poll::Ready(events.next().map(Ok)))
}

#[async_trait]
impl ImageProvider for Painter {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    fn capabilities(&self, model: &ModelId) -> Capabilities {
        Tiny.capabilities(model)
    }

    fn prepare(&self, request: ImageRequest) -> Result<Prepared> {
        Ok(Prepared::unchecked(request))
    }

    fn open(&self, prepared: Prepared, _: JobContext) -> Result<EventStream> {
        let mut generation = Generation::new(prepared.request().model.clone());
        generation.outcomes = vec![Ok(GeneratedImage::new(0, ImageData::Bytes(png())))];
        if !self.draws {
            return Ok(EventStream::from_poll_fn(|_| Poll::Pending));
        }
        if !self.tells {
            return Ok(events([Event::Finished(generation)]));
        }
        let image = generation.images().next().unwrap().clone();
        Ok(events([Event::Image(image), Event::Finished(generation)]))
    }

    fn open_task(&self, task: Task, _: JobContext) -> Result<EventStream> {
        Err(seedream_core::Error::new(ErrorKind::Unsupported, "no tasks").with_task(task))
    }
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_is_no_client_has_jobs() {
    let shelf = Shelf::default();
    let painter: Arc<dyn ImageProvider> = Arc::new(Painter { draws: true, tells: true });
    let outcome = painter.job(request()).output(Arc::new(shelf.clone())).run().await.unwrap();
    assert_eq!((outcome.provider.as_str(), outcome.model.as_str(), outcome.charge), ("tiny", "tiny-1", Charge::Yes));
    assert_eq!((outcome.requested, outcome.delivered, shelf.images()), (Some(1), 1, vec![png()]));
    assert_eq!(painter.job(request()).plan().unwrap_err().kind(), ErrorKind::Unsupported);
    let folder = tempfile::tempdir().unwrap();
    let large = painter.job(request().size(Size::pixels(4, 4))).output(Arc::new(shelf)).run().await.unwrap();
    let told = large.warnings.iter().filter(|warning| warning.message.contains("4x4 was asked for")).count();
    assert_eq!(told, 1, "{:?}", large.warnings);
    let outcome = painter.job(request()).save_to(folder.path()).run().await.unwrap();
    assert_eq!(outcome.warnings.len(), 0, "{:?}", outcome.warnings);
    assert!(outcome.images[0].file().unwrap().ends_with("tiny-0.png"));
}

#[tokio::test(start_paused = true)]
async fn one_that_does_not_listen_is_cancelled_all_the_same() {
    let silent: Arc<dyn ImageProvider> = Arc::new(Painter { draws: false, tells: false });
    let wire = wire(|_, _| Act::status(402));
    let after_client = Fallback::new(vec![Arc::new(client(Tiny, &wire)), silent.clone()]).unwrap();
    for job in [silent.job(request()), after_client.job(request())] {
        let (ledger, shelf) = (Ledger::default(), Shelf::default());
        let handle = with(job, &ledger, &shelf).spawn();
        after(5.0).await;
        let error = handle.cancel().await.unwrap_err();
        assert_eq!((error.error().kind(), error.outcome().charge), (ErrorKind::Cancelled, Charge::Unknown));
    }
}

#[tokio::test(start_paused = true)]
async fn images_that_no_event_told_of_are_saved_and_counted() {
    let shelf = Shelf::default();
    let painter: Arc<dyn ImageProvider> = Arc::new(Painter { draws: true, tells: false });
    let outcome = painter.job(request()).output(Arc::new(shelf.clone())).run().await.unwrap();
    assert_eq!((outcome.delivered, outcome.images.len(), shelf.images()), (1, 1, vec![png()]));
    let outcome = painter.job(request()).run().await.unwrap();
    assert_eq!((outcome.delivered, outcome.generation.unwrap().images().count()), (1, 1), "without an output");
}
