//! The command line itself.

mod mock;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum, builder::PossibleValuesParser};
use seedream::seedream_core::PromptMode;
use seedream::{Count, OutputFormat, Size, Strictness, Tier};
use serde_json::Value;

pub(crate) use mock::*;

use crate::{conformance::ConformanceCommand, duration};

const EXIT_CODES: &str = "\
Keys come from the environment only: GOGOGOTOKEN_API_KEY, AIEARTH_API_KEY or AIO_API_KEY, EVOLINK_API_KEY,
ARK_API_KEY, OPEAI_API_KEY; a base URL may stand beside each (ARK_BASE_URL, ...). BytePlus is asked through ark, with
ARK_BASE_URL=https://ark.ap-southeast.bytepluses.com/api/v3 and its own model ids (`seedream models`).

Exit codes: 0 ok, 1 other failure, 2 usage or refused before sending, 3 some images failed, 4 refused for
content, 5 authentication or permission, 6 balance or quota, 7 outcome unknown (may be billed), 9 network
before anything was sent, 10 deadline with a task to resume, 130 cancelled.";

/// Seedream images from any reseller: nothing that was paid for is lost or bought twice
#[derive(Debug, Parser)]
#[command(name = "seedream", version, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    /// Tell on standard error what is sent and fetched, and how it ends
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make images and save them
    Generate(Box<GenerateArgs>),
    /// Show what `generate` would send and what it can cost; sends nothing and needs no key
    Plan(Box<PlanArgs>),
    /// Collect an accepted task; never submits
    Resume(ResumeArgs),
    /// List the models that the providers sell
    Models(ModelsArgs),
    /// A local upstream that responds like the providers, without a key
    Mock {
        #[command(subcommand)]
        command: Box<MockCommand>,
    },
    /// Laws that every adapter must obey, run against what the providers' documents say
    Conformance {
        #[command(subcommand)]
        command: ConformanceCommand,
    },
}

/// What is asked for.
#[derive(Debug, Args)]
pub(crate) struct RequestArgs {
    /// What to draw, or how to edit the references; - reads it from standard input
    #[arg(required_unless_present = "prompt_file")]
    pub(crate) prompt: Option<String>,
    /// A file that holds the prompt: UTF-8 text, to its end
    #[arg(long, value_name = "FILE", conflicts_with = "prompt")]
    pub(crate) prompt_file: Option<PathBuf>,
    /// The model, in any provider's spelling [default: each provider's own]
    #[arg(long, value_name = "ID")]
    pub(crate) model: Option<String>,
    /// A level (2K), width x height (2048x2048), a ratio (16:9, 16:9@2K), or auto
    #[arg(long)]
    pub(crate) size: Option<Size>,
    /// The level of a ratio, or a level alone: 1K, 1.5K, 2K, 3K, 4K
    #[arg(long)]
    pub(crate) tier: Option<Tier>,
    /// At most this many images, or auto: the model decides, up to 15; ask for several in the prompt too
    #[arg(long, value_name = "N|auto")]
    pub(crate) count: Option<Count>,
    /// A reference image: a file, a URL or a data URI; may be repeated
    #[arg(long = "image", value_name = "PATH|URL")]
    pub(crate) images: Vec<String>,
    /// The file format
    #[arg(long)]
    pub(crate) format: Option<Format>,
    /// Whether a visible mark is put into the image
    #[arg(long, action = ArgAction::Set, value_name = "BOOL")]
    pub(crate) watermark: Option<bool>,
    /// The seed of the random numbers
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) seed: Option<i64>,
    /// How closely the prompt is followed (3.0 models)
    #[arg(long, value_name = "F", allow_negative_numbers = true)]
    pub(crate) guidance_scale: Option<f64>,
    /// How the provider rewrites the prompt
    #[arg(long, value_name = "MODE")]
    pub(crate) prompt_mode: Option<Mode>,
    /// Whether the model may search the web
    #[arg(long, action = ArgAction::Set, value_name = "BOOL")]
    pub(crate) web_search: Option<bool>,
    /// Where the provider reports the end of a task
    #[arg(long, value_name = "URL")]
    pub(crate) callback_url: Option<String>,
    /// How the images come back: behind URLs, or as base64 inside the response [default: the provider's own, mostly url]
    #[arg(long, value_name = "FORM")]
    pub(crate) response_format: Option<Form>,
    /// Short for --response-format b64_json
    #[arg(long, conflicts_with = "response_format")]
    pub(crate) inline: bool,
    /// Have the images one by one while the others are made
    #[arg(long)]
    pub(crate) stream: bool,
    /// A member of the provider's own body, such as background='"opaque"'; may be repeated
    #[arg(long, value_name = "NAME=JSON", value_parser = extra)]
    pub(crate) extra: Vec<(String, Value)>,
    /// What happens to a request that breaks a rule
    #[arg(long, value_name = "HOW", default_value = "strict")]
    pub(crate) check: Check,
    /// Take the nearest legal value of whatever is not legal, with a warning
    #[arg(long)]
    pub(crate) fit: bool,
}

