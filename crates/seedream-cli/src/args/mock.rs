//! What `seedream mock` takes.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use seedream_mock::{Fault, RelayProfiles, TaskEnd, Validate};

use crate::duration;

#[derive(Debug, Subcommand)]
pub(crate) enum MockCommand {
    /// Serve until Ctrl-C or SIGTERM; the first line of standard output says where
    Serve(ServeArgs),
    /// Check a folder of fixtures: file:line: message, and exit code 1 where anything is wrong
    Check(CheckArgs),
    /// List the routes of every provider
    Routes(ShowArgs),
    /// Tell how sure the responses are: documented, published, observed or derived
    Evidence(EvidenceArgs),
    /// List the words that faults are written in
    Faults(ShowArgs),
    /// Ask a running mock whether it was asked what was expected; exit code 1 where it was not
    Verify(VerifyArgs),
    /// Look at and steer a running mock
    Ctl {
        #[command(flatten)]
        place: PlaceArgs,
        #[command(subcommand)]
        command: CtlCommand,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// The port; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    pub(crate) port: u16,
    /// The address; any but loopback needs --admin-token
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    pub(crate) host: IpAddr,
    /// What the admin routes want as a bearer
    #[arg(long, value_name = "TOKEN")]
    pub(crate) admin_token: Option<String>,
    /// How strictly requests are checked
    #[arg(long, value_name = "HOW", default_value = "strict")]
    pub(crate) validate: Checks,
    /// Which content types a request for images may have: application/json, or any and none
    #[arg(long, value_name = "WHICH", default_value = "json")]
    pub(crate) content_type: ContentType,
    /// The keys that are known [default: every key]
    #[arg(long, value_name = "KEY", value_delimiter = ',')]
    pub(crate) keys: Vec<String>,
    /// When a task ends: polls=3, time=5s or hand [default: polls=3]
    #[arg(long, value_name = "WHEN")]
    pub(crate) task: Option<TaskEnd>,
    /// The estimated_time of a task, in seconds [default: 1]
    #[arg(long, value_name = "SECONDS")]
    pub(crate) estimated: Option<u64>,
    /// Whom callbacks may reach: this machine over http, or only whom the provider allows, who is never called
    #[arg(long, value_name = "WHOM", default_value = "loopback")]
    pub(crate) callbacks: Callbacks,
    /// What goes wrong in every session, in the words of `seedream mock faults`; may be repeated
    #[arg(long = "fault", value_name = "FAULT")]
    pub(crate) faults: Vec<Fault>,
    /// How long the key sk-mock-slow waits [default: 5s]
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    pub(crate) slow: Option<Duration>,
    /// The most sessions beside `default` [default: 1024]
    #[arg(long, value_name = "N")]
    pub(crate) sessions: Option<usize>,
    /// How long a session is kept without use [default: 1h]
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    pub(crate) session_idle: Option<Duration>,
    /// The most entries of a session's journal [default: 1000]
    #[arg(long, value_name = "N")]
    pub(crate) journal: Option<usize>,
    /// What images and ids are made from
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// How relays behave: ark=new-api,unwrapped-errors, or one for all; may be repeated
    #[arg(long = "profile", value_name = "PROFILE")]
    pub(crate) profiles: Vec<RelayProfiles>,
    /// A folder of own exchanges, <provider>/<area>/<case>.json, over the documented ones
    #[arg(long, value_name = "DIR")]
    pub(crate) fixtures: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// The folder: <provider>/<area>/<case>.json below it
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
    /// Print JSON, with the list
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which mock is meant, and which session of it.
#[derive(Debug, Args)]
pub(crate) struct PlaceArgs {
    /// The mock: the `url` of its ready line [default: $SEEDREAM_MOCK_URL]
    #[arg(long, value_name = "URL", global = true)]
    pub(crate) at: Option<String>,
    /// The session; * means all, where the mock allows that [default: the session default]
    #[arg(long, value_name = "NAME", global = true)]
    pub(crate) session: Option<String>,
    /// What its admin routes want [default: $SEEDREAM_MOCK_TOKEN]
    #[arg(long, value_name = "TOKEN", global = true)]
    pub(crate) admin_token: Option<String>,
    /// Print the mock's own answer
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// Which entries of the journal are meant.
#[derive(Debug, Args)]
pub(crate) struct FilterArgs {
    /// Only those of this provider
    #[arg(long, value_name = "ID")]
    pub(crate) provider: Option<String>,
    /// Only those with this method
    #[arg(long)]
    pub(crate) method: Option<String>,
    /// Only those with this path; * stands for anything
    #[arg(long)]
    pub(crate) path: Option<String>,
    /// Only those answered with this status, or a class such as 5xx
    #[arg(long)]
    pub(crate) status: Option<String>,
    /// Only those that name this model
    #[arg(long, value_name = "ID")]
    pub(crate) model: Option<String>,
    /// Only those answered by this exchange; - means by none
    #[arg(long, value_name = "ID")]
    pub(crate) fixture: Option<String>,
    /// Only those that cost so many images, or anything (true), or nothing (false)
    #[arg(long, value_name = "N")]
    pub(crate) billed: Option<String>,
    /// Only those from this time (RFC 3339) or ordinal on
    #[arg(long, value_name = "WHEN")]
    pub(crate) since: Option<String>,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("exact").args(["count"]).conflicts_with_all(["at_least", "at_most"])))]
pub(crate) struct VerifyArgs {
    /// A JSON pattern of an entry, such as '{"body":{"prompt":"*kite*"}}'; * stands for anything
    #[arg(long = "match", value_name = "JSON")]
    pub(crate) pattern: Option<String>,
    /// Exactly this many
    #[arg(long, value_name = "N")]
    pub(crate) count: Option<u64>,
    /// This many or more [default: 1]
    #[arg(long, value_name = "N")]
    pub(crate) at_least: Option<u64>,
    /// This many or fewer
    #[arg(long, value_name = "N")]
    pub(crate) at_most: Option<u64>,
    /// Wait so long until there are enough
    #[arg(long, value_name = "TIME")]
    pub(crate) wait: Option<String>,
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CtlCommand {
    /// List the sessions
    Sessions,
    /// Show the clock, or move it; with --session that of a session alone
    Clock(ClockArgs),
    /// Show the faults, or add some, in the words of `seedream mock faults`
    Faults(FaultsArgs),
    /// List the tasks, or move one by hand
    Tasks(TasksArgs),
    /// Show what was asked and answered
    Journal(JournalArgs),
    /// Show what was paid
    Ledger,
    /// Show who was and will be called back
    Callbacks,
    /// Show how requests are answered, or change it
    Settings(SettingsArgs),
    /// Forget: journal, ledger, faults, tasks, callbacks, clock, settings, session
    Reset(ResetArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ClockArgs {
    /// Stop it at this time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub(crate) set: Option<String>,
    /// Move it forward: 25h, 500ms
    #[arg(long, value_name = "TIME")]
    pub(crate) advance: Option<String>,
    /// Stop it where it is
    #[arg(long, conflicts_with = "run")]
    pub(crate) stop: bool,
    /// Let it run on
    #[arg(long)]
    pub(crate) run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct FaultsArgs {
    /// Faults to add
    #[arg(value_name = "FAULT")]
    pub(crate) add: Vec<String>,
    /// Forget those that are set, before any are added
    #[arg(long)]
    pub(crate) clear: bool,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("to").args(["complete", "fail", "cancel", "progress"])))]
pub(crate) struct TasksArgs {
    /// The task; all that have not ended, where it is left out
    #[arg(value_name = "ID", requires = "to")]
    pub(crate) id: Option<String>,
    /// End it with the images it has
    #[arg(long)]
    pub(crate) complete: bool,
    /// End it without images, with a code
    #[arg(long, value_name = "CODE", num_args = 0..=1, default_missing_value = "content_policy_violation")]
    pub(crate) fail: Option<String>,
    /// End it as cancelled
    #[arg(long)]
    pub(crate) cancel: bool,
    /// Move it to a percentage
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(1..100))]
    pub(crate) progress: Option<u8>,
}

#[derive(Debug, Args)]
pub(crate) struct JournalArgs {
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    /// Name the exchanges that a request nearly was, with --json
    #[arg(long)]
    pub(crate) explain: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SettingsArgs {
    /// What to change: validate=warn, content_type=any, task=time=5s, estimated_seconds=9, callbacks=strict, slow=1s
    #[arg(value_name = "NAME=VALUE", value_parser = setting)]
    pub(crate) change: Vec<(String, String)>,
}

#[derive(Debug, Args)]
pub(crate) struct ResetArgs {
    /// What to forget
    #[arg(value_name = "PART", required = true, value_parser = parts())]
    pub(crate) parts: Vec<String>,
}

super::choice!(Checks -> Validate { Strict => Validate::Strict, Warn => Validate::Warn, Off => Validate::Off });

/// Which content types a request may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ContentType {
    Json,
    Any,
}

/// Whom callbacks may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Callbacks {
    Loopback,
    Strict,
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn parts() -> clap::builder::PossibleValuesParser {
    seedream_mock::ResetPart::ALL.iter().map(|part| part.as_str()).collect::<Vec<_>>().into()
}
