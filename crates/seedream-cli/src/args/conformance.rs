//! Arguments of `seedream conformance`.

use std::path::PathBuf;

use clap::{Args, Subcommand, builder::PossibleValuesParser};
use seedream_conformance::CaseFilter;

use super::connection::ConnectionArgs;

/// These commands have exit codes of their own.
const EXIT_CODES: &str = "\
Exit codes: 0 every case passes, 1 a case fails or a known failure passes, 2 usage error,
3 a case cannot run or the report cannot be written, 4 no case ran, or fewer than the requirements state.";

#[derive(Debug, Subcommand)]
pub(crate) enum ConformanceCommand {
    /// Run the conformance suite over the adapters
    #[command(after_help = EXIT_CODES)]
    Run(Box<RunArgs>),
    /// Show which cases cover each documented rule; exit with 1 if a rule has no case
    Trace(AdapterArgs),
    /// Check the format and the sources of fixtures; exit with 1 if there are problems
    Lint(LintArgs),
    /// Compare the fixtures with a provider's current documentation; exit with 1 if they differ
    Drift(DriftArgs),
    /// Inject faults into the adapters and show which cases detect them
    #[command(after_help = MUTANT_EXIT_CODES)]
    Mutants(MutantArgs),
}

const MUTANT_EXIT_CODES: &str = "\
Exit codes: 0 every mutant is killed, 1 a mutant survives, or a law or a required case kills none,
2 usage error, 3 the adapter of --exec or its facts cannot be used. Of an adapter of --exec only those mutants
count that change something of it.";

/// One external adapter in place of the built-in ones.
#[derive(Debug, Args)]
pub(crate) struct AdapterArgs {
    /// Only an external adapter that speaks JSON lines instead of the built-in ones: 'python3 adapter.py'
    #[arg(long, value_name = "COMMAND")]
    pub(crate) exec: Option<String>,
    /// Folder with additional facts for --exec: <provider>/provider.json, rules.json and <area>/<case>.json
    #[arg(long, value_name = "DIR", requires = "exec")]
    pub(crate) fixtures: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct MutantArgs {
    #[command(flatten)]
    pub(crate) adapter: AdapterArgs,
    /// Print the matrix as Markdown
    #[arg(long)]
    pub(crate) markdown: bool,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true))]
pub(crate) struct DriftArgs {
    /// OpenAPI file (JSON): compares routes, members, types, values, limits, statuses and responses
    #[arg(long, value_name = "FILE", group = "what")]
    pub(crate) openapi: Option<PathBuf>,
    /// Saved documentation page: compares models, paths, members, values, numbers, codes and sizes
    #[arg(long, value_name = "FILE", group = "what", requires = "provider")]
    pub(crate) document: Option<PathBuf>,
    /// Recorded exchange in fixture format: reports members that are new, missing or of another type
    #[arg(long, value_name = "FILE", group = "what", requires = "provider")]
    pub(crate) exchange: Option<PathBuf>,
    /// Folder of `mock record`: says of each exchange on which side the documents and the adapter are
    #[arg(long, value_name = "DIR", group = "what")]
    pub(crate) recording: Option<PathBuf>,
    /// Provider of the file [default for --openapi: the provider of its servers]
    #[arg(long, value_name = "ID", value_parser = providers())]
    pub(crate) provider: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct LintArgs {
    /// Folder with <provider>/<area>/<case>.json files [default: the built-in fixtures]
    #[arg(value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Only cases whose names match: decode/ark, preflight/*/errors, **/http-4*
    #[arg(long = "run", value_name = "PATTERN")]
    pub(crate) filter: Option<CaseFilter>,
    /// Only the adapters of these providers
    #[arg(long = "provider", value_name = "ID[,ID]", value_delimiter = ',', value_parser = providers())]
    pub(crate) providers: Vec<String>,
    /// Test an external adapter that speaks JSON lines instead of the built-in ones: 'python3 adapter.py'
    #[arg(long, value_name = "COMMAND", conflicts_with_all = ["providers", "live", "mock"])]
    pub(crate) exec: Option<String>,
    /// Folder with additional facts for --exec: <provider>/provider.json, rules.json and <area>/<case>.json
    #[arg(long, value_name = "DIR", requires = "exec")]
    pub(crate) fixtures: Option<PathBuf>,
    /// JSON file with the minimum number of cases of each law: {"set": "mine", "cases": {"harbour": {"encode": 6}}}
    #[arg(long, value_name = "FILE")]
    pub(crate) requirements: Option<PathBuf>,
    /// JSON file with known failures: [{"case": "decode/ark/**", "reason": "...", "until": "2027-01-31"}]
    #[arg(long, value_name = "FILE")]
    pub(crate) known: Option<PathBuf>,
    /// Write the report as JSON; - writes it to standard output instead of the table
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Write the report as JUnit XML
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// Write the report as one HTML file
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Send requests that cannot be billed to the providers: a wrong key, an invalid size, the list of models
    #[arg(long, conflicts_with_all = ["filter", "known", "json", "junit", "html"])]
    pub(crate) live: bool,
    /// Write the exchanges of --live as fixtures, without secrets
    #[arg(long, value_name = "DIR", requires = "live")]
    pub(crate) record: Option<PathBuf>,
    /// Send to the mock at this URL: the requests of --live, or without --live those of the preflight law
    #[arg(long, value_name = "URL")]
    pub(crate) mock: Option<String>,
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
}

fn providers() -> PossibleValuesParser {
    seedream::dialects().iter().map(|dialect| dialect.descriptor().id.to_string()).collect::<Vec<_>>().into()
}
