//! Arguments of `seedream mock`.

use std::{net::IpAddr, num::NonZeroUsize, path::PathBuf, str::FromStr, time::Duration};

use clap::{
    ArgGroup, Args, Subcommand, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
};
use seedream_mock::{
    AcceptedContentTypes, CallbackReach, CorsOrigin, Fault, OnMiss, RelayProfiles, Settings, TaskEnd, Validate,
};

use crate::duration;

#[derive(Debug, Subcommand)]
pub(crate) enum MockCommand {
    /// Serve until Ctrl-C or SIGTERM; the first line of standard output is JSON with the URLs
    Serve(ServeArgs),
    /// Record a real upstream: send every request on, and keep what comes back without its secrets; ends at Ctrl-C
    Record(RecordArgs),
    /// Check a folder of fixtures or a recording; print file:line: message and exit with 1 if there are problems
    Check(CheckArgs),
    /// List the routes of every provider
    Routes(ShowArgs),
    /// Show the evidence for the responses: documented, published, observed or derived
    Evidence(EvidenceArgs),
    /// List the words of the fault syntax
    Faults(ShowArgs),
    /// List the behaviors of a relay, for `mock serve --profile`
    Profiles(ShowArgs),
    /// Print the certificate authority of a mock that serves TLS on this machine, as PEM
    #[command(mut_arg("session", |session| session.hide(true)), mut_arg("admin_token", |token| token.hide(true)))]
    Ca(RunningMockArgs),
    /// Check that a mock answers; exit with 9 if not
    #[command(mut_arg("session", |session| session.hide(true)))]
    Health(RunningMockArgs),
    /// Check that a running mock received the expected requests; exit with 1 if not
    Verify(VerifyArgs),
    /// Inspect and control a running mock
    Ctl {
        #[command(flatten)]
        mock: RunningMockArgs,
        #[command(subcommand)]
        command: CtlCommand,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Port; 0 selects a free one
    #[arg(long, default_value_t = 0)]
    pub(crate) port: u16,
    /// Address to bind; an address other than loopback requires --admin-token
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    pub(crate) host: IpAddr,
    /// Serve HTTPS with an own certificate authority, whose certificate is the member `ca` of the ready line
    #[arg(long)]
    pub(crate) tls: bool,
    /// Write the certificate of the authority to this file, for SSL_CERT_FILE and the like
    #[arg(long, value_name = "FILE", requires = "tls")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Bearer token for the admin routes [default: $SEEDREAM_MOCK_TOKEN]
    #[arg(long, value_name = "TOKEN")]
    pub(crate) admin_token: Option<String>,
    /// How to handle invalid requests: strict returns the provider's error, warn records the violation and serves, off does not check
    #[arg(long, value_name = "HOW", default_value = "strict", value_parser = words::<Validate>(&["strict", "warn", "off"]))]
    pub(crate) validate: Validate,
    /// Accepted content types of image requests: json requires application/json; any accepts every content type, and requests without one
    #[arg(long, value_name = "WHICH", default_value = "json", value_parser = words::<AcceptedContentTypes>(&["json", "any"]))]
    pub(crate) content_type: AcceptedContentTypes,
    /// Accepted API keys [default: any key]
    #[arg(long, value_name = "KEY[,KEY]", value_delimiter = ',')]
    pub(crate) keys: Vec<String>,
    /// When a task ends: after polls (polls=3), after a time (time=5s), or by `mock ctl tasks` (hand)
    #[arg(long, value_name = "WHEN", default_value_t = defaults().task)]
    pub(crate) task: TaskEnd,
    /// The estimated_time member of a task, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = defaults().estimated_seconds)]
    pub(crate) estimated: u64,
    /// Accepted callback URLs: loopback also accepts http URLs of this machine and sends to them; strict accepts only public https URLs, and no callback is sent
    #[arg(long, value_name = "WHICH", default_value = "loopback", value_parser = words::<CallbackReach>(&["loopback", "strict"]))]
    pub(crate) callbacks: CallbackReach,
    /// Fault to inject in every session, as `seedream mock faults` lists them; repeatable
    #[arg(long = "fault", value_name = "FAULT")]
    pub(crate) faults: Vec<Fault>,
    /// Delay of requests with the key sk-mock-slow
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = duration::parse)]
    pub(crate) slow: Duration,
    /// Maximum number of sessions besides `default`
    #[arg(long, value_name = "N", default_value_t = defaults().session_capacity)]
    pub(crate) sessions: usize,
    /// Time after which an unused session is removed
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = duration::parse)]
    pub(crate) session_idle: Duration,
    /// Time from the first byte of a request to the end of its head after which the connection is closed
    #[arg(long, value_name = "TIME", default_value = "15s", value_parser = duration::parse)]
    pub(crate) head_timeout: Duration,
    /// Time after which a connection is closed that sends nothing and has no pending response
    #[arg(long, value_name = "TIME", default_value = "75s", value_parser = duration::parse)]
    pub(crate) idle_timeout: Duration,
    /// Maximum number of open connections; further connections wait until one ends
    #[arg(long, value_name = "N", default_value_t = defaults().connections)]
    pub(crate) connections: NonZeroUsize,
    /// Origin whose pages may use the provider and image routes, such as https://app.example; * for all; repeatable [default: only pages of this machine]
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) cors: Vec<CorsOrigin>,
    /// Do not serve the page that a browser gets at /
    #[arg(long)]
    pub(crate) no_page: bool,
    /// Maximum number of journal entries of a session
    #[arg(long, value_name = "N", default_value_t = defaults().journal_capacity)]
    pub(crate) journal: usize,
    /// Seed of the images and ids
    #[arg(long, value_name = "N", default_value_t = defaults().seed)]
    pub(crate) seed: u64,
    /// Behavior of a relay in front of a provider, as `seedream mock profiles` lists them, such as ark=new-api,unwrapped-errors; without a provider it applies to all; repeatable
    #[arg(long = "profile", value_name = "PROFILE")]
    pub(crate) profiles: Vec<RelayProfiles>,
    /// Folder of additional exchanges, <provider>/<area>/<case>.json, which take precedence over the documented ones; a recording of `mock record` is played byte for byte
    #[arg(long, value_name = "DIR")]
    pub(crate) fixtures: Option<PathBuf>,
    /// What a request gets that no exchange of --fixtures answers: an error that names the nearest one, a response by the provider's rules, or that of --upstream, which is recorded too [default: error for a recording, otherwise rules]
    #[arg(long, value_name = "HOW", requires = "fixtures")]
    pub(crate) on_miss: Option<OnMissWord>,
    /// Exit with 1 if a request was missed or a recorded exchange was never asked for, and name them
    #[arg(long, requires = "fixtures")]
    pub(crate) strict: bool,
    /// Play a recording at the pace at which it was recorded instead of at once
    #[arg(long, requires = "fixtures")]
    pub(crate) recorded_pace: bool,
    /// With --on-miss proxy: the base URL of the upstream
    #[arg(long, value_name = "URL", requires = "budget")]
    pub(crate) upstream: Option<String>,
    /// With --on-miss proxy: the most images that requests may buy; the most that a request may give is reserved before it is sent
    #[arg(long, value_name = "N", value_parser = images, requires = "upstream")]
    pub(crate) budget: Option<u32>,
    /// With --on-miss proxy: the provider of the upstream [default: the only one of the recording]
    #[arg(long, value_name = "ID", value_parser = providers(), requires = "upstream")]
    pub(crate) provider: Option<String>,
    /// With --on-miss proxy: PEM file of CA certificates to trust besides the system's
    #[arg(long, value_name = "FILE", requires = "upstream")]
    pub(crate) ca_cert: Option<PathBuf>,
}

