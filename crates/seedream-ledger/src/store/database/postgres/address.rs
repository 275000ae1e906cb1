//! The URL of a ledger, with what it does not say.

use std::{env, fmt, time::Duration};

use postgres::{
    Config,
    config::{Host, TargetSessionAttrs},
};
use seedream_client::Refusal;

use crate::store::failure::refused;

/// How long a server may take to answer, where the URL does not say.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a network may be silent.
const SILENCE: Duration = Duration::from_secs(30);

/// Where a database is, and who connects to it.
#[derive(Clone)]
pub(super) struct Address {
    pub(super) config: Config,
    /// The URL without a password and without parameters.
    pub(super) name: String,
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Address").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Address {
    /// Reads `postgres://…`. A URL without a password has that of the variable `PGPASSWORD`, as with PostgreSQL's own programs.
    ///
    /// # Errors
    /// It cannot be read. The message does not show it, since any part may be a piece of the password.
    pub(super) fn parse(url: &str) -> Result<Self, Refusal> {
        // Certificates are verified always; the crate knows these words by another name.
        let known =
            url.replace("sslmode=verify-full", "sslmode=require").replace("sslmode=verify-ca", "sslmode=require");
        let unreadable = "the URL of the ledger cannot be read; it has the form postgres://USER:PASSWORD@HOST:PORT/DATABASE, \
            with %40 for @, %2F for / and %25 for % in its parts, and no parameter that libpq alone knows, such as sslrootcert";
        let mut config: Config = known.parse().map_err(|_| refused(unreadable))?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(refused("the URL of the ledger names no host: postgres://USER@HOST/DATABASE"));
        }
        let is_host = |host: &Host| match host {
            Host::Tcp(host) => host.chars().all(|one| one.is_ascii_alphanumeric() || "-_.:[]".contains(one)),
            #[cfg(unix)]
            Host::Unix(_) => true,
        };
        if !config.get_hosts().iter().all(is_host) {
            // What follows an @ of a password is no host.
            return Err(refused(unreadable));
        }
        if config.get_password().is_none()
            && let Ok(password) = env::var("PGPASSWORD")
        {
            config.password(password);
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(PATIENCE);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(SILENCE);
        }
        config.keepalives_idle(SILENCE).target_session_attrs(TargetSessionAttrs::ReadWrite);
        if config.get_application_name().is_none() {
            config.application_name("seedream");
        }
        let name = name(&config);
        Ok(Self { config, name })
    }
}

fn name(config: &Config) -> String {
    let ports = config.get_ports();
    let port = |at: usize| ports.get(at).or(ports.first()).map(|port| format!(":{port}")).unwrap_or_default();
    #[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix has sockets that are files"))]
    let mut sockets = Vec::new();
    let mut hosts = Vec::new();
    for (at, host) in config.get_hosts().iter().enumerate() {
        match host {
            Host::Tcp(host) => hosts.push(format!("{host}{}", port(at))),
            #[cfg(unix)]
            Host::Unix(folder) => {
                sockets.push(format!("?host={}{}", folder.display(), port(at).replace(':', "&port=")));
            }
        }
    }
    if hosts.is_empty() {
        hosts.extend(config.get_hostaddrs().iter().enumerate().map(|(at, host)| format!("{host}{}", port(at))));
    }
    let is_plain = |text: &&str| text.chars().all(|one| one.is_ascii_alphanumeric() || "_-.".contains(one));
    let user = config.get_user().filter(is_plain).map(|user| format!("{user}@")).unwrap_or_default();
    let database = config.get_dbname().unwrap_or_default();
    let socket = sockets.first().map_or("", String::as_str);
    let hosts = if sockets.is_empty() { hosts.join(",") } else { String::new() };
    format!("postgres://{user}{hosts}/{database}{socket}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_no_password_and_an_error_no_part_of_the_url() {
        for (url, name) in [
            ("postgres://me:s3cret@db.example:5433/ledger?sslmode=require", "postgres://me@db.example:5433/ledger"),
            ("postgres://me@one,two:1/l?sslmode=verify-full&password=s3cret", "postgres://me@one:5432,two:1/l"),
            ("postgresql://db.example/l?user=me&connect_timeout=3", "postgres://me@db.example:5432/l"),
        ] {
            let address = Address::parse(url).unwrap();
            assert_eq!(address.name, name);
            assert!(!format!("{address:?}").contains("s3cret"));
        }
        #[cfg(unix)]
        {
            let socket = "postgres:///l?host=/run/pg&port=5433&user=me&password=s3cret";
            assert_eq!(Address::parse(socket).unwrap().name, "postgres://me@/l?host=/run/pg&port=5433");
        }
        for url in [
            "postgres://me:a@s3cret@db.example/l",
            "postgres://me:s3cret@x/l?sslrootcert=s3cret",
            "postgres://me:s3cret@x:port/l",
            "postgres:///l",
        ] {
            let error = Address::parse(url).unwrap_err().to_string();
            assert!(error.contains("postgres://USER") && !error.contains("s3cret"), "{error}");
        }
    }
}