/// Who is asked.
#[derive(Debug, Args)]
pub(crate) struct ProviderArgs {
    /// The providers, or all
    #[arg(long = "provider", value_name = "ID[,ID]|all", value_delimiter = ',', value_parser = providers())]
    pub(crate) ids: Vec<String>,
    /// Run against a mock inside this program: no key, no network, no cost
    #[arg(long, conflicts_with = "base_url")]
    pub(crate) mock: bool,
    /// Where to send to, instead of the provider's own base URL
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// A JSON file with models and limits that hold over the documents'
    #[arg(long, value_name = "FILE")]
    pub(crate) limits: Option<PathBuf>,
}

/// Where images go, and how long they may take.
#[derive(Debug, Args)]
pub(crate) struct SaveArgs {
    /// The folder for images, their metadata and the records of jobs [default: out]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// How long the whole job may take: 90s, 10m, 1h30m; a reseller measured 110 to 130 s for Seedream 5.0 pro [default: 10m]
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    pub(crate) deadline: Option<Duration>,
    /// Fetch images from plain http URLs too
    #[arg(long)]
    pub(crate) allow_http_results: bool,
    /// Write no JSON beside the images that says what was asked, answered and charged
    #[arg(long)]
    pub(crate) no_sidecar: bool,
}

impl SaveArgs {
    /// The folder for images.
    pub(crate) fn out(&self) -> &Path {
        self.out.as_deref().unwrap_or(Path::new("out"))
    }

    /// Whether the user named it.
    pub(crate) fn names_out(&self) -> bool {
        self.out.is_some()
    }
}

#[derive(Debug, Args)]
pub(crate) struct GenerateArgs {
    #[command(flatten)]
    pub(crate) request: RequestArgs,
    #[command(flatten)]
    pub(crate) provider: ProviderArgs,
    #[command(flatten)]
    pub(crate) save: SaveArgs,
    /// Make exactly this many images, by requests of one: nothing that may have been bought is bought again
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), conflicts_with = "count")]
    pub(crate) exactly: Option<u32>,
    /// Ask the providers one after the other, in the order of --provider: the next only where the one before took nothing
    #[arg(long, conflicts_with = "exactly")]
    pub(crate) fallback: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) request: RequestArgs,
    #[command(flatten)]
    pub(crate) provider: ProviderArgs,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ResumeArgs {
    /// A record (.job.jsonl) or metadata file (.json) that `generate` left, a folder of them, or a provider and a task's id
    #[arg(value_name = "FILE|FOLDER|PROVIDER:ID")]
    pub(crate) task: String,
    /// Ask a mock inside this program: it knows the documented tasks only
    #[arg(long, conflicts_with = "base_url")]
    pub(crate) mock: bool,
    /// Where to ask, instead of where the task was accepted
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    #[command(flatten)]
    pub(crate) save: SaveArgs,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ModelsArgs {
    #[command(flatten)]
    pub(crate) provider: ProviderArgs,
    /// Ask the providers that have a list (GET /models)
    #[arg(long)]
    pub(crate) live: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

macro_rules! choice {
    ($(#[$doc:meta])* $name:ident -> $target:ty { $($variant:ident => $to:path),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, ValueEnum)]
        pub(crate) enum $name { $($variant),* }

        impl From<$name> for $target {
            fn from(choice: $name) -> Self {
                match choice { $($name::$variant => $to),* }
            }
        }
    };
}
pub(crate) use choice;

choice!(Format -> OutputFormat { Png => OutputFormat::Png, Jpeg => OutputFormat::Jpeg });
/// `url`, `b64_json`: the values of the member itself.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Form {
    Url,
    #[value(name = "b64_json")]
    B64Json,
}

choice!(Mode -> PromptMode { Standard => PromptMode::Standard, Fast => PromptMode::Fast });
choice!(Check -> Strictness { Strict => Strictness::Strict, Lenient => Strictness::Lenient, Off => Strictness::Off });

/// The ids of all providers, and `all`.
fn providers() -> PossibleValuesParser {
    let ids = seedream::dialects().into_iter().map(|dialect| dialect.descriptor().id.to_string());
    PossibleValuesParser::new(ids.chain(["all".to_owned()]).collect::<Vec<_>>())
}

fn extra(text: &str) -> Result<(String, Value), String> {
    let (name, json) = text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or("write NAME=JSON")?;
    let value = serde_json::from_str(json)
        .map_err(|error| format!("the value is not JSON ({error}); a text needs quotes: {name}='\"text\"'"))?;
    Ok((name.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn extra_members_are_json() {
        assert_eq!(extra("n=3").unwrap(), ("n".to_owned(), 3.into()));
        assert_eq!(extra(r#"a={"b":"c=d"}"#).unwrap().1["b"], "c=d");
        assert!(extra("style=vivid").unwrap_err().contains("quotes"));
        assert!(extra("=1").is_err() && extra("x").is_err());
    }
}
