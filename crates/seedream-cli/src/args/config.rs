//! The arguments of `seedream config`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use seedream::Size;
use seedream::seedream_client::NameTemplate;

use super::{
    connection::ConnectionArgs,
    groups::{name_template, providers},
};

pub(super) const CONFIG_HELP: &str = "\
A value comes from a flag, else from a variable, else from the profile, else from the file of the project, else from the file of the
user. `model` of a provider stands before `model` for all of the same source.

The user's file is ~/.config/seedream/config.toml (XDG_CONFIG_HOME, on Windows %APPDATA%; SEEDREAM_CONFIG names another):
  provider = \"ark\"                      # SEEDREAM_PROVIDER; several: [\"ark\", \"opeai\"]
  model = \"seedream-4.5\"                # SEEDREAM_MODEL
  size = \"2K\"                           # SEEDREAM_SIZE
  out = \"~/Pictures/seedream\"           # SEEDREAM_OUT
  name = \"{date}-{slug}-{index}\"        # SEEDREAM_NAME
  proxy = \"http://proxy.example:3128\"   # HTTPS_PROXY, HTTP_PROXY, ALL_PROXY
  ca_cert = \"ca.pem\"                    # SSL_CERT_FILE; relative to the file
  [providers.ark]
  model = \"doubao-seedream-4-5-251128\"
  base_url = \"https://ark.ap-southeast.bytepluses.com/api/v3\"   # ARK_BASE_URL
  key_command = [\"pass\", \"show\", \"ark\"]   # run without a shell, for 60 s at most; the key is the first line that it prints
  # or key = \"…\", if only you can read the file
  [profiles.work]                       # --config-profile work, SEEDREAM_CONFIG_PROFILE; any of the above
  provider = \"evolink\"

The project's file is .seedream.toml in the current folder or one above, up to the root of the git repository; outside a repository only in
the current folder. It may set provider, model, size, name, and an out below its own folder: a repository that you cloned must not run
commands, nor choose where keys and images go.";

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Show each setting and where it comes from; keys and passwords are not shown
    #[command(after_help = CONFIG_HELP)]
    Show(Box<ConfigShowArgs>),
}

#[derive(Debug, Args)]
pub(crate) struct ConfigShowArgs {
    /// As for `generate`
    #[arg(long = "provider", value_name = "ID[,ID]|all", value_delimiter = ',', value_parser = providers())]
    pub(crate) providers: Vec<String>,
    /// As for `generate`
    #[arg(long, value_name = "ID")]
    pub(crate) model: Option<String>,
    /// As for `generate`
    #[arg(long)]
    pub(crate) size: Option<Size>,
    /// As for `generate`
    #[arg(long, value_name = "DIR|s3://BUCKET/PREFIX")]
    pub(crate) out: Option<PathBuf>,
    /// As for `generate`
    #[arg(long, value_name = "TEMPLATE", value_parser = name_template)]
    pub(crate) name: Option<NameTemplate>,
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
