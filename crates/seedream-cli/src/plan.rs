//! `seedream plan`: the request that would be sent and its maximum cost, without I/O and without a key.

use seedream::seedream_core::{Amount, Price, ProviderId};
use seedream::{Client, ImageProvider as _, Plan, Warning};
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
    report::{hint, warning_text},
    request_fitter::RequestFitter,
};

#[derive(Serialize)]
struct Plans {
    plans: Vec<Planned>,
    /// The providers that refuse the request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Refused>,
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
    max_images: u32,
    price: Option<Price>,
    most: Option<Amount>,
}

/// Prints the plan of each provider.
///
/// # Errors
/// The flags are not valid. If one provider refuses the request, the others are still printed.
pub(crate) fn plan(args: &PlanArgs, settings: &Settings, console: &Console) -> Result<Exit, Failure> {
    let named = provider_selection::named(&args.provider)?;
    let dialects = if named.is_empty() { seedream::dialects() } else { named };
    provider_selection::check_base_url(&args.provider, &dialects)?;
    let request = args.request.request(console)?;
    let overrides = args.provider.overrides()?;
    settings.tell_of_project(console);
    if args.provider.mock {
        console.note("mock: ignored, since a plan sends nothing");
    }
    let (mut plans, mut errors, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    for dialect in dialects {
        let descriptor = dialect.descriptor();
        let mut builder =
            limited(Client::builder(dialect.clone()), &overrides).strictness(args.request.rules.check.into());
        if let Some(url) = provider_selection::base_url(&args.provider, descriptor, |name| settings.presence(name)) {
            builder = builder.base_url(url);
        }
        let planned = builder.build().and_then(|client| {
            let default_model = settings.default_model(&descriptor.id);
            Ok(Planned::from(RequestFitter { client, fit: args.request.rules.fit, default_model }.plan(&request)?))
        });
        match planned {
            Ok(planned) => plans.push(planned),
            Err(error) => {
                errors.push(Refused {
                    provider: descriptor.id.clone(),
                    kind: error.kind().as_str(),
                    message: error.message().to_owned(),
                });
                console.note(&format!("error: {}", error.to_string().replace('\n', "\n  ")));
                refused.push(error);
            }
        }
    }
    if let Some(hint) = hint(&refused) {
        console.note(&hint);
    }
    if args.json {
        console.json(&Plans { plans, errors })?;
    } else if !plans.is_empty() {
        let texts: Vec<_> = plans.iter().map(Planned::text).collect();
        console.data(&texts.join("\n"))?;
    }
    Ok(Exit::of_several(refused.iter().map(|_| Exit::Usage)))
}

impl From<Plan> for Planned {
    fn from(plan: Plan) -> Self {
        let Plan { provider, model, method, url, body, effective, warnings, max_images, price, most, .. } = plan;
        Self { provider, model: model.to_string(), method, url, body, effective, warnings, max_images, price, most }
    }
}

impl Planned {
    fn text(&self) -> String {
        let effective = serde_json::to_string(&self.effective).unwrap_or_default();
        let mut text = format!("{} {} {}\n", self.provider, self.method, self.url);
        text.push_str(&format!("  body       {}\n", pretty(self.body.get(), "             ")));
        text.push_str(&format!("  effective  {}\n", pretty(&effective, "             ")));
        text.push_str(&format!(
            "  at most    {} image{}\n",
            self.max_images,
            if self.max_images == 1 { "" } else { "s" }
        ));
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
