//! `seedream mock ctl`: inspects and controls a running mock.

use serde_json::{Map, Value, json};

use super::admin_client::AdminClient;
use crate::{
    args::{ClockArgs, CtlCommand, FaultsArgs, JournalArgs, RunningMockArgs, SettingsArgs, TasksArgs},
    console::Console,
    exit::Exit,
    failure::Failure,
    table::{Table, cell},
};

/// Runs a command and prints the response.
///
/// # Errors
/// As [`AdminClient::send`].
pub(crate) async fn ctl(mock: &RunningMockArgs, command: CtlCommand, console: &Console) -> Result<Exit, Failure> {
    let client = AdminClient::new(mock, console)?;
    let (response, text) = match command {
        CtlCommand::Sessions => shown(client.get("sessions", &[]).await?, |it| {
            table(&it["sessions"], &["session", "requests", "tasks", "faults", "images", "credits", "used"])
        }),
        CtlCommand::Clock(args) => shown(clock(&client, &args).await?, |it| {
            let stopped = if it["stopped"] == true { " stopped" } else { "" };
            format!("{}{stopped}", text(&it["now"]))
        }),
        CtlCommand::Faults(args) => shown(faults(&client, &args).await?, |it| table(&it["faults"], &["text", "hits"])),
        CtlCommand::Tasks(args) => shown(tasks(&client, &args).await?, |it| {
            table(&it["tasks"], &["id", "status", "progress", "images", "polls", "ends"])
        }),
        CtlCommand::Journal(args) => shown(journal(&client, &args).await?, |it| {
            let columns = ["ordinal", "at", "method", "path", "status", "billed", "fixture", "fault", "violation"];
            table(&it["entries"], &columns)
        }),
        CtlCommand::Ledger => shown(client.get("ledger", &[]).await?, |it| {
            let columns = ["at", "provider", "model", "key", "images", "credits", "settled", "answered", "request"];
            let bills = table(&it["entries"], &columns);
            format!("{bills}\n{} images, {} credits", it["images"], it["credits"])
        }),
        CtlCommand::Callbacks => shown(client.get("callbacks", &[]).await?, |it| {
            let sent = table(&it["entries"], &["at", "path", "status", "notes"]);
            format!("{sent}\n{}", table(&it["awaiting"], &["at", "task", "url"]))
        }),
        CtlCommand::Settings(args) => shown(settings(&client, &args).await?, |it| {
            let lines = it["settings"].as_object().into_iter().flatten();
            lines.map(|(name, value)| format!("{name}={}", text(value))).collect::<Vec<_>>().join("\n")
        }),
        CtlCommand::Reset(args) => shown(client.post("reset", &[], &json!({ "clear": args.parts })).await?, |it| {
            format!("{}: cleared {}", text(&it["session"]), text(&it["cleared"]))
        }),
    };
    if mock.json {
        console.json(&response)?;
    } else {
        console.data(&text)?;
    }
    Ok(Exit::Ok)
}

fn shown(response: Value, show: impl Fn(&Value) -> String) -> (Value, String) {
    let text = show(&response);
    (response, text)
}

async fn clock(client: &AdminClient, args: &ClockArgs) -> Result<Value, Failure> {
    let mut body = Map::new();
    for (name, time) in [("set", &args.set), ("advance", &args.advance)] {
        if let Some(time) = time {
            body.insert(name.to_owned(), time.as_str().into());
        }
    }
    if args.stop || args.run {
        body.insert("stop".to_owned(), args.stop.into());
    }
    if body.is_empty() { client.get("clock", &[]).await } else { client.post("clock", &[], &body.into()).await }
}

async fn faults(client: &AdminClient, args: &FaultsArgs) -> Result<Value, Failure> {
    let cleared = if args.clear { Some(client.send("DELETE", "faults", &[], None).await?) } else { None };
    match cleared {
        _ if !args.add.is_empty() => client.post("faults", &[], &args.add.join(";").into()).await,
        Some(response) => Ok(response),
        None => client.get("faults", &[]).await,
    }
}

async fn tasks(client: &AdminClient, args: &TasksArgs) -> Result<Value, Failure> {
    let mut body = match (args.complete, &args.fail, args.progress) {
        _ if args.cancel => json!({ "status": "cancelled" }),
        (true, _, _) => json!({ "status": "completed" }),
        (_, Some(code), _) => json!({ "status": "failed", "code": code }),
        (_, _, Some(percent)) => json!({ "status": "processing", "progress": percent }),
        _ => return client.get("tasks", &[]).await,
    };
    if let Some(id) = &args.id {
        body["id"] = id.as_str().into();
    }
    client.post("tasks", &[], &body).await
}

async fn journal(client: &AdminClient, args: &JournalArgs) -> Result<Value, Failure> {
    let mut query = args.filter.query();
    if args.explain {
        query.push(("explain", "true"));
    }
    client.get("journal", &query).await
}

async fn settings(client: &AdminClient, args: &SettingsArgs) -> Result<Value, Failure> {
    if args.change.is_empty() {
        return client.get("settings", &[]).await;
    }
    // Numbers are sent as JSON numbers, everything else as strings.
    let value = |text: &String| text.parse::<u64>().map_or_else(|_| Value::from(text.as_str()), Value::from);
    let body: Map<String, Value> = args.change.iter().map(|(name, text)| (name.clone(), value(text))).collect();
    client.post("settings", &[], &body.into()).await
}

/// A table of some members of each object in a list.
fn table(list: &Value, columns: &[&str]) -> String {
    let headers: Vec<String> = columns.iter().map(|name| name.to_uppercase()).collect();
    let mut table = Table::new(&headers.iter().map(String::as_str).collect::<Vec<_>>());
    for row in list.as_array().into_iter().flatten() {
        table.row(columns.iter().map(|name| cell(text(&row[*name]))).collect());
    }
    table.to_string()
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
