//! `SESSION_STORE` and what belongs to it: where the records of sessions are kept.

use std::str::FromStr as _;

use serde::{Deserialize, Serialize};
use tokio_postgres::config::{ChannelBinding, Host, SslMode};
use url::Url;

use super::reader::{Reader, put_secret};
use crate::sealing::record::StateKeys;

/// A kind of store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoreKind {
    /// The actor's own storage.
    Durable,
    /// Workers KV.
    Kv,
    /// Postgres: Neon, or any other.
    Neon,
}

impl StoreKind {
    /// As `SESSION_STORE` spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Durable => "durable",
            Self::Kv => "kv",
            Self::Neon => "neon",
        }
    }

    /// Reads what [`StoreKind::as_str`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Durable, Self::Kv, Self::Neon].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Where records are kept, and what that takes.
#[derive(Clone, Debug)]
pub struct StoreSettings {
    /// `SESSION_STORE`.
    pub kind: StoreKind,
    /// `STATE_KEYS`.
    pub keys: StateKeys,
    /// `DATABASE_URL`; the binding `SESSION_DB` takes precedence.
    pub database: Option<DatabaseSettings>,
}

/// How the gateway calls itself in `pg_stat_activity`.
pub const APPLICATION_NAME: &str = "edge-oauth-sessions";

/// How a Postgres server is reached. Its `Debug` output hides the password.
#[derive(Clone, Debug)]
pub struct DatabaseSettings {
    /// The server's name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether the connection is encrypted, and the server's certificate checked by the platform.
    pub tls: bool,
    /// User, password, database, and what else the server is told.
    pub config: tokio_postgres::Config,
}

impl DatabaseSettings {
    /// Reads a connection string, `postgres://user:password@host:port/database`. The error does not quote it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let form = "must be postgres://user:password@host/database, its parts percent-encoded";
        let mut url = Url::parse(text).map_err(|_| form.to_owned())?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(form.to_owned());
        }
        let plain = url.query_pairs().any(|(name, value)| name == "sslmode" && value == "disable");
        let secure = url.query_pairs().any(|(name, value)| {
            name == "sslmode" && matches!(value.as_ref(), "require" | "verify-ca" | "verify-full")
        });
        // The platform always checks the certificate. It does not give its channel binding.
        let settled = ["sslmode", "sslrootcert", "sslnegotiation", "channel_binding"];
        let others: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let others: Vec<_> = others.into_iter().filter(|(name, _)| !settled.contains(&name.as_str())).collect();
        url.set_query(None);
        if !others.is_empty() {
            url.query_pairs_mut().extend_pairs(others);
        }
        let mut config = tokio_postgres::Config::from_str(url.as_str())
            .map_err(|_| format!("{form}; behind the ? only parameters that libpq knows"))?;
        let host = match config.get_hosts() {
            [Host::Tcp(host)] => host.trim_matches(['[', ']']).to_owned(),
            _ => return Err(format!("{form}; exactly one host")),
        };
        let loopback = host == "localhost"
            || host.ends_with(".localhost")
            || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        if plain && !loopback {
            return Err("has sslmode=disable, which only a server on a loopback host may: leave it out".to_owned());
        }
        if config.get_user().is_none() {
            return Err(format!("{form}; the user is missing"));
        }
        let tls = secure || !loopback;
        config.ssl_mode(if tls { SslMode::Require } else { SslMode::Disable });
        config.channel_binding(ChannelBinding::Disable);
        if config.get_application_name().is_none() {
            config.application_name(APPLICATION_NAME);
        }
        let port = config.get_ports().first().copied().unwrap_or(5432);
        Ok(Self { host, port, tls, config })
    }
}

/// What to put into `STATE_KEYS`.
pub(super) fn generate_key() -> String {
    format!(
        "generate one with: echo \"k1:$(openssl rand -base64 32 | tr '+/' '-_' | tr -d =)\"; {}",
        put_secret("STATE_KEYS")
    )
}

