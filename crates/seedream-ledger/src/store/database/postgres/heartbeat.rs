//! Shows others that a worker is alive, by the clock of the server: a thread with a connection of its own.

use std::{
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    thread::{self, JoinHandle},
    time::Duration,
};

use postgres::Client;
use seedream_client::Refusal;

use super::{address::Address, session::connect};
use crate::store::{
    database::{Alive, Result, WRITING_THREAD},
    failure::{refused, storage},
    random::random,
};

const BEAT: &str =
    "INSERT INTO seedream_ledger.worker(id, seen_at) VALUES($1, extract(epoch FROM clock_timestamp())::bigint)
    ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at";

const END: &str = "DELETE FROM seedream_ledger.worker WHERE id = $1";

/// Workers that were not seen for a day.
const CLEAN: &str =
    "DELETE FROM seedream_ledger.worker WHERE seen_at < extract(epoch FROM clock_timestamp())::bigint - 86400";

/// Ends the worker when it is dropped.
pub(super) struct Heartbeat {
    /// `None` while it is dropped.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Heartbeat {
    /// Starts a worker, and waits until others see it.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub(super) fn start(address: &Address, every: Duration) -> Result<Alive, Refusal> {
        let worker = random();
        let (stop, stopped) = mpsc::channel();
        let (ready, started) = mpsc::sync_channel(1);
        let name = address.name.clone();
        let address = address.clone();
        let beats = move || {
            let begin = || {
                let mut client = connect(&address)?;
                client.execute(CLEAN, &[])?;
                client.execute(BEAT, &[&worker.cast_signed()])?;
                Ok(client)
            };
            let (client, begun) = match begin() {
                Ok(client) => (Some(client), Ok(())),
                Err(error) => (None, Err(error)),
            };
            // The caller waits for it.
            let _ = ready.send(begun);
            if let Some(client) = client {
                serve(client, worker, &address, every, &stopped);
            }
        };
        let thread = thread::Builder::new().name("seedream-alive".into()).spawn(beats).map_err(|error| {
            Refusal::storage(format!("a worker of the ledger {name} cannot start a thread: {error}"), error)
        })?;
        let started = started.recv().map_err(|_| refused("the thread of a worker has ended"))?;
        started.map_err(|error| storage(&name, error))?;
        Ok(Alive::new(worker, Self { stop: Some(stop), thread: Some(thread) }))
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.stop = None;
        // The thread that writes may have the row of this worker in its transaction, for whose end the other waits.
        let waits = thread::current().name() != Some(WRITING_THREAD);
        if let Some(thread) = self.thread.take().filter(|_| waits) {
            // One that panicked shows nothing any more: the others take over later.
            let _ = thread.join();
        }
    }
}

/// A server that cannot be reached is tried again at the next beat. Others take over meanwhile, and what this worker holds is fenced.
fn serve(client: Client, worker: u64, address: &Address, every: Duration, stopped: &Receiver<()>) {
    let worker = worker.cast_signed();
    let mut client = Some(client);
    while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(every) {
        let mut open = match client.take().filter(|client| !client.is_closed()) {
            Some(open) => open,
            None => match connect(address) {
                Ok(open) => open,
                Err(_) => continue,
            },
        };
        client = open.execute(BEAT, &[&worker]).is_ok().then_some(open);
    }
    if let Some(mut client) = client.filter(|client| !client.is_closed()) {
        // Where it stays, the worker is not seen for long, and that has the same effect later.
        let _ = client.execute(END, &[&worker]);
    }
}
