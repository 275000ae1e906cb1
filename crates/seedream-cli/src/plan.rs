//! `seedream plan`: the request that would be sent and its maximum cost, without I/O and without a key.

use std::sync::Arc;

use seedream::seedream_core::{Amount, Price, ProviderId};
use seedream::{Client, Exactly, ImageProvider, Plan, Warning};
use serde::Serialize;
use serde_json::{Map, Value, value::RawValue};

use crate::{
    args::PlanArgs,
    config::Settings,
    console::Console,
    exit::Exit,
    failure::Failure,
    limits_file::limited,
    pretty_json::pretty,
    provider_selection,
    report::{hint, models_that_accept, warning_text, with_flags},
    request_fitter::RequestFitter,
};

#[derive(Serialize)]
struct Plans {
    plans: Vec<Planned>,
    /// The most that the run may bring and cost.
    total: Total,
    /// The providers that refuse the request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Refused>,
}

/// The sum over the providers; with `--fallback` the largest of each, since one provider at most is paid.
#[derive(Serialize)]
struct Total {
    max_images: u32,
    /// One amount for each unit.
    most: Vec<Amount>,
    /// The providers that publish no price.
    without_price: Vec<ProviderId>,
}

#[derive(Serialize)]
struct Refused {
    provider: ProviderId,
    kind: &'static str,
    message: String,
}

#[derive(Serialize)]
struct Planned {
    provider: ProviderId,
    model: String,
    method: String,
    url: String,
    body: Box<RawValue>,
    effective: Map<String, Value>,
    warnings: Vec<Warning>,
    /// How many such requests are sent.
    requests: u32,
    /// Of all requests.
    max_images: u32,
    price: Option<Price>,
    most: Option<Amount>,
}

/// Prints the plan of each provider.
///
/// # Errors
/// The flags are not valid. If one provider refuses the request, the others are still printed.
pub(crate) fn plan(args: &PlanArgs, settings: &Settings, console: &Console) -> Result<Exit, Failure> {
    let dialects = provider_selection::to_plan(&args.provider, |name| settings.presence(name))?;
    let request = args.request.request(console)?;
    let overrides = args.provider.overrides()?;
    settings.tell_of_project(console);
    if args.provider.mock {
        console.note("mock: ignored, since a plan sends nothing");
    }
    let (mut plans, mut errors, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    let (is_only, mut models) = (dialects.len() == 1, Vec::new());
    for dialect in dialects {
        let descriptor = dialect.descriptor();
        let mut builder =
            limited(Client::builder(dialect.clone()), &overrides).strictness(args.request.rules.check.into());
        if let Some(url) = provider_selection::base_url(&args.provider, descriptor, |name| settings.presence(name)) {
            builder = builder.base_url(url);
        }
        let planned = builder.build().and_then(|client| {
            let default_model = settings.default_model(&descriptor.id);
            let fitter = RequestFitter { client, fit: args.request.rules.fit, default_model };
            let provider: Arc<dyn ImageProvider> = Arc::new(fitter);
            let job = provider.job(request.clone());
            let planned = match args.exactly {
                Some(images) => Exactly::new(job, images).plan().map(|plan| Planned::new(plan, images)),
                None => job.plan().map(|plan| Planned::new(plan, 1)),
            };
            if is_only && planned.is_err() {
                models = models_that_accept(&*provider, &request);
            }
            planned
        });
        match planned {
            Ok(planned) => plans.push(planned),
            Err(error) => {
                errors.push(Refused {
                    provider: descriptor.id.clone(),
                    kind: error.kind().as_str(),
                    message: error.message().to_owned(),
                });
                console.note(&format!("error: {}", with_flags(&error).replace('\n', "\n  ")));
                refused.push(error);
            }
        }
    }
    if let Some(hint) = hint(&refused, &models) {
        console.note(&format!("hint: {hint}"));
    }
    let total = Total::of(&plans, args.fallback);
    if args.json {
        console.json(&Plans { plans, total, errors })?;
    } else if !plans.is_empty() {
        let mut texts: Vec<_> = plans.iter().map(Planned::text).collect();
        if plans.len() > 1 {
            texts.push(total.text(args.fallback));
        }
        console.data(&texts.join("\n"))?;
    }
    Ok(Exit::of_several(refused.iter().map(|_| Exit::Usage)))
}

impl Total {
    fn of(plans: &[Planned], fallback: bool) -> Self {
        let mut total = Self { max_images: 0, most: Vec::new(), without_price: Vec::new() };
        for plan in plans {
            total.max_images = if fallback {
                total.max_images.max(plan.max_images)
            } else {
                total.max_images.saturating_add(plan.max_images)
            };
            match (
                &plan.most,
                total.most.iter_mut().find(|sum| plan.most.as_ref().is_some_and(|most| most.unit == sum.unit)),
            ) {
                (Some(most), Some(sum)) if fallback => sum.micros = sum.micros.max(most.micros),
                (Some(most), Some(sum)) => sum.micros = sum.micros.saturating_add(most.micros),
                (Some(most), None) => total.most.push(most.clone()),
                (None, _) => total.without_price.push(plan.provider.clone()),
            }
        }
        total
    }

    fn text(&self, fallback: bool) -> String {
        let join = if fallback { " or " } else { " and " };
        let most: Vec<_> = self.most.iter().map(Amount::to_string).collect();
        let most = if most.is_empty() { String::new() } else { format!(", at most {}", most.join(join)) };
        let without: Vec<_> = self.without_price.iter().map(ProviderId::as_str).collect();
        let without = if without.is_empty() {
            String::new()
        } else {
            format!("; no price is published by {}", without.join(", "))
        };
        let one = if fallback { " of one provider" } else { "" };
        format!("total: at most {}{one}{most}{without}\n", images(self.max_images))
    }
}

fn images(number: u32) -> String {
    format!("{number} image{}", if number == 1 { "" } else { "s" })
}

impl Planned {
    /// The plan of so many equal requests.
    fn new(plan: Plan, requests: u32) -> Self {
        let Plan { provider, model, method, url, body, effective, warnings, max_images, price, mut most, .. } = plan;
        if let Some(most) = &mut most {
            most.micros = most.micros.saturating_mul(requests.into());
        }
        let (model, max_images) = (model.to_string(), max_images.saturating_mul(requests));
        Self { provider, model, method, url, body, effective, warnings, requests, max_images, price, most }
    }

    fn text(&self) -> String {
        let effective = serde_json::to_string(&self.effective).unwrap_or_default();
        let mut text = format!("{} {} {}\n", self.provider, self.method, self.url);
        text.push_str(&format!("  body       {}\n", pretty(self.body.get(), "             ")));
        text.push_str(&format!("  effective  {}\n", pretty(&effective, "             ")));
        if self.requests > 1 {
            text.push_str(&format!("  requests   {}\n", self.requests));
        }
        text.push_str(&format!("  at most    {}\n", images(self.max_images)));
        let price = self.price.as_ref().map_or_else(|| "not published".to_owned(), ToString::to_string);
        text.push_str(&format!("  price      {price}\n"));
        if let Some(most) = &self.most {
            text.push_str(&format!("  at most    {most}\n"));
        }
        for warning in &self.warnings {
            text.push_str(&format!(
                "  warning    {}\n",
                warning_text(&self.provider, &self.model, warning).replace('\n', "\n             ")
            ));
        }
        text
    }
}
