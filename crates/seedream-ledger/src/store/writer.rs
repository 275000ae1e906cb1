//! The thread that writes: what waits at the same time becomes one transaction, with one sync.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use seedream_client::Refusal;
use tokio::sync::oneshot;

use super::{
    apply,
    database::{self, Connection, DatabaseError, Opened, Site, WRITING_THREAD},
    failure::{refused, storage},
    spool::{Spool, Spooled},
};

/// How many requests share a transaction at most.
const GROUP: usize = 64;

/// How long an entry waits for a transaction that it can share, where no caller waits for it.
const LATER: Duration = Duration::from_millis(50);

/// The database, as the thread that writes has it.
pub(super) struct Database {
    pub(super) connection: Box<dyn Connection>,
    /// What messages call the ledger.
    pub(super) name: String,
    spool: Spool,
    /// Entries for the next transaction, whichever that is.
    later: Vec<Box<dyn Work>>,
    /// Why nothing is sent any more.
    halted: Option<String>,
    warnings: Warnings,
    #[cfg(test)]
    pub(super) faults: std::sync::Arc<super::tests::Faults>,
}

/// What a person should know, in sentences.
type Warnings = Arc<Mutex<Vec<String>>>;

enum Message {
    Now(Box<dyn Work>),
    Later(Box<dyn Work>),
}

/// Something to do inside a transaction.
trait Work: Send {
    /// Whether it may be committed.
    fn run(&mut self, database: &Database) -> bool;
    /// What has to be kept where it did not get to the disk.
    fn unwritten(&mut self) -> Option<Spooled>;
    /// Why it was not done, as far as it knows itself.
    fn refused(&self) -> Option<String>;
    /// Tells who waits: what it did, unless that failed otherwise.
    fn finish(self: Box<Self>, failed: Option<Refusal>);
}

/// What a request gives back, with an entry that must not be lost if the transaction fails.
pub(super) type Done<T> = Result<T, Refusal>;

/// What is recorded where it is not known whether a transaction was committed.
type Unsure<T> = Box<dyn Fn(&T) -> Option<Spooled> + Send>;

struct Request<T, F> {
    run: Option<F>,
    done: Option<Done<T>>,
    keep: Option<Spooled>,
    unsure: Option<Unsure<T>>,
    reply: oneshot::Sender<Done<T>>,
}

impl<T: Send, F: FnOnce(&Database) -> Done<T> + Send> Work for Request<T, F> {
    fn run(&mut self, database: &Database) -> bool {
        self.done = self.run.take().map(|run| run(database));
        matches!(self.done, Some(Ok(_)))
    }

    fn unwritten(&mut self) -> Option<Spooled> {
        let unsure = self.unsure.take();
        self.keep.take().or_else(|| match (&self.done, unsure) {
            (Some(Ok(done)), Some(unsure)) => unsure(done),
            _ => None,
        })
    }

    fn refused(&self) -> Option<String> {
        self.done.as_ref().and_then(|done| done.as_ref().err()).map(ToString::to_string)
    }

    fn finish(self: Box<Self>, failed: Option<Refusal>) {
        let done = match (failed, self.done) {
            (Some(failed), _) => Err(failed),
            (None, Some(done)) => done,
            (None, None) => Err(refused("the ledger did not do it")),
        };
        // The caller may be gone.
        let _ = self.reply.send(done);
    }
}

/// An entry that no caller waits for.
struct Later(Spooled);

impl Work for Later {
    fn run(&mut self, database: &Database) -> bool {
        !database.has_waiting(self.0.purchase) && apply::record(&*database.connection, &database.name, &self.0).is_ok()
    }

    fn unwritten(&mut self) -> Option<Spooled> {
        Some(self.0.clone())
    }

    fn refused(&self) -> Option<String> {
        None
    }

    fn finish(self: Box<Self>, _: Option<Refusal>) {}
}

/// Hands work over to the thread. The last of these waits until all of it is done.
#[derive(Clone)]
pub(super) struct Writer(Arc<WriterThread>);

struct WriterThread {
    /// `None` while it is dropped.
    sender: Option<Sender<Message>>,
    thread: Option<JoinHandle<()>>,
    warnings: Warnings,
}

impl Drop for WriterThread {
    fn drop(&mut self) {
        self.sender = None;
        if let Some(thread) = self.thread.take().filter(|thread| thread.thread().id() != thread::current().id()) {
            // A panic of the thread was told by each request that it did not do.
            let _ = thread.join();
        }
    }
}

