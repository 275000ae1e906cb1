//! The arguments of the command line.

mod batch;
mod conformance;
mod mock;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum, builder::PossibleValuesParser};
use seedream::seedream_core::{Descriptor, PromptMode};
use seedream::{Count, OutputFormat, Size, Strictness, Tier};
use serde_json::Value;

pub(crate) use batch::*;
pub(crate) use conformance::*;
pub(crate) use mock::*;

use crate::{duration, failure::Failure};

const EXIT_CODES: &str = "\
Exit codes: 0 ok, 1 other failure, 2 usage error or request refused before sending, 3 some images failed, 4 rejected
by content moderation, 5 authentication or permission, 6 balance or quota, 7 outcome unknown (may have been billed),
8 budget used up, 9 network failure before sending, 10 deadline reached with a task to resume, 130 cancelled.";

/// The environment variables of every provider, and the exit codes.
fn after_help() -> String {
    let mut text = "API keys and base URLs come from environment variables:\n".to_owned();
    for dialect in seedream::dialects() {
        let Descriptor { id, key_variables, base_url_variables, sites, .. } = dialect.descriptor();
        let (keys, base_url) = (key_variables.join(" or "), base_url_variables.first());
        let base_url = base_url.map(|name| format!("; base URL: {name}")).unwrap_or_default();
        text.push_str(&format!("  {:12} {keys}{base_url}\n", id.as_str()));
        for (site, name) in sites.iter().zip(base_url_variables.iter().cycle()) {
            text.push_str(&format!("  {:12} {}: set {name}={}\n", "", site.name, site.base_url));
        }
    }
    format!("{text}\n{EXIT_CODES}")
}

/// Generate Seedream images through any provider, without losing or repeating a paid request
#[derive(Debug, Parser)]
#[command(name = "seedream", version, after_help = after_help())]
pub(crate) struct Cli {
    /// Log each request and download to standard error
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Generate images and save them
    #[command(after_help = EXIT_CODES)]
    Generate(Box<GenerateArgs>),
    /// Show the request that `generate` would send and its maximum cost; needs no key and sends nothing
    #[command(mut_arg("ids", |provider| provider.help("Providers to use, or all [default: all]")))]
    Plan(Box<PlanArgs>),
    /// Fetch the results of interrupted requests and accepted tasks; never sends a paid request
    #[command(after_help = EXIT_CODES)]
    Resume(ResumeArgs),
    /// Generate the images of a file of requests, each at most once, even across crashes and restarts
    #[command(after_help = BATCH_HELP)]
    #[command(mut_arg("ids", |provider| provider.help("Providers in the order in which they are tried, or all; the next only if the previous one rejected the request without charging [default: the provider whose key is set; with --mock, all]")))]
    Batch(Box<BatchArgs>),
    /// List, show and decide the jobs of a ledger
    Jobs {
        #[command(subcommand)]
        command: JobsCommand,
    },
    /// Show what was spent, by day, provider, model and state
    Spend(SpendArgs),
    /// List the models of each provider
    #[command(mut_arg("ids", |provider| provider.help("Providers to use, or all [default: all; with --live, those with a key]")))]
    Models(ModelsArgs),
    /// Run and control a local mock of the providers
    Mock {
        #[command(subcommand)]
        command: Box<MockCommand>,
    },
    /// Test the adapters against the providers' documentation
    Conformance {
        #[command(subcommand)]
        command: ConformanceCommand,
    },
}

/// The request.
#[derive(Debug, Args)]
pub(crate) struct RequestArgs {
    /// The prompt; - reads it from standard input
    #[arg(required_unless_present = "prompt_file")]
    pub(crate) prompt: Option<String>,
    /// Read the prompt from a UTF-8 text file
    #[arg(long, value_name = "FILE", conflicts_with = "prompt")]
    pub(crate) prompt_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) options: RequestOptions,
    #[command(flatten)]
    pub(crate) rules: RuleArgs,
}

/// Everything of a request but the prompt.
#[derive(Debug, Args)]
pub(crate) struct RequestOptions {
    /// Model id or alias of any provider [default: the provider's default model]
    #[arg(long, value_name = "ID")]
    pub(crate) model: Option<String>,
    /// Image size: a tier (2K), pixels (2048x2048), a ratio with or without a tier (16:9, 16:9@2K), or auto
    #[arg(long)]
    pub(crate) size: Option<Size>,
    /// Resolution tier, alone or with a ratio in --size: 1K, 1.5K, 2K, 3K, 4K
    #[arg(long)]
    pub(crate) tier: Option<Tier>,
    /// Maximum number of images; auto lets the model choose, up to 15. The prompt must ask for several images too
    #[arg(long, value_name = "N|auto")]
    pub(crate) count: Option<Count>,
    /// Reference image: a file, a URL or a data URI; repeatable
    #[arg(long = "image", value_name = "PATH|URL")]
    pub(crate) images: Vec<String>,
    /// Image file format
    #[arg(long)]
    pub(crate) format: Option<Format>,
    /// Add a visible watermark to the images
    #[arg(long, action = ArgAction::Set, value_name = "BOOL")]
    pub(crate) watermark: Option<bool>,
    /// Random seed
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) seed: Option<i64>,
    /// How closely the image follows the prompt (3.0 models)
    #[arg(long, value_name = "F", allow_negative_numbers = true)]
    pub(crate) guidance_scale: Option<f64>,
    /// How the provider optimizes the prompt
    #[arg(long, value_name = "MODE")]
    pub(crate) prompt_mode: Option<Mode>,
    /// Let the model search the web
    #[arg(long, action = ArgAction::Set, value_name = "BOOL")]
    pub(crate) web_search: Option<bool>,
    /// URL to which the provider sends task updates
    #[arg(long, value_name = "URL")]
    pub(crate) callback_url: Option<String>,
    /// Return images as URLs or as base64 in the response [default: the provider's default, mostly url]
    #[arg(long, value_name = "FORM")]
    pub(crate) response_format: Option<ResponseForm>,
    /// Return images as base64 in the response instead of URLs (same as --response-format b64_json)
    #[arg(long, conflicts_with = "response_format")]
    pub(crate) inline: bool,
    /// Receive each image as soon as it is ready
    #[arg(long)]
    pub(crate) stream: bool,
    /// Extra member of the request body, such as background='"opaque"'; repeatable
    #[arg(long, value_name = "NAME=JSON", value_parser = extra)]
    pub(crate) extra: Vec<(String, Value)>,
}