/// What happens to a request without an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnMissWord {
    Error,
    Rules,
    Proxy,
}

#[derive(Debug, Args)]
pub(crate) struct RecordArgs {
    /// Provider whose dialect the upstream has
    #[arg(long, value_name = "ID", value_parser = providers())]
    pub(crate) provider: String,
    /// Base URL of the upstream, such as https://ark.cn-beijing.volces.com/api/v3; keys come from the client
    #[arg(long, value_name = "URL")]
    pub(crate) upstream: String,
    /// The most images that the recorded requests may buy. The most that a request may give is reserved before it is sent; a rejection gives it back, and a response that states how many images it bills keeps that many; beyond the budget nothing is sent
    #[arg(long, value_name = "N", value_parser = images)]
    pub(crate) budget: u32,
    /// Folder of the recording: a new or empty one, or a recording to go on with
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Port on 127.0.0.1; 0 selects a free one
    #[arg(long, default_value_t = 0)]
    pub(crate) port: u16,
    /// PEM file of CA certificates to trust besides the system's
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_cert: Option<PathBuf>,
}

/// Reads a number of images: `20` or `20images`.
fn images(text: &str) -> Result<u32, String> {
    let number = text.strip_suffix("images").unwrap_or(text);
    number.trim().parse().map_err(|_| String::from("a budget is a whole number of images, such as 20"))
}