impl Writer {
    /// Opens the ledger on the thread that will write, and waits for that.
    pub(super) fn start(
        site: Arc<dyn Site>,
        #[cfg(test)] faults: std::sync::Arc<super::tests::Faults>,
    ) -> Result<Self, Refusal> {
        let (sender, receiver) = mpsc::channel();
        let (ready, opened) = mpsc::sync_channel(1);
        let warnings = Warnings::default();
        let shared = warnings.clone();
        let serve = move || {
            let open = || {
                let Opened { connection, spool } = site.open()?;
                let mut database = Database {
                    connection,
                    name: site.name().to_owned(),
                    spool: Spool::new(&spool),
                    later: Vec::new(),
                    halted: None,
                    warnings: shared,
                    #[cfg(test)]
                    faults,
                };
                database.replay_others()?;
                Ok(database)
            };
            let (database, opened) = match open() {
                Ok(database) => (Some(database), Ok(())),
                Err(refusal) => (None, Err(refusal)),
            };
            // The caller waits for it.
            let _ = ready.send(opened);
            if let Some(database) = database {
                database.serve(&receiver);
            }
        };
        let thread = thread::Builder::new().name(WRITING_THREAD.into()).spawn(serve);
        let thread =
            thread.map_err(|error| Refusal::storage(format!("the ledger cannot start a thread: {error}"), error))?;
        opened.recv().unwrap_or_else(|_| Err(gone()))?;
        Ok(Self(Arc::new(WriterThread { sender: Some(sender), thread: Some(thread), warnings })))
    }

    /// What a person should know, each once.
    pub(super) fn warnings(&self) -> Vec<String> {
        std::mem::take(&mut self.0.warnings.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Writes an entry with the next transaction, or soon.
    pub(super) fn later(&self, entry: Spooled) -> Done<()> {
        self.hand_over(Message::Later(Box::new(Later(entry))))
    }

    /// Does something in a transaction. The first poll hands it over; it is done even if the future is dropped.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        run: impl FnOnce(&Database) -> Done<T> + Send + 'static,
    ) -> Done<T> {
        self.request(run, None, None).await
    }

    /// The same with an entry that is kept somewhere else where it cannot be written.
    pub(super) async fn keep<T: Send + 'static>(
        &self,
        entry: Spooled,
        run: impl FnOnce(&Database) -> Done<T> + Send + 'static,
    ) -> Done<T> {
        self.request(run, Some(entry), None).await
    }

    /// The same where it has to be recorded that it is not used, should the reply to COMMIT be lost.
    pub(super) async fn prepare<T: Send + 'static>(
        &self,
        run: impl FnOnce(&Database) -> Done<T> + Send + 'static,
        unsure: impl Fn(&T) -> Option<Spooled> + Send + 'static,
    ) -> Done<T> {
        self.request(run, None, Some(Box::new(unsure))).await
    }

    async fn request<T: Send + 'static>(
        &self,
        run: impl FnOnce(&Database) -> Done<T> + Send + 'static,
        keep: Option<Spooled>,
        unsure: Option<Unsure<T>>,
    ) -> Done<T> {
        let (reply, receiver) = oneshot::channel();
        let request = Request { run: Some(run), done: None, keep, unsure, reply };
        self.hand_over(Message::Now(Box::new(request)))?;
        receiver.await.unwrap_or_else(|_| Err(gone()))
    }

    /// Does something that no caller waits for.
    pub(super) fn send(&self, run: impl FnOnce(&Database) -> Done<()> + Send + 'static) {
        let (reply, _) = oneshot::channel();
        // The thread ends with the process.
        let request = Request { run: Some(run), done: None, keep: None, unsure: None, reply };
        let _ = self.hand_over(Message::Now(Box::new(request)));
    }

    fn hand_over(&self, message: Message) -> Done<()> {
        self.0.sender.as_ref().and_then(|sender| sender.send(message).ok()).ok_or_else(gone)
    }
}

fn gone() -> Refusal {
    refused("the ledger's thread has ended")
}

impl Database {
    /// Why nothing may be sent.
    ///
    /// # Errors
    /// Something that was paid for could not be recorded.
    pub(super) fn may_send(&self) -> Result<(), Refusal> {
        self.connection.may_send()?;
        self.halted.as_ref().map_or(Ok(()), |why| Err(refused(format!("nothing more is sent: {why}"))))
    }

    /// Whether an entry of a purchase waits to be written, so that the next one has to wait too.
    pub(super) fn has_waiting(&self, purchase: i64) -> bool {
        self.spool.waiting.iter().any(|entry| entry.purchase == purchase)
    }

