//! The arguments of `seedream doctor`, `completions` and `man`.

use std::path::PathBuf;

use clap::Args;

use super::{connection::ConnectionArgs, groups::providers};

pub(super) const DOCTOR_HELP: &str = "\
Sends only requests that cannot be billed: a GET without a key to each base URL, and the list of models where the provider has one.

Exit codes: 0 nothing is to be done, 1 something is, 2 usage error.";

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Providers to check, or all [default: the configured ones, else those with a key]
    #[arg(long = "provider", value_name = "ID[,ID]|all", value_delimiter = ',', value_parser = providers())]
    pub(crate) providers: Vec<String>,
    /// Base URL of the endpoint [default: the provider's]
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// Folder for images, metadata and job records [default: out]
    #[arg(long, value_name = "DIR|s3://BUCKET/PREFIX")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Folder for the pages, such as ~/.local/share/man/man1; made if it is missing
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
}
