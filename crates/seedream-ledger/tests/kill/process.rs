//! A worker as a process of its own, and what it is to do.

use std::{
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::Arc,
};

use seedream_ark::Ark;
use seedream_client::{Client, ImageProvider, Job, JobStore, ReqwestTransport};
use seedream_core::{Amount, ImageRequest, Size};
use seedream_evolink::Evolink;
use seedream_ledger::{Budget, IMAGES, Ledger, PlannedLine, Taken, Worker, WorkerOptions};
use seedream_mock::MockServer;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    interposed::{EventLog, Store, Wire, watch_commits},
    ledgers::{self, Place},
    point::{Kill, Kind, Point, plan, reach},
};

const TASK: &str = "SEEDREAM_LEDGER_TEST_WORKER";
pub(crate) const BATCH: &str = "b";

/// A worker that does not do its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Defect {
    BuysNothing,
    CallsEverythingUnknown,
}

/// What a worker is to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Assignment {
    /// The path of the ledger, or its URL.
    pub(crate) ledger: String,
    /// Where images are saved, and where it says what it has done.
    pub(crate) folder: PathBuf,
    pub(crate) ark: String,
    pub(crate) evolink: String,
    /// The kind of each line.
    pub(crate) lines: Vec<Kind>,
    /// How many lines it buys side by side.
    pub(crate) at_once: usize,
    pub(crate) kill: Option<Kill>,
    pub(crate) defect: Option<Defect>,
}

impl Assignment {
    pub(crate) fn new(place: &Place, server: &MockServer, lines: Vec<Kind>) -> Self {
        let base = |provider| server.base_url(provider).unwrap();
        let (ark, evolink) = (base("ark"), base("evolink"));
        let (ledger, folder) = (place.ledger.clone(), place.path().to_owned());
        Self { ledger, folder, ark, evolink, lines, at_once: 1, kill: None, defect: None }
    }

    /// The file in which a process says at which point it was killed.
    pub(crate) fn hit(&self, number: u32) -> PathBuf {
        self.folder.join(format!("hit-{number}"))
    }

    /// What a process has written down.
    pub(crate) fn event_log(&self, number: u32) -> PathBuf {
        self.folder.join(format!("events-{number}"))
    }

    /// Starts a process, which is the n-th of its test.
    pub(crate) fn start(&self, number: u32) -> Child {
        Command::new(std::env::current_exe().unwrap())
            .args(["a_worker", "--exact", "--nocapture", "--test-threads=1"])
            .env(TASK, json!([number, self]).to_string())
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// Starts a process and waits for its end.
    pub(crate) async fn ended(self, number: u32) -> ExitStatus {
        tokio::task::spawn_blocking(move || self.start(number).wait().unwrap()).await.unwrap()
    }

    fn rows(&self) -> Vec<PlannedLine> {
        let line = |line| {
            let mut planned = PlannedLine::new(&row(line));
            planned.most_images = 2;
            planned
        };
        self.lines.iter().enumerate().map(line).collect()
    }
}

/// The prompt is the name of the line, since the provider's bill has it.
fn row((number, kind): (usize, &Kind)) -> Value {
    json!({"prompt": format!("2 images of line {number}"), "kind": kind})
}

/// What this process is to do, where it is a worker.
pub(crate) fn assigned() -> Option<(u32, Assignment)> {
    std::env::var(TASK).ok().map(|task| serde_json::from_str(&task).unwrap())
}

/// Buys what there is to be bought.
pub(crate) async fn work(number: u32, assignment: &Assignment) {
    plan(assignment.kill, &assignment.hit(number));
    watch_commits();
    let ledger = ledgers::open(&assignment.ledger, &assignment.folder);
    ledger.plan_lines(BATCH, assignment.rows()).await.unwrap();
    reach(Point::Planned);
    // What is held and billed is counted in images then.
    let most = 2_000_000 * i64::try_from(assignment.lines.len()).unwrap();
    let budget = Budget::of_batch(Amount::micros(most, IMAGES));
    let worker = ledger.worker(WorkerOptions::of_batch(BATCH).budget(budget)).unwrap();
    let store =
        Arc::new(Store { inner: Arc::new(worker.clone()), event_log: EventLog::new(&assignment.event_log(number)) });
    let buyer = Buyer { ledger, worker, store, assignment: assignment.clone(), clients: clients(assignment) };
    let buyer = Arc::new(buyer);
    let tasks: Vec<_> = (0..assignment.at_once).map(|_| tokio::task::spawn(buyer.clone().run())).collect();
    for task in tasks {
        task.await.unwrap();
    }
    buyer.ledger.flush().await.unwrap();
}

fn clients(assignment: &Assignment) -> [Arc<dyn ImageProvider>; 2] {
    let wire = |is_download| Arc::new(Wire { inner: ReqwestTransport::new(), is_download });
    let ark = Client::builder(Ark).base_url(&assignment.ark).key("a-key");
    let evolink = Client::builder(Evolink).base_url(&assignment.evolink).key("a-key");
    [ark, evolink].map(|builder| {
        let client = builder.transport(wire(false)).download_transport(wire(true)).build().unwrap();
        Arc::new(client) as Arc<dyn ImageProvider>
    })
}

struct Buyer {
    ledger: Ledger,
    worker: Worker,
    store: Arc<Store>,
    assignment: Assignment,
    clients: [Arc<dyn ImageProvider>; 2],
}

impl Buyer {
    async fn run(self: Arc<Self>) {
        loop {
            let taken = self.worker.take().await.unwrap();
            reach(Point::Taken);
            let (job, _held) = match taken {
                Taken::Collect(record) => {
                    let row = self.ledger.show(&record).await.unwrap().unwrap().job.row;
                    (Job::resumed(self.client(&row), record), None)
                }
                Taken::Send(line) => match self.assignment.defect {
                    Some(Defect::BuysNothing) => return,
                    Some(Defect::CallsEverythingUnknown) => {
                        let intent = seedream_client::Intent::new(&line.job, "ark", "seedream-4.0".into());
                        // A record that is dropped without evidence is of an attempt that may have been billed.
                        drop(self.worker.begin(&intent).await.unwrap());
                        continue;
                    }
                    None => (Job::new(self.client(&line.row), request(&line.row)).id(&line.job), Some(line)),
                },
                Taken::Nothing => return,
                other => panic!("{other:?}"),
            };
            let job = job.store(self.store.clone()).save_to(self.assignment.folder.join("out"));
            // What another worker has taken in the meantime is not its business.
            if let Err(error) = job.run().await {
                eprintln!("{error}");
            }
        }
    }

    fn client(&self, row: &Value) -> Arc<dyn ImageProvider> {
        self.clients[usize::from(kind(row) == Kind::Task)].clone()
    }
}

pub(crate) fn kind(row: &Value) -> Kind {
    serde_json::from_value(row["kind"].clone()).unwrap()
}

fn request(row: &Value) -> ImageRequest {
    let request = ImageRequest::new("seedream-4.0", row["prompt"].as_str().unwrap()).size(Size::pixels(1280, 720));
    match kind(row) {
        Kind::Synchronous => request,
        Kind::Stream => request.up_to(2).stream(true),
        Kind::Task => request.up_to(2),
    }
}