    fn serve(mut self, receiver: &Receiver<Message>) {
        loop {
            let first = if self.later.is_empty() {
                receiver.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                receiver.recv_timeout(LATER)
            };
            let mut group = Vec::new();
            let is_over = matches!(first, Err(RecvTimeoutError::Disconnected));
            // What only waits does not start a transaction.
            let mut is_due = first.is_err();
            let more = std::iter::from_fn(|| receiver.try_recv().ok());
            for message in first.ok().into_iter().chain(more).take(GROUP) {
                match message {
                    Message::Later(work) => self.later.push(work),
                    Message::Now(work) => {
                        // The order of a record is that in which it was handed over.
                        group.append(&mut self.later);
                        group.push(work);
                        is_due = true;
                    }
                }
            }
            if is_due {
                group.append(&mut self.later);
                self.execute(group);
            }
            if is_over {
                // What still waits is tried a last time.
                return self.replay();
            }
        }
    }

    /// Runs a group in one transaction: each has a savepoint, so that one that fails takes no other with it. One that is alone needs
    /// none, and SQLite would copy every page that it changes.
    fn execute(&mut self, group: Vec<Box<dyn Work>>) {
        self.replay();
        let is_alone = group.len() == 1;
        let mut waiting = group.into_iter();
        while waiting.len() > 0 {
            let mut done = Vec::with_capacity(waiting.len());
            let mut failed = self.connection.begin().err();
            for mut work in waiting.by_ref() {
                let good = failed.is_none()
                    && if is_alone { work.run(self) } else { self.guarded(|database| work.run(database)) };
                done.push((work, good));
                // A full disk ends the whole transaction: what comes next gets another one.
                if failed.is_none() && !self.connection.is_in_transaction() {
                    break;
                }
            }
            if failed.is_none() {
                let is_refused = is_alone && done.iter().all(|(_, good)| !good);
                failed = if is_refused { self.connection.rollback() } else { self.commit() }.err();
            }
            for (work, good) in done {
                self.finish(work, good, failed.as_ref());
            }
        }
    }

    /// Writes what could not be written before. Where it still cannot, it waits, and holds up nothing else.
    fn replay(&mut self) {
        if self.spool.waiting.is_empty() || self.connection.begin().is_err() {
            return;
        }
        let write =
            |entry| self.guarded(|database| apply::record(&*database.connection, &database.name, entry).is_ok());
        let written = self.spool.waiting.iter().all(write);
        if self.commit().is_ok() && written {
            self.spool.clear();
        }
    }

    fn finish(&mut self, mut work: Box<dyn Work>, good: bool, failed: Option<&DatabaseError>) {
        let unwritten = if failed.is_some() || !good { work.unwritten() } else { None };
        let own = work.refused();
        let failed = failed.map(|error| storage(&self.name, error.clone()));
        let Some(entry) = unwritten else {
            // What it found out itself is said rather than that the others' transaction failed.
            return work.finish(failed.filter(|_| own.is_none()));
        };
        let why = own.or(failed.map(|failed| failed.to_string())).unwrap_or_else(|| "it cannot be written".into());
        let message = format!("{why}; {}", self.spool.keep(entry));
        self.halted = Some(message.clone());
        work.finish(Some(refused(message)));
    }

    /// Does something that leaves nothing where it fails.
    fn guarded(&self, run: impl FnOnce(&Self) -> bool) -> bool {
        if self.connection.batch("SAVEPOINT one").is_err() {
            return false;
        }
        let good = run(self);
        let end = if good { "RELEASE one" } else { "ROLLBACK TO one; RELEASE one" };
        self.connection.batch(end).is_ok() && good
    }

    fn commit(&self) -> database::Result<()> {
        #[cfg(feature = "kill-points")]
        crate::kill_points::reached(crate::kill_points::Commit::Begins);
        #[cfg(test)]
        let committed = self.faults.commit(&*self.connection);
        #[cfg(not(test))]
        let committed = self.connection.commit();
        if committed.is_err() && self.connection.is_in_transaction() {
            // What cannot be rolled back either is rolled back when the file is opened again.
            let _ = self.connection.rollback();
        }
        #[cfg(feature = "kill-points")]
        if committed.is_ok() {
            crate::kill_points::reached(crate::kill_points::Commit::Succeeded);
        }
        committed
    }

    /// Writes what earlier workers could not.
    fn replay_others(&mut self) -> Result<(), Refusal> {
        for (path, entries) in self.spool.others() {
            self.connection.begin().map_err(|error| storage(&self.name, error))?;
            let write =
                |entry| self.guarded(|database| apply::record(&*database.connection, &database.name, entry).is_ok());
            let written = entries.iter().all(write);
            self.commit().map_err(|error| storage(&self.name, error))?;
            if written {
                // Its tokens make it harmless where it stays.
                let _ = std::fs::remove_file(path);
            } else {
                let message = format!(
                    "{} holds what was paid for and could not be written into the ledger {}: look into it",
                    path.display(),
                    self.name
                );
                self.warnings.lock().unwrap_or_else(PoisonError::into_inner).push(message);
            }
        }
        Ok(())
    }
}
