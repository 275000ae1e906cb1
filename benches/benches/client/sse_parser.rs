//! The parser of events alone: linear in the bytes, whatever their chunks and the size of an event.

use std::hint::black_box;

use seedream::seedream_core::sse::Parser;
use serde::{Deserialize, Serialize};

use crate::{
    Part, Result,
    contest::{self, Contest, Entry},
    meter::{Cost, Meter},
    server::{EVENT_TAIL, event_head},
};

pub(crate) const PART: Part = Part { name: "parser", contests, run_entry };

#[derive(Serialize, Deserialize)]
struct Job {
    mib: usize,
    chunk: usize,
}

/// Of all events together.
const MIB: usize = 128;

fn contests() -> Result<Vec<Contest>> {
    const KIB: usize = 1 << 10;
    let rounds = 3;
    let size = |mib| Entry::new(format!("events of {mib} MiB"), &Job { mib, chunk: 16 * KIB });
    let chunk = |chunk| Entry::new(format!("chunks of {chunk} bytes"), &Job { mib: 32, chunk });
    Ok(vec![
        Contest {
            title: "parser, in chunks of 16 KiB".into(),
            unit: "MiB",
            rounds,
            // All so large that an allocator asks the kernel for each anew: smaller ones are cheaper, since memory is used again.
            entries: [32, 64, 128].into_iter().map(size).collect::<Result<_>>()?,
            memory: None,
        },
        Contest {
            title: "parser, events of 32 MiB".into(),
            unit: "MiB",
            rounds,
            entries: [16 * KIB, 64, KIB, KIB * KIB].into_iter().map(chunk).collect::<Result<_>>()?,
            memory: None,
        },
    ])
}

fn run_entry() -> Result<Cost> {
    let (job, _) = contest::job::<Job>()?;
    let event = format!("{}{}{EVENT_TAIL}", event_head(), "A".repeat(job.mib << 20));
    let mut parser = Parser::new();
    let meter = Meter::start()?;
    let mut frames = 0;
    for _ in 0..MIB / job.mib {
        for chunk in event.as_bytes().chunks(job.chunk) {
            frames += black_box(parser.feed(black_box(chunk))).len();
        }
    }
    assert_eq!(frames, MIB / job.mib);
    meter.stop(MIB)
}
