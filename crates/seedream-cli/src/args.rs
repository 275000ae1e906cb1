//! The arguments of the command line.

mod batch;
mod config;
mod conformance;
mod connection;
mod doctor;
mod examples;
mod groups;
mod mock;
#[cfg(feature = "storage")]
mod storage;

use clap::{Args, CommandFactory as _, Parser, Subcommand};
use seedream::seedream_core::Descriptor;

pub(crate) use batch::*;
pub(crate) use config::*;
pub(crate) use conformance::*;
pub(crate) use connection::*;
pub(crate) use doctor::*;
pub(crate) use groups::*;
pub(crate) use mock::*;
#[cfg(feature = "storage")]
pub(crate) use storage::*;

use crate::ledger::LedgerAt;

const EXIT_CODES: &str = "\
Exit codes: 0 ok, 1 other failure, 2 usage error or request refused before sending, 3 some images failed, 4 rejected
by content moderation, 5 authentication or permission, 6 balance or quota, 7 outcome unknown (may have been billed),
8 budget used up, 9 network failure before sending, 10 deadline reached with a task to resume, 11 rate limit or overload,
not billed: try again later, 130 cancelled.";

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
    text.push_str("Flags have defaults in configuration files: seedream config show --help\n");
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

/// The command line with its examples.
pub(crate) fn command() -> clap::Command {
    examples::with_examples(Cli::command(), "")
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Generate images and save them
    #[command(after_help = EXIT_CODES)]
    Generate(Box<GenerateArgs>),
    /// Show the request that `generate` would send and its maximum cost; needs no key and sends nothing
    #[command(mut_arg("ids", |provider| provider.help("Providers to use, or all [default: those whose key is set; without a key, all]")))]
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
    /// Check a bucket for images
    #[cfg(feature = "storage")]
    Storage {
        #[command(subcommand)]
        command: StorageCommand,
    },
    /// List the models of each provider
    #[command(mut_arg("ids", |provider| provider.help("Providers to use, or all [default: all; with --live, those with a key]")))]
    Models(ModelsArgs),
    /// Show the configuration
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Check keys, endpoints, proxies, the clock, the output folder and unfinished jobs, and say what to do; costs nothing
    #[command(after_help = DOCTOR_HELP)]
    Doctor(DoctorArgs),
    /// Print completions for a shell
    Completions(CompletionsArgs),
    /// Write manual pages
    Man(ManArgs),
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
    /// Record the job in this ledger instead of a file in the output folder: a file, or postgres://USER@HOST/DATABASE; made if it is
    /// missing
    #[arg(long, value_name = "FILE|URL")]
    pub(crate) ledger: Option<LedgerAt>,
    /// Send although the server of the ledger is not the one that recorded last, as after a failover: its latest entries may be missing
    #[arg(long, requires = "ledger")]
    pub(crate) accept_failover: bool,
    #[command(flatten)]
    pub(crate) results: ResultArgs,
}

#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) request: RequestArgs,
    #[command(flatten)]
    pub(crate) provider: ProviderArgs,
    /// Plan N single-image requests
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), conflicts_with = "count")]
    pub(crate) exactly: Option<u32>,
    /// Plan a run in which one provider at most is paid
    #[arg(long, conflicts_with = "exactly")]
    pub(crate) fallback: bool,
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
    /// Base URL of the endpoint; needed where the task was accepted elsewhere than at the provider's default or the base URL of the environment, since the key is sent there
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
    #[command(flatten)]
    pub(crate) save: SaveArgs,
    #[command(flatten)]
    pub(crate) results: ResultArgs,
}

impl ResumeArgs {
    /// Whether a task is named, and no file.
    pub(crate) fn names_task(&self) -> bool {
        self.task.split_once(':').is_some_and(|(provider, _)| seedream::dialect(provider).is_ok())
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_argument_definitions_are_consistent() {
        command().debug_assert();
    }

    /// The words of a line, as a shell reads them: up to a redirection or a comment.
    fn words(line: &str) -> Vec<&str> {
        let parts = line.split('"').enumerate();
        let words = parts.flat_map(
            |(number, part)| {
                if number % 2 == 1 { vec![part] } else { part.split_whitespace().collect() }
            },
        );
        words.take_while(|word| !matches!(*word, ">" | "#")).collect()
    }

    fn commands(command: &clap::Command, words: &str, found: &mut Vec<String>) {
        for sub in command.get_subcommands() {
            let words = format!("{words} {}", sub.get_name()).trim_start().to_owned();
            if sub.has_subcommands() { commands(sub, &words, found) } else { found.push(words) }
        }
    }

    #[test]
    fn each_command_has_an_example_that_is_accepted() {
        for line in examples::EXAMPLES
            .iter()
            .flat_map(|(_, lines)| *lines)
            .filter(|line| cfg!(feature = "storage") || !line.contains("s3:"))
        {
            let parsed = command().try_get_matches_from(words(line));
            assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
        }
        let mut all = Vec::new();
        commands(&command(), "", &mut all);
        // Some of the mock's only list.
        all.retain(|words| !words.starts_with("mock "));
        let without: Vec<_> = all.iter().filter(|words| examples::EXAMPLES.iter().all(|(of, _)| of != words)).collect();
        assert!(without.is_empty(), "{without:?}");
    }
}