/// Reads the variables, and sees whether the store that they name is bound.
pub(super) fn read<V: Fn(&str) -> Option<String>>(reader: &mut Reader<V>) -> Option<StoreSettings> {
    let kinds = [StoreKind::Durable, StoreKind::Kv, StoreKind::Neon].map(|kind| (kind.as_str(), kind));
    let kind = reader.choice("SESSION_STORE", &kinds);
    let keys = match reader.text("STATE_KEYS").map(|text| StateKeys::parse(&text)) {
        Some(Ok(keys)) => keys,
        Some(Err(why)) => {
            reader.problem("STATE_KEYS", &format!("{why}; {}", generate_key()));
            StateKeys::default()
        }
        None => {
            if let Some(kind @ (StoreKind::Kv | StoreKind::Neon)) = kind {
                let why = format!(
                    "is missing, and SESSION_STORE={} seals every record with it; {}",
                    kind.as_str(),
                    generate_key()
                );
                reader.problem("STATE_KEYS", &why);
            }
            StateKeys::default()
        }
    };
    let database = reader
        .text("DATABASE_URL")
        .and_then(|text| DatabaseSettings::parse(&text).map_err(|why| reader.problem("DATABASE_URL", &why)).ok());
    if kind == Some(StoreKind::Kv) && reader.text("SESSION_KV").is_none() {
        let how = "is not bound: create a namespace with npx wrangler kv namespace create SESSION_KV and put its \
            [[kv_namespaces]] into wrangler.toml. Cloudflare alone has KV: elsewhere take durable or neon";
        reader.problem("SESSION_KV", how);
    }
    if kind == Some(StoreKind::Neon) && reader.text("DATABASE_URL").is_none() && reader.text("SESSION_DB").is_none() {
        let how = format!(
            "is missing: postgres://user:password@host/database; {}. Or bind Hyperdrive as SESSION_DB",
            put_secret("DATABASE_URL")
        );
        reader.problem("DATABASE_URL", &how);
    }
    Some(StoreSettings { kind: kind?, keys, database })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_string_is_read_as_its_providers_write_it() {
        let neon = "postgresql://owner:p%40ss@ep-cool-1.eu-central-1.aws.neon.tech/neondb?sslmode=require&channel_binding=require";
        let database = DatabaseSettings::parse(neon).unwrap();
        assert_eq!((database.host.as_str(), database.port), ("ep-cool-1.eu-central-1.aws.neon.tech", 5432));
        assert_eq!(database.config.get_password(), Some(&b"p@ss"[..]));
        assert!(database.tls && database.config.get_ssl_mode() == SslMode::Require);
        assert!(!format!("{database:?}").contains("p@ss"));
        let full =
            DatabaseSettings::parse("postgres://u@db.example:6543/d?sslmode=verify-full&options=-c%20search_path%3Dx");
        assert_eq!(full.unwrap().port, 6543);
    }

    #[test]
    fn tls_is_left_out_on_loopback_hosts_only() {
        for local in
            ["postgres://u:p@127.0.0.1:5433/d", "postgres://u@localhost/d?sslmode=disable", "postgres://u@[::1]/d"]
        {
            assert!(!DatabaseSettings::parse(local).unwrap().tls, "{local}");
        }
        assert!(DatabaseSettings::parse("postgres://u:p@localhost/d?sslmode=require").unwrap().tls);
        assert!(DatabaseSettings::parse("postgres://u:p@db.example/d").unwrap().tls);
        assert!(DatabaseSettings::parse("postgres://u:p@db.example/d?sslmode=disable").is_err());
    }

    #[test]
    fn what_is_no_connection_string_is_refused_and_not_quoted() {
        for bad in [
            "",
            "db.example",
            "mysql://u:s3cret@h/d",
            "postgres:///d",
            "postgres://h/d",
            "postgres://u:s3cret@a,b/d",
            "postgres://u:s3cret@h:x/d",
            "postgres://u:s3cret@h/d?nonsense=1",
        ] {
            let why = DatabaseSettings::parse(bad).unwrap_err();
            assert!(!why.contains("s3cret"), "{why}");
        }
    }
}
