//! The groups of arguments that several commands share: the request, its rules, the providers, and where images go.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{ArgAction, Args, ValueEnum, builder::PossibleValuesParser};
use seedream::seedream_client::NameTemplate;
use seedream::seedream_core::PromptMode;
use seedream::{Count, OutputFormat, Size, Strictness, Tier};
use serde_json::Value;

use super::connection::ConnectionArgs;
use crate::{duration, failure::Failure};

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
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
}

/// Output folder and time limits.
#[derive(Debug, Args)]
pub(crate) struct SaveArgs {
    /// Folder for images, metadata and job records [default: out], or a bucket for images and metadata
    #[arg(long, value_name = "DIR|s3://BUCKET/PREFIX")]
    out: Option<PathBuf>,
    /// Names of images in the folder, such as {date}-{slug}-{index}: {provider}, {model}, {slug} of the prompt, {seed}, {date}, {id}, {index} [default: {provider}-{index}, in a batch {id}-{index}]
    #[arg(long, value_name = "TEMPLATE", value_parser = name_template)]
    pub(crate) name: Option<NameTemplate>,
    /// Folder on a local disk where images wait until the bucket of --out has them, and for job records [default: FILE.spool beside a ledger, the folder of a record, else ~/.local/state/seedream/spool]
    #[arg(long, value_name = "DIR")]
    pub(crate) spool: Option<PathBuf>,
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

    /// Sets the output folder where no flag does.
    pub(crate) fn set_out(&mut self, out: Option<PathBuf>) {
        self.out = out;
    }

    /// The URL in `--out`, where that is no folder.
    pub(crate) fn out_url(&self) -> Option<&str> {
        self.out.as_deref().and_then(Path::to_str).filter(|out| out.contains("://"))
    }

    /// Checks that the output folder is not a file, nor below one, and that `--spool` has a bucket and `--name` a folder.
    ///
    /// # Errors
    /// It is, or it has none; nothing was sent.
    pub(crate) fn check_out(&self) -> Result<(), Failure> {
        if self.out_url().is_some() {
            if self.name.is_some() {
                let message = "--name applies to a folder, and objects in a bucket are named by their job; leave it out; nothing was sent";
                return Err(Failure::usage(message));
            }
            return Ok(());
        }
        if self.spool.is_some() {
            return Err(Failure::usage(
                "--spool applies only to --out s3://BUCKET/PREFIX; leave it out; nothing was sent",
            ));
        }
        if names_image(self.out()) && !self.out().is_dir() {
            let (out, parent) = (self.out(), self.out().parent().filter(|parent| !parent.as_os_str().is_empty()));
            let parent = parent.unwrap_or(Path::new(".")).display();
            return Err(Failure::usage(format!(
                "--out {} names an image, and --out is the folder for all files: write --out {parent}; each image is named by its provider; nothing was sent",
                out.display()
            )));
        }
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

/// Whether a path ends as the file of an image does.
fn names_image(path: &Path) -> bool {
    const ENDINGS: [&str; 7] = ["png", "jpg", "jpeg", "webp", "gif", "avif", "heic"];
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| ENDINGS.iter().any(|known| known.eq_ignore_ascii_case(ending)))
}

/// How results are shown.
#[derive(Debug, Args)]
pub(crate) struct ResultArgs {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Print only the path of each saved image, one a line
    #[arg(long, conflicts_with = "json")]
    pub(crate) print_paths: bool,
    /// Open the saved images with the system's viewer, or the program in SEEDREAM_OPENER
    #[arg(long)]
    pub(crate) open: bool,
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
pub(super) fn providers() -> PossibleValuesParser {
    let ids = seedream::dialects().into_iter().map(|dialect| dialect.descriptor().id.to_string());
    PossibleValuesParser::new(ids.chain(["all".to_owned()]).collect::<Vec<_>>())
}

/// The names of images.
pub(super) fn name_template(text: &str) -> Result<NameTemplate, String> {
    text.parse().map_err(|error: seedream::Error| error.message().to_owned())
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
    use super::*;

    #[test]
    fn extra_members_are_json() {
        assert_eq!(extra("n=3").unwrap(), ("n".to_owned(), 3.into()));
        assert_eq!(extra(r#"a={"b":"c=d"}"#).unwrap().1["b"], "c=d");
        assert!(extra("style=vivid").unwrap_err().contains("quotes"));
        assert!(extra("=1").is_err() && extra("x").is_err());
    }
}
