//! The backend `pg`: a row of a table in PostgreSQL, named and found as Terraform 1.11 does it with lib/pq 1.10.
//!
//! `settings` understands connection strings, `tls` decides what is trusted; here the one question is asked. A schema
//! or a table that is not there is not taken for a state that is not: its name may be mistyped.

mod settings;
mod tls;

use super::{Asked, Kept, Way};
use crate::http::{self, Stream};
use crate::limits::{CONNECT_MS_MAX, QUERY_MS_MAX};
use crate::settings::Settings;
use settings::Connection;
use std::future::Future;
use std::time::Duration;
use tls::Wire;
use tokio::net::UnixStream;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::{NoTls, TlsConnect};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Config};

/// A row of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    connection: Connection,
    schema: String,
    workspace: String,
}

/// The row of a workspace.
pub(super) fn kept(asked: &Asked<'_>) -> Result<Kept, String> {
    let connection = Connection::find(asked)?;
    let schema = asked.value("schema_name", &["PG_SCHEMA_NAME"]);
    let schema = schema.unwrap_or_else(|| "terraform_remote_state".to_owned());
    let workspace = asked.workspace.to_owned();
    Ok(Kept {
        shown: format!("{}/{schema}.states/{workspace}", connection.shown()),
        way: Way::Row(Row {
            connection,
            schema,
            workspace,
        }),
    })
}

impl Row {
    /// The state.
    pub(super) async fn fetch(
        &self,
        settings: &Settings,
        limit_bytes: u64,
    ) -> Result<Option<Vec<u8>>, String> {
        let connection = &self.connection;
        let mut config = Config::new();
        config.user(&connection.user).dbname(&connection.database);
        if let Some(password) = &connection.password {
            config.password(password);
        }
        config.options(&connection.options);
        config.application_name(&connection.application);
        let stream = within(CONNECT_MS_MAX, self.dial()).await?;
        let tls = tls::trust(&connection.tls, &connection.host, settings)?;
        let Some(tls) = tls else {
            config.ssl_mode(SslMode::Disable);
            let (client, running) = connected(&config, stream, NoTls).await?;
            return self.ask(&client, running, limit_bytes).await;
        };
        config.ssl_mode(SslMode::Require);
        let (client, running) = connected(&config, stream, tls).await?;
        self.ask(&client, running, limit_bytes).await
    }

    async fn dial(&self) -> Result<Wire, String> {
        let Connection { host, port, .. } = &self.connection;
        let found: std::io::Result<Box<dyn Stream>> = match host.starts_with('/') {
            true => {
                let socket = UnixStream::connect(format!("{host}/.s.PGSQL.{port}")).await;
                socket.map(|socket| Box::new(socket) as Box<dyn Stream>)
            }
            false => {
                let socket = http::dial(host, *port).await;
                socket.map(|socket| Box::new(socket) as Box<dyn Stream>)
            }
        };
        let found = found.map(Wire);
        found.map_err(|error| format!("the database cannot be reached: {error}"))
    }

    /// Asks, while the connection goes on beside it.
    async fn ask(
        &self,
        client: &Client,
        running: impl Future<Output = Result<(), tokio_postgres::Error>>,
        limit_bytes: u64,
    ) -> Result<Option<Vec<u8>>, String> {
        let mut running = std::pin::pin!(running);
        let mut is_open = true;
        let mut row = std::pin::pin!(self.row(client, limit_bytes));
        within(QUERY_MS_MAX, async {
            loop {
                // Ends with the answer, at the latest when the connection is closed.
                tokio::select! {
                    row = &mut row => return row,
                    _ = &mut running, if is_open => is_open = false,
                }
            }
        })
        .await
    }

    async fn row(&self, client: &Client, limit_bytes: u64) -> Result<Option<Vec<u8>>, String> {
        let schema = self.schema.replace('"', "\"\"");
        // What is too long is not even sent.
        let query = format!(
            "SELECT octet_length(data)::bigint, CASE WHEN octet_length(data) <= $2 THEN data END \
             FROM \"{schema}\".states WHERE name = $1"
        );
        let limit = i64::try_from(limit_bytes).unwrap_or(i64::MAX);
        let values: [(&(dyn ToSql + Sync), Type); 2] =
            [(&self.workspace, Type::TEXT), (&limit, Type::INT8)];
        let found = client.query_typed(&query, &values).await;
        let rows = found.map_err(|error| match error.code() {
            Some(&SqlState::UNDEFINED_TABLE) => format!(
                "the database has no table {}.states: see to schema_name; where there is no state yet, `terraform init` \
                 makes it",
                self.schema
            ),
            _ => told(&error),
        })?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let odd = |_| "the table is not one of Terraform".to_owned();
        let length: Option<i64> = row.try_get(0).map_err(odd)?;
        let data: Option<String> = row.try_get(1).map_err(odd)?;
        match (length, data) {
            (None, _) => Ok(None),
            (Some(_), Some(data)) => Ok(Some(data.into_bytes())),
            (Some(_), None) => Err(format!("the state is longer than {limit_bytes} bytes")),
        }
    }
}

/// A connection that somebody has logged in to.
async fn connected<T: TlsConnect<Wire>>(
    config: &Config,
    stream: Wire,
    tls: T,
) -> Result<(Client, tokio_postgres::Connection<Wire, T::Stream>), String> {
    within(CONNECT_MS_MAX, async {
        let connecting = config.connect_raw(stream, tls).await;
        connecting.map_err(|error| told(&error))
    })
    .await
}

/// What a database says, or what went wrong on the way to it.
fn told(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(error) => format!("the database says: {}", error.message()),
        None => crate::chain(error),
    }
}

async fn within<T>(
    limit_ms: u64,
    asking: impl Future<Output = Result<T, String>>,
) -> Result<T, String> {
    let limit = Duration::from_millis(limit_ms);
    let silent = |_| Err(format!("the database did not answer within {limit_ms} ms"));
    tokio::time::timeout(limit, asking)
        .await
        .unwrap_or_else(silent)
}
