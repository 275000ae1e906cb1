//! The arguments of `seedream storage`.

use clap::Subcommand;

use super::connection::ConnectionArgs;

pub(super) const STORAGE_HELP: &str = "\
Keys, region and endpoint come from environment variables:
  AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
  AWS_REGION                        [default: us-east-1]
  AWS_ENDPOINT_URL_S3               the store, unless it is Amazon's; or AWS_ENDPOINT_URL
  AWS_VIRTUAL_HOSTED_STYLE_REQUEST  true: the bucket is in the name of the host, which TOS and OSS need
  AWS_ALLOW_HTTP                    true: the endpoint may be http://

Exit codes: 0 the store can take images, 1 it refuses what saving needs, 2 usage error.";

#[derive(Debug, Subcommand)]
pub(crate) enum StorageCommand {
    /// Check what a bucket does and refuses, with small objects that are deleted again
    #[command(after_help = STORAGE_HELP)]
    Check {
        /// Where images would go
        #[arg(value_name = "s3://BUCKET/PREFIX")]
        url: String,
        #[command(flatten)]
        connection: ConnectionArgs,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}