/// What happens to a request that breaks a rule.
#[derive(Debug, Args)]
pub(crate) struct RuleArgs {
    /// How to handle a request that breaks a rule: strict refuses it; lenient omits fields that the provider does not accept and sends other values, with warnings; off sends it unchanged, with warnings
    #[arg(long, value_name = "HOW", default_value = "strict")]
    pub(crate) check: Check,
    /// Replace illegal values by the nearest legal ones, with a warning
    #[arg(long)]
    pub(crate) fit: bool,
}

/// The providers and their endpoints.
#[derive(Debug, Args)]
pub(crate) struct ProviderArgs {
    /// Providers to use, or all [default: the provider whose key is set; with --mock, all]
    #[arg(long = "provider", value_name = "ID[,ID]|all", value_delimiter = ',', value_parser = providers())]
    pub(crate) ids: Vec<String>,
    /// Use the built-in mock: no key, no network, no cost
    #[arg(long, conflicts_with = "base_url")]
    pub(crate) mock: bool,
    /// Base URL of the endpoint [default: the provider's]
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// JSON file that overrides the built-in models and limits
    #[arg(long, value_name = "FILE")]
    pub(crate) limits: Option<PathBuf>,
}

/// Output folder and time limits.
#[derive(Debug, Args)]
pub(crate) struct SaveArgs {
    /// Folder for images, metadata and job records [default: out]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Time limit for the whole job: 90s, 10m, 1h30m; a reseller measured 110 to 130 s for Seedream 5.0 pro [default: 10m]
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    pub(crate) deadline: Option<Duration>,
    /// Allow image downloads over plain http
    #[arg(long)]
    pub(crate) allow_http_results: bool,
    /// Do not write the metadata (.json) file next to the images
    #[arg(long)]
    pub(crate) no_sidecar: bool,
}

impl SaveArgs {
    /// The output folder.
    pub(crate) fn out(&self) -> &Path {
        self.out.as_deref().unwrap_or(Path::new("out"))
    }

    /// Checks that the output folder is not a file, nor below one.
    ///
    /// # Errors
    /// It is; nothing was sent.
    pub(crate) fn check_out(&self) -> Result<(), Failure> {
        let Some(file) = self.out().ancestors().find(|path| path.exists() && !path.is_dir()) else { return Ok(()) };
        let (out, file) = (self.out().display(), file.display());
        Err(Failure::usage(format!(
            "--out {out}: {file} is a file, not a folder; name another folder with --out; nothing was sent"
        )))
    }

    /// Whether `--out` was given.
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
    /// Generate N images with N single-image requests; a request with an unknown outcome is not sent again
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), conflicts_with = "count")]
    pub(crate) exactly: Option<u32>,
    /// Try providers in --provider order; continue only if the previous one rejected the request without charging
    #[arg(long, conflicts_with = "exactly")]
    pub(crate) fallback: bool,
    /// Record the job in this ledger instead of a file in the output folder; made if it is missing
    #[arg(long, value_name = "FILE")]
    pub(crate) ledger: Option<PathBuf>,
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
    /// A record (.job.jsonl) or metadata (.json) file of `generate`, a folder of them, or a provider and task id
    #[arg(value_name = "FILE|FOLDER|PROVIDER:ID")]
    pub(crate) task: String,
    /// Use the built-in mock, which knows only the documented tasks
    #[arg(long, conflicts_with = "base_url")]
    pub(crate) mock: bool,
    /// Base URL of the endpoint [default: where the task was accepted]
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
    /// Fetch the list from each provider that has one (GET /models)
    #[arg(long)]
    pub(crate) live: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// A command-line enum that converts to a library enum.
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

choice!(Format -> OutputFormat { Png => OutputFormat::Png, Jpeg => OutputFormat::Jpeg });
/// Values of the `response_format` member.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ResponseForm {
    Url,
    #[value(name = "b64_json")]
    B64Json,
}

choice!(Mode -> PromptMode { Standard => PromptMode::Standard, Fast => PromptMode::Fast });
choice!(Check -> Strictness { Strict => Strictness::Strict, Lenient => Strictness::Lenient, Off => Strictness::Off });

/// The provider ids, and `all`.
fn providers() -> PossibleValuesParser {
    let ids = seedream::dialects().into_iter().map(|dialect| dialect.descriptor().id.to_string());
    PossibleValuesParser::new(ids.chain(["all".to_owned()]).collect::<Vec<_>>())
}

fn extra(text: &str) -> Result<(String, Value), String> {
    let (name, json) =
        text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or("write NAME=JSON, such as n=3")?;
    let value = serde_json::from_str(json)
        .map_err(|error| format!("the value is not valid JSON ({error}); a string needs quotes: {name}='\"text\"'"))?;
    Ok((name.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_argument_definitions_are_consistent() {
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
