//! A small generation: one image, as a URL.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    Part, Result,
    contest::{self, Contest, Entry},
    image_call::Caller,
    meter::{Cost, Meter},
    peer::{self, Peer},
};

pub(crate) const PART: Part = Part { name: "small", contests, run_entry };

#[derive(Serialize, Deserialize)]
struct Job {
    peer: Peer,
    connections: usize,
    /// How many calls each connection makes.
    calls: usize,
}

fn contests() -> Result<Vec<Contest>> {
    let of = |(connections, calls)| {
        let entry = |peer: &Peer| Entry::new(peer.label(), &Job { peer: *peer, connections, calls });
        let title = format!("small generation, connections: {connections}");
        let entries = Peer::ALL.iter().map(entry).collect::<Result<_>>()?;
        Ok(Contest { title, unit: "call", rounds: 11, entries, memory: None })
    };
    [(1, 4000), (64, 125)].into_iter().map(of).collect()
}

fn run_entry() -> Result<Cost> {
    let (job, server) = contest::job::<Job>()?;
    let caller = Arc::new(Caller::new(job.peer, &format!("{server}/pictures/1"))?);
    peer::runtime()?.block_on(async {
        // Connections, and everything that is made once, are not counted.
        together(&caller, job.connections, 3).await?;
        let meter = Meter::start()?;
        together(&caller, job.connections, job.calls).await?;
        meter.stop(job.connections * job.calls)
    })
}

/// So many calls on each of so many connections.
async fn together(caller: &Arc<Caller>, connections: usize, calls: usize) -> Result<()> {
    let one = |caller: Arc<Caller>| async move {
        for _ in 0..calls {
            assert_eq!(caller.call().await?, 1);
        }
        Result::Ok(())
    };
    let running: Vec<_> = (0..connections).map(|_| tokio::spawn(one(caller.clone()))).collect();
    for one in running {
        one.await??;
    }
    Ok(())
}