fn providers() -> PossibleValuesParser {
    seedream_fixtures::providers().iter().map(|provider| provider.id.as_str()).collect::<Vec<_>>().into()
}

impl ServeArgs {
    /// The settings of the mock.
    pub(crate) fn settings(self) -> Settings {
        Settings {
            seed: self.seed,
            validate: self.validate,
            content_type: self.content_type,
            task: self.task,
            estimated_seconds: self.estimated,
            keys: self.keys,
            callbacks: self.callbacks,
            slow: self.slow,
            faults: self.faults,
            profiles: self.profiles.into_iter().fold(RelayProfiles::default(), |all, later| later.over(all)),
            journal_capacity: self.journal,
            session_capacity: self.sessions,
            session_idle: self.session_idle,
            head_timeout: self.head_timeout,
            idle_timeout: self.idle_timeout,
            connections: self.connections,
            cors: self.cors,
            page: !self.no_page,
            on_miss: self.on_miss.map(|word| match word {
                OnMissWord::Rules => OnMiss::Rules,
                // Requests to the upstream are sent before they are missed.
                OnMissWord::Error | OnMissWord::Proxy => OnMiss::Error,
            }),
            recorded_pace: self.recorded_pace,
            admin_token: self.admin_token,
        }
    }
}

fn defaults() -> Settings {
    Settings::default()
}

/// A parser of a type that has a word for each value.
fn words<T>(words: &'static [&'static str]) -> impl TypedValueParser<Value = T>
where
    T: FromStr<Err = String> + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(words).try_map(|word| word.parse::<T>())
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Folder with <provider>/<area>/<case>.json files
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct EvidenceArgs {
    /// List every exchange with its source
    #[arg(long)]
    pub(crate) list: bool,
    /// Print JSON, including the list
    #[arg(long)]
    pub(crate) json: bool,
}

/// The running mock and its session.
#[derive(Debug, Args)]
pub(crate) struct RunningMockArgs {
    /// URL of the mock: the `url` member of its ready line [default: $SEEDREAM_MOCK_URL]
    #[arg(long, alias = "url", value_name = "URL", global = true)]
    pub(crate) at: Option<String>,
    /// Session; * selects all sessions where the route allows it [default: default]
    #[arg(long, value_name = "NAME", global = true)]
    pub(crate) session: Option<String>,
    /// Token for the admin routes [default: $SEEDREAM_MOCK_TOKEN]
    #[arg(long, value_name = "TOKEN", global = true)]
    pub(crate) admin_token: Option<String>,
    /// Print the JSON response of the mock
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// Filters of journal entries.
#[derive(Debug, Args)]
pub(crate) struct FilterArgs {
    /// Only requests to this provider
    #[arg(long, value_name = "ID")]
    pub(crate) provider: Option<String>,
    /// Only requests with this method
    #[arg(long)]
    pub(crate) method: Option<String>,
    /// Only requests with this path; * matches any text
    #[arg(long)]
    pub(crate) path: Option<String>,
    /// Only responses with this status, or a class such as 5xx
    #[arg(long)]
    pub(crate) status: Option<String>,
    /// Only requests with this model
    #[arg(long, value_name = "ID")]
    pub(crate) model: Option<String>,
    /// Only responses from this exchange; - selects responses without one
    #[arg(long, value_name = "ID")]
    pub(crate) fixture: Option<String>,
    /// Only requests billed for N images, for any number (true), or for none (false)
    #[arg(long, value_name = "N")]
    pub(crate) billed: Option<String>,
    /// Only requests at or after this time (RFC 3339) or ordinal
    #[arg(long, value_name = "WHEN")]
    pub(crate) since: Option<String>,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("exact").args(["count"]).conflicts_with_all(["at_least", "at_most"])))]
