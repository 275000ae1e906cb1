//! The arguments of `seedream batch`, `jobs` and `spend`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use seedream::seedream_core::Amount;
use seedream_ledger::protocol::LineState;

use super::groups::{ProviderArgs, RequestOptions, RuleArgs, SaveArgs};
use crate::{budget, ledger::LedgerAt};

pub(super) const BATCH_HELP: &str = "\
FILE has one request per line (JSONL) or per row (CSV with a header). `prompt` is required. Every option above that is part of a
request may be a column too, such as size, count, model or image; it overrides the option for its line. In JSONL `image` and `extra`
may have several values; in CSV a column may stand several times. `id` names a line; without it a line is recognized by its content.
`exactly` is a number of images, each bought by a request of its own; it replaces count.

The ledger records every line before its request is sent. Run the same command again after a crash, or when lines were added: lines
that were sent are collected, never sent again. A line is `unknown` where a request was under way when the process died; decide with
`seedream jobs resolve`.

A ledger in PostgreSQL is for workers on several machines: each runs the same command. A URL without a password takes it from the
variable PGPASSWORD. A worker that was not seen for a minute is taken for gone.

Exit codes: 0 all lines have their images, 2 nothing was sent, 3 some lines failed, 7 some lines are unknown, 8 budget used up,
130 cancelled; others as `seedream generate`.";

#[derive(Debug, Args)]
pub(crate) struct BatchArgs {
    /// JSONL or CSV file of requests; - reads standard input
    #[arg(value_name = "FILE|-")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) options: RequestOptions,
    #[command(flatten)]
    pub(crate) rules: RuleArgs,
    #[command(flatten)]
    pub(crate) provider: ProviderArgs,
    #[command(flatten)]
    pub(crate) save: SaveArgs,
    /// Ledger of the batch: a file, or postgres://USER@HOST/DATABASE [default: FILE.ledger, with --mock FILE.mock.ledger]; made if it
    /// is missing
    #[arg(long, value_name = "FILE|URL")]
    pub(crate) ledger: Option<LedgerAt>,
    /// Send although the server of the ledger is not the one that recorded last, as after a failover: its latest entries may be missing
    #[arg(long, requires = "ledger")]
    pub(crate) accept_failover: bool,
    /// Name of the batch in the ledger [default: the name of FILE]
    #[arg(long, value_name = "NAME")]
    pub(crate) batch: Option<String>,
    /// Send no line that could exceed this in all runs of the batch: 5usd, 200credits, 200images
    #[arg(long, value_name = "AMOUNT", value_parser = budget::parse)]
    pub(crate) budget: Option<Amount>,
    /// Send no line that could exceed this on one day in UTC, in all batches of the ledger
    #[arg(long, value_name = "AMOUNT", value_parser = budget::parse, conflicts_with = "budget")]
    pub(crate) budget_day: Option<Amount>,
    /// Requests at the same time
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub(crate) concurrency: u32,
    /// Start at most N requests in a minute
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=60_000))]
    pub(crate) per_minute: Option<u32>,
    /// Try lines again that failed without a charge
    #[arg(long)]
    pub(crate) retry_failed: bool,
    /// Run the valid lines although others are not valid
    #[arg(long)]
    pub(crate) keep_going: bool,
    /// Where the results go, as JSONL in the order of FILE [default: FILE.results.jsonl]
    #[arg(long, value_name = "FILE")]
    pub(crate) results: Option<PathBuf>,
    /// Where lines go that failed without a charge, as a file for another batch [default: FILE.failed.jsonl]
    #[arg(long, value_name = "FILE")]
    pub(crate) failed: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// The ledger of a command.
#[derive(Debug, Args)]
pub(crate) struct LedgerArgs {
    /// The ledger: a file, or postgres://USER@HOST/DATABASE
    #[arg(long, value_name = "FILE|URL")]
    pub(crate) ledger: LedgerAt,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum JobsCommand {
    /// List jobs
    List {
        #[command(flatten)]
        ledger: LedgerArgs,
        /// Only jobs of this batch
        #[arg(long, value_name = "NAME")]
        batch: Option<String>,
        /// Only jobs in this state
        #[arg(long, value_name = "STATE", value_parser = state)]
        state: Option<LineState>,
    },
    /// Print everything that is recorded of a job, as JSON
    Show {
        /// The job, as `jobs list` prints it
        id: String,
        /// The ledger: a file, or postgres://USER@HOST/DATABASE
        #[arg(long, value_name = "FILE|URL")]
        ledger: LedgerAt,
    },
    /// Collect what was bought and not saved; never sends a paid request
    Resume {
        #[command(flatten)]
        ledger: LedgerArgs,
        #[command(flatten)]
        provider: Box<ProviderArgs>,
        #[command(flatten)]
        save: Box<SaveArgs>,
    },
    /// Decide about a request whose outcome is unknown, after a look at the provider's bill
    Resolve {
        /// The record, as `jobs list` prints it
        id: String,
        #[command(flatten)]
        decision: Decision,
        /// Accept that --again may be billed twice
        #[arg(long)]
        yes: bool,
        /// Decide although the request may still be under way
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        ledger: LedgerArgs,
    },
    /// Print every job with all that is recorded, as JSONL; reads what is readable of a damaged ledger
    Export {
        /// The ledger: a file, or postgres://USER@HOST/DATABASE
        #[arg(long, value_name = "FILE|URL")]
        ledger: LedgerAt,
    },
}

#[derive(Clone, Copy, Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Decision {
    /// It was billed: the line counts as failed with a charge and is not sent again
    #[arg(long)]
    pub(crate) paid: bool,
    /// It was not billed: `batch --retry-failed` sends the line again
    #[arg(long)]
    pub(crate) not_paid: bool,
    /// Send it again although it may have been billed; needs --yes
    #[arg(long, requires = "yes")]
    pub(crate) again: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SpendArgs {
    #[command(flatten)]
    pub(crate) ledger: LedgerArgs,
    /// Only this batch
    #[arg(long, value_name = "NAME")]
    pub(crate) batch: Option<String>,
    /// Only from this day in UTC on: 2026-11-29
    #[arg(long, value_name = "DAY")]
    pub(crate) since: Option<String>,
    /// Print CSV
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
}

fn state(text: &str) -> Result<LineState, String> {
    LineState::ALL.into_iter().find(|state| state.as_str() == text).ok_or_else(|| {
        let all: Vec<_> = LineState::ALL.iter().map(|state| state.as_str()).collect();
        format!("the states are {}", all.join(", "))
    })
}
