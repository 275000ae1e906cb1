//! `seedream mock ctl`: looking at a running mock, and steering it.

use serde_json::{Map, Value, json};

use super::remote::Remote;
use crate::{
    args::{ClockArgs, CtlCommand, FaultsArgs, JournalArgs, PlaceArgs, SettingsArgs, TasksArgs},
    exit::{Exit, Failure},
    output::Console,
    table::{Table, cell},
};

/// Does one thing and shows what the mock answers.
///
/// # Errors
/// As [`Remote::send`].
pub(crate) async fn ctl(place: &PlaceArgs, command: CtlCommand, console: &Console) -> Result<Exit, Failure> {
    let remote = Remote::of(place, console)?;
    let (response, text) = match command {
        CtlCommand::Sessions => of(remote.get("sessions", &[]).await?, |it| {
            table(&it["sessions"], &["session", "requests", "tasks", "faults", "images", "credits", "used"])
        }),
        CtlCommand::Clock(args) => of(clock(&remote, &args).await?, |it| {
            let stands = if it["stopped"] == true { " stopped" } else { "" };
            format!("{}{stands}", text(&it["now"]))
        }),
        CtlCommand::Faults(args) => of(faults(&remote, &args).await?, |it| table(&it["faults"], &["text", "hits"])),
        CtlCommand::Tasks(args) => of(tasks(&remote, &args).await?, |it| {
            table(&it["tasks"], &["id", "status", "progress", "images", "polls", "ends"])
        }),
        CtlCommand::Journal(args) => of(journal(&remote, &args).await?, |it| {
            let columns = ["ordinal", "at", "method", "path", "status", "billed", "fixture", "fault", "violation"];
            table(&it["entries"], &columns)
        }),
        CtlCommand::Ledger => of(remote.get("ledger", &[]).await?, |it| {
            let columns = ["at", "provider", "model", "key", "images", "credits", "settled", "answered", "request"];
            let bills = table(&it["entries"], &columns);
            format!("{bills}\n{} images, {} credits", it["images"], it["credits"])
        }),
        CtlCommand::Callbacks => of(remote.get("callbacks", &[]).await?, |it| {
            let told = table(&it["entries"], &["at", "path", "status", "notes"]);
            format!("{told}\n{}", table(&it["awaiting"], &["at", "task", "url"]))
        }),
        CtlCommand::Settings(args) => of(settings(&remote, &args).await?, |it| {
            let lines = it["settings"].as_object().into_iter().flatten();
            lines.map(|(name, value)| format!("{name}={}", text(value))).collect::<Vec<_>>().join("\n")
        }),
        CtlCommand::Reset(args) => of(remote.post("reset", &[], &json!({ "clear": args.parts })).await?, |it| {
            format!("{}: forgot {}", text(&it["session"]), text(&it["cleared"]))
        }),
    };
    if place.json {
        console.json(&response)?;
    } else {
        console.data(&text)?;
    }
    Ok(Exit::Ok)
}

fn of(response: Value, told: impl Fn(&Value) -> String) -> (Value, String) {
    let text = told(&response);
    (response, text)
}

async fn clock(remote: &Remote, args: &ClockArgs) -> Result<Value, Failure> {
    let mut body = Map::new();
    for (name, time) in [("set", &args.set), ("advance", &args.advance)] {
        if let Some(time) = time {
            body.insert(name.to_owned(), time.as_str().into());
        }
    }
    if args.stop || args.run {
        body.insert("stop".to_owned(), args.stop.into());
    }
    if body.is_empty() { remote.get("clock", &[]).await } else { remote.post("clock", &[], &body.into()).await }
}

async fn faults(remote: &Remote, args: &FaultsArgs) -> Result<Value, Failure> {
    let cleared = if args.clear { Some(remote.send("DELETE", "faults", &[], None).await?) } else { None };
    match cleared {
        _ if !args.add.is_empty() => remote.post("faults", &[], &args.add.join(";").into()).await,
        Some(response) => Ok(response),
        None => remote.get("faults", &[]).await,
    }
}

async fn tasks(remote: &Remote, args: &TasksArgs) -> Result<Value, Failure> {
    let mut body = match (args.complete, &args.fail, args.progress) {
        _ if args.cancel => json!({ "status": "cancelled" }),
        (true, _, _) => json!({ "status": "completed" }),
        (_, Some(code), _) => json!({ "status": "failed", "code": code }),
        (_, _, Some(percent)) => json!({ "status": "processing", "progress": percent }),
        _ => return remote.get("tasks", &[]).await,
    };
    if let Some(id) = &args.id {
        body["id"] = id.as_str().into();
    }
    remote.post("tasks", &[], &body).await
}

async fn journal(remote: &Remote, args: &JournalArgs) -> Result<Value, Failure> {
    let mut query = args.filter.query();
    if args.explain {
        query.push(("explain", "true"));
    }
    remote.get("journal", &query).await
}

async fn settings(remote: &Remote, args: &SettingsArgs) -> Result<Value, Failure> {
    if args.change.is_empty() {
        return remote.get("settings", &[]).await;
    }
    // A number is a number; everything else is a text, which the mock reads.
    let value = |text: &String| text.parse::<u64>().map_or_else(|_| Value::from(text.as_str()), Value::from);
    let body: Map<String, Value> = args.change.iter().map(|(name, text)| (name.clone(), value(text))).collect();
    remote.post("settings", &[], &body.into()).await
}

/// Some members of every object of a list.
fn table(list: &Value, columns: &[&str]) -> String {
    let heads: Vec<String> = columns.iter().map(|name| name.to_uppercase()).collect();
    let mut table = Table::new(&heads.iter().map(String::as_str).collect::<Vec<_>>());
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