pub(crate) struct VerifyArgs {
    /// JSON pattern of a journal entry, such as '{"body":{"prompt":"*kite*"}}'; * matches any text
    #[arg(long = "match", value_name = "JSON")]
    pub(crate) pattern: Option<String>,
    /// Require exactly N requests
    #[arg(long, value_name = "N")]
    pub(crate) count: Option<u64>,
    /// Require at least N requests [default: 1]
    #[arg(long, value_name = "N")]
    pub(crate) at_least: Option<u64>,
    /// Require at most N requests
    #[arg(long, value_name = "N")]
    pub(crate) at_most: Option<u64>,
    /// Wait up to this time for the requests
    #[arg(long, value_name = "TIME")]
    pub(crate) wait: Option<String>,
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    #[command(flatten)]
    pub(crate) mock: RunningMockArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CtlCommand {
    /// List the sessions
    Sessions,
    /// Show or change the clock; with --session, the clock of that session
    Clock(ClockArgs),
    /// Show, add or clear faults, written as `seedream mock faults` lists them
    Faults(FaultsArgs),
    /// List the tasks, or change their state
    Tasks(TasksArgs),
    /// Show the recorded requests and responses
    Journal(JournalArgs),
    /// Show the billed requests
    Ledger,
    /// Show the sent and pending callbacks
    Callbacks,
    /// Show or change the settings
    Settings(SettingsArgs),
    /// Clear parts of the state: journal, ledger, faults, tasks, callbacks, clock, settings, session
    Reset(ResetArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ClockArgs {
    /// Stop the clock at this time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub(crate) set: Option<String>,
    /// Move the clock forward: 25h, 500ms
    #[arg(long, value_name = "TIME")]
    pub(crate) advance: Option<String>,
    /// Stop the clock at the current time
    #[arg(long, conflicts_with = "run")]
    pub(crate) stop: bool,
    /// Restart the clock
    #[arg(long)]
    pub(crate) run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct FaultsArgs {
    /// Faults to add
    #[arg(value_name = "FAULT")]
    pub(crate) add: Vec<String>,
    /// Remove the existing faults first
    #[arg(long)]
    pub(crate) clear: bool,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("to").args(["complete", "fail", "cancel", "progress"])))]
pub(crate) struct TasksArgs {
    /// Task id [default: all unfinished tasks]
    #[arg(value_name = "ID", requires = "to")]
    pub(crate) id: Option<String>,
    /// Complete the task with its images
    #[arg(long)]
    pub(crate) complete: bool,
    /// Fail the task with an error code
    #[arg(long, value_name = "CODE", num_args = 0..=1, default_missing_value = "content_policy_violation")]
    pub(crate) fail: Option<String>,
    /// Cancel the task
    #[arg(long)]
    pub(crate) cancel: bool,
    /// Set the progress of the task
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(1..100))]
    pub(crate) progress: Option<u8>,
}

#[derive(Debug, Args)]
pub(crate) struct JournalArgs {
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    /// With --json, include the exchanges that nearly match each request
    #[arg(long)]
    pub(crate) explain: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SettingsArgs {
    /// Settings to change: validate=warn, content_type=any, task=time=5s, estimated_seconds=9, callbacks=strict, slow=1s
    #[arg(value_name = "NAME=VALUE", value_parser = setting)]
    pub(crate) change: Vec<(String, String)>,
}

#[derive(Debug, Args)]
pub(crate) struct ResetArgs {
    /// Parts to clear
    #[arg(value_name = "PART", required = true, value_parser = parts())]
    pub(crate) parts: Vec<String>,
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE, such as validate=warn")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn parts() -> PossibleValuesParser {
    seedream_mock::ResetPart::ALL.iter().map(|part| part.as_str()).collect::<Vec<_>>().into()
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Serve {
        #[command(flatten)]
        args: ServeArgs,
    }

    #[test]
    fn without_flags_the_settings_are_the_defaults_of_the_mock() {
        let json = |settings: &Settings| serde_json::to_value(settings).unwrap();
        let settings = Serve::try_parse_from(["serve"]).unwrap().args.settings();
        assert_eq!(json(&settings), json(&Settings::default()));
        assert_eq!(settings.admin_token, None);
    }
}
