//! A reference of 30 MiB that travels with the request: how often it is encoded shows in the CPU time.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use seedream::seedream_client::JobContext;
use seedream::{ImageProvider as _, ImageSource};
use serde::{Deserialize, Serialize};

use crate::{
    Part, Result,
    contest::{self, Contest, Entry},
    image_call::{generated, posted},
    meter::{Cost, Meter},
    peer::{self, MODEL, PROMPT, Request},
    server::image,
};

pub(crate) const PART: Part = Part { name: "references", contests, run_entry };

const REFERENCE: usize = 30 << 20;
const CALLS: usize = 8;

#[derive(Clone, Copy, Serialize, Deserialize)]
enum Way {
    Reqwest,
    Generate,
    /// What the command line does: a plan is made, and what was planned is sent.
    Planned,
}

fn contests() -> Result<Vec<Contest>> {
    let ways = [
        (Way::Reqwest, "reqwest + serde_json, encoded once"),
        (Way::Generate, "this client"),
        (Way::Planned, "this client, planned and sent"),
    ];
    let entries = ways.iter().map(|(way, label)| Entry::new(*label, way)).collect::<Result<_>>()?;
    Ok(vec![Contest { title: "a reference of 30 MiB".to_owned(), unit: "call", rounds: 5, entries, memory: None }])
}

fn run_entry() -> Result<Cost> {
    let (way, server) = contest::job::<Way>()?;
    let base = format!("{server}/pictures/1");
    let reference = bytes::Bytes::from(image(REFERENCE));
    peer::runtime()?.block_on(async {
        let url = format!("{base}/images/generations");
        let (http, client) = (peer::reqwest()?, peer::ours(&base).strictness(seedream::Strictness::Off).build()?);
        let client = Arc::new(client);
        posted(&http, &url, &Request::PLAIN).await?;
        generated(&client, peer::our_request()).await?;
        let ours = || peer::our_request().reference(ImageSource::inline("image/png", reference.clone()));
        let meter = Meter::start()?;
        for _ in 0..CALLS {
            let came = match way {
                Way::Reqwest => {
                    let image = [format!("data:image/png;base64,{}", STANDARD.encode(&reference))];
                    posted(&http, &url, &Request { model: MODEL, prompt: PROMPT, image: &image }).await?
                }
                Way::Generate => generated(&client, ours()).await?,
                Way::Planned => {
                    let prepared = client.prepare(ours())?;
                    assert_eq!(prepared.plan()?.max_images, 1);
                    let mut events = client.open(prepared, JobContext::default())?;
                    let mut came = 0;
                    while let Some(event) = futures_util::StreamExt::next(&mut events).await {
                        came += usize::from(matches!(event?, seedream::Event::Image(_)));
                    }
                    came
                }
            };
            assert_eq!(came, 1);
        }
        meter.stop(CALLS)
    })
}
