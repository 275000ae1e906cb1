//! Reads the rows of a batch: JSONL or CSV.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

use clap::{Arg, ArgAction, CommandFactory as _, Parser};
use csv::StringRecord;
use seedream::ImageRequest;
use serde_json::{Map, Value};

use crate::{
    args::{RequestArgs, RequestOptions},
    console::Console,
    failure::Failure,
    nearest::nearest,
};

/// The column with a line's own id.
const ID: &str = "id";

/// The column with the number of images that a line needs, each of a request of its own.
const EXACTLY: &str = "exactly";

/// The most images that a line may need.
const MOST_EXACTLY: u32 = 1_000;

/// The options of a request that are not those of one line.
const NOT_OF_A_LINE: [&str; 3] = ["check", "fit", "help"];

/// The longest line that is read, in bytes: a prompt and references as data URIs.
const LONGEST_LINE: u64 = 256 << 20;

/// A row of the file.
#[derive(Debug)]
pub(crate) struct Row {
    /// Its line in the file, from 1.
    pub(crate) line: u64,
    /// What it says, by column.
    pub(crate) columns: Map<String, Value>,
}

/// The flags that a row may have as columns.
#[derive(Debug, Parser)]
#[command(no_binary_name = true, disable_help_flag = true)]
struct RowFlags {
    #[command(flatten)]
    request: RequestArgs,
}

/// The rows of a file, one by one, since there may be hundreds of thousands. A row that is not valid is an error of its own; after an
/// error of the file nothing follows.
type Rows = Box<dyn Iterator<Item = Result<Result<Row, Failure>, Failure>>>;

/// Reads the rows of a file, or of standard input for `-`.
///
/// # Errors
/// The file cannot be read, or the header of a CSV file is not valid.
pub(crate) fn read(file: &Path) -> Result<Rows, Failure> {
    let is_csv = file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
    let name = file.display().to_string();
    let unreadable = move |error: io::Error| Failure::usage(format!("{name}: {error}; nothing was sent"));
    let mut reader: Box<dyn BufRead> = if file.as_os_str() == "-" {
        Box::new(BufReader::new(io::stdin()))
    } else {
        Box::new(BufReader::new(File::open(file).map_err(&unreadable)?))
    };
    let start = reader.fill_buf().map_err(&unreadable)?;
    if start.starts_with(b"\xef\xbb\xbf") {
        reader.consume(3);
    }
    let start = reader.fill_buf().map_err(&unreadable)?;
    let is_json = start.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    if is_csv || !is_json { csv_rows(reader, unreadable) } else { Ok(json_rows(reader, unreadable)) }
}

fn json_rows(mut reader: impl BufRead + 'static, unreadable: impl Fn(io::Error) -> Failure + 'static) -> Rows {
    let mut text = String::new();
    let lines = (1..).map_while(move |line| {
        text.clear();
        match reader.by_ref().take(LONGEST_LINE).read_line(&mut text) {
            Ok(0) => None,
            Ok(_) => Some(Ok(json_row(line, text.trim_end()))),
            Err(error) => Some(Err(unreadable(error))),
        }
    });
    Box::new(lines.filter_map(Result::transpose))
}

/// The row of a line, if it is not empty.
fn json_row(line: u64, text: &str) -> Option<Result<Row, Failure>> {
    if text.trim_start().is_empty() {
        return None;
    }
    let row = serde_json::from_str(text).map(|columns| Row { line, columns });
    Some(row.map_err(|error| {
        let (column, text) = (error.column(), error.to_string());
        let reason = text.split(" at line ").next().unwrap_or_default();
        Failure::usage(format!("line {line}, column {column}: not a JSON object on one line ({reason})"))
    }))
}

fn csv_rows(reader: impl Read + 'static, unreadable: impl Fn(io::Error) -> Failure + 'static) -> Result<Rows, Failure> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::Headers).from_reader(reader);
    let header = reader.headers().map_err(|error| invalid_csv(&error))?.clone();
    if !header.iter().any(|name| name == "prompt") {
        return Err(Failure::usage(
            "line 1: there is no column `prompt`; the first line of a CSV file names the columns, and a JSONL file begins with {",
        ));
    }
    Ok(Box::new(reader.into_records().map(move |record| match record {
        Err(error) if error.is_io_error() => Err(unreadable(error.into())),
        Err(error) => Ok(Err(invalid_csv(&error))),
        Ok(record) => Ok(Ok(csv_row(&header, &record))),
    })))
}

fn invalid_csv(error: &csv::Error) -> Failure {
    let line = error.position().map(|at| format!("line {}: ", at.line())).unwrap_or_default();
    let reason = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => format!("{len} cells instead of {expected_len}"),
        csv::ErrorKind::Utf8 { .. } => "not UTF-8 text".to_owned(),
        _ => error.to_string(),
    };
    Failure::usage(format!("{line}{reason}; put a cell with a comma or a line break in quotes"))
}

fn csv_row(header: &StringRecord, record: &StringRecord) -> Row {
    let line = record.position().map_or(0, csv::Position::line);
    let mut columns: Map<String, Value> = Map::new();
    for (name, cell) in header.iter().zip(record).filter(|(_, cell)| !cell.is_empty()) {
        // A column that stands several times has several values.
        match columns.get_mut(name) {
            None => drop(columns.insert(name.to_owned(), cell.into())),
            Some(Value::Array(values)) => values.push(cell.into()),
            Some(value) => *value = Value::Array(vec![value.take(), cell.into()]),
        }
    }
    Row { line, columns }
}

impl Row {
    /// Its own id.
    ///
    /// # Errors
    /// It is not a text or a number.
    pub(crate) fn id(&self) -> Result<Option<String>, Failure> {
        match self.columns.get(ID) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(id)) if !id.trim().is_empty() => Ok(Some(id.clone())),
            Some(Value::Number(id)) => Ok(Some(id.to_string())),
            Some(_) => Err(Failure::usage("`id` is not a text or a number; write one, or leave the column out")),
        }
    }
}

/// How many images a row needs, where it says so.
///
/// # Errors
/// It is not a number from 1 to 1000, or `count` is there too.
pub(crate) fn exactly(columns: &Map<String, Value>) -> Result<Option<u32>, Failure> {
    let number = match columns.get(EXACTLY) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(value) => value.as_u64().and_then(|number| u32::try_from(number).ok()),
    };
    if columns.get("count").is_some_and(|count| !count.is_null()) {
        return Err(Failure::usage(
            "`exactly` and `count` are both there: count is the most images of one request, exactly sends a request for each image; leave one out",
        ));
    }
    number.filter(|number| (1..=MOST_EXACTLY).contains(number)).map(Some).ok_or_else(|| {
        Failure::usage(format!("`exactly` is {}; write a number from 1 to {MOST_EXACTLY}", columns[EXACTLY]))
    })
}

/// The request of a row: its columns, and the options of the command line where it has none.
///
/// # Errors
/// A column is not known, or its value is not valid.
pub(crate) fn request(
    columns: &Map<String, Value>,
    defaults: &RequestOptions,
    console: &Console,
) -> Result<ImageRequest, Failure> {
    let command = RowFlags::command();
    let mut flags = Vec::new();
    let mut prompt = None;
    for (column, value) in
        columns.iter().filter(|(name, value)| ![ID, EXACTLY].contains(&name.as_str()) && !value.is_null())
    {
        if column == "prompt" {
            prompt = Some(value.as_str().ok_or_else(|| Failure::usage("`prompt` is not a text"))?);
            continue;
        }
        let argument = command.get_arguments().find(|argument| is_named(argument, column));
        let argument = argument.ok_or_else(|| unknown_column(&command, column))?;
        let name = argument.get_long().unwrap_or_default();
        for value in values(column, value)? {
            match (argument.get_action(), value.as_str()) {
                (ArgAction::SetTrue, "true") => flags.push(format!("--{name}")),
                (ArgAction::SetTrue, "false") => {}
                (ArgAction::SetTrue, _) => {
                    return Err(Failure::usage(format!("`{column}` is `{value}`; write true or false")));
                }
                _ => flags.push(format!("--{name}={value}")),
            }
        }
    }
    match prompt {
        // Last, so that no prompt is read as a flag.
        Some(prompt) => flags.extend(["--".to_owned(), prompt.to_owned()]),
        None if columns.contains_key("prompt_file") => {}
        None => return Err(Failure::usage("there is no `prompt`; describe the image to generate")),
    }
    let request = merged(flags, defaults, console)?;
    Ok(if exactly(columns)?.is_some() { request.single() } else { request })
}

fn merged(flags: Vec<String>, defaults: &RequestOptions, console: &Console) -> Result<ImageRequest, Failure> {
    let row = RowFlags::try_parse_from(flags).map_err(|error| {
        let text = error.to_string();
        let first = text.lines().take_while(|line| !line.is_empty()).map(str::trim).collect::<Vec<_>>().join(" ");
        Failure::usage(first.trim_start_matches("error: ").to_owned())
    })?;
    if row.request.prompt.as_deref() == Some("-") {
        return Err(Failure::usage("`prompt` is `-`; standard input cannot be the prompt of a line"));
    }
    let mut request = row.request.request(console)?;
    let default = defaults.of_prompt(String::new())?;
    if request.model.as_str().is_empty() {
        request.model = default.model;
    }
    if request.references.is_empty() {
        request.references = default.references;
    }
    request.size = request.size.or(default.size);
    request.count = request.count.or(default.count);
    request.response_format = request.response_format.or(default.response_format);
    request.format = request.format.or(default.format);
    request.watermark = request.watermark.or(default.watermark);
    request.seed = request.seed.or(default.seed);
    request.guidance_scale = request.guidance_scale.or(default.guidance_scale);
    request.prompt_mode = request.prompt_mode.or(default.prompt_mode);
    request.web_search = request.web_search.or(default.web_search);
    request.callback_url = request.callback_url.or(default.callback_url);
    request.stream = request.stream.or(default.stream);
    for (name, value) in default.extra {
        request.extra.entry(name).or_insert(value);
    }
    Ok(request)
}

/// Whether a column is this flag: by its name, with `_` or `-`.
fn is_named(argument: &Arg, column: &str) -> bool {
    let long = argument.get_long().filter(|long| !NOT_OF_A_LINE.contains(long));
    long.is_some_and(|long| long == column.replace('_', "-"))
}

fn unknown_column(command: &clap::Command, column: &str) -> Failure {
    let longs = command.get_arguments().filter_map(Arg::get_long).filter(|long| !NOT_OF_A_LINE.contains(long));
    let mut names: Vec<_> = ["prompt", ID, EXACTLY].map(str::to_owned).into_iter().collect();
    names.extend(longs.map(|long| long.replace('-', "_")));
    let near = nearest(column, names.iter().map(String::as_str));
    let near = near.map(|name| format!(", did you mean `{name}`?")).unwrap_or_default();
    Failure::usage(format!("the column `{column}` is not known{near}; the columns are {}", names.join(", ")))
}

/// The values of a column as they stand on a command line.
fn values(column: &str, value: &Value) -> Result<Vec<String>, Failure> {
    Ok(match value {
        Value::Array(values) => {
            let nested: Result<Vec<_>, _> = values.iter().map(|value| values_of_one(column, value)).collect();
            nested?.into_iter().flatten().collect()
        }
        value => values_of_one(column, value)?,
    })
}

fn values_of_one(column: &str, value: &Value) -> Result<Vec<String>, Failure> {
    match value {
        Value::String(text) => Ok(vec![text.clone()]),
        Value::Bool(_) | Value::Number(_) => Ok(vec![value.to_string()]),
        Value::Object(members) if column == "extra" => {
            Ok(members.iter().map(|(name, value)| format!("{name}={value}")).collect())
        }
        _ => Err(Failure::usage(format!("`{column}` is {value}; write a text, a number, true or false"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str, name: &str) -> Vec<Result<Row, Failure>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        let rows = read(&path).map(|rows| rows.map(Result::flatten).collect());
        rows.unwrap_or_else(|failure| vec![Err(failure)])
    }

    #[test]
    fn a_file_that_cannot_be_read_on_is_an_error_of_all_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jobs.jsonl");
        std::fs::write(&path, b"{\"prompt\":\"a lighthouse\"}\n{\"prompt\":\"\xff\"}\n").unwrap();
        let rows: Vec<_> = read(&path).unwrap().collect();
        assert!(matches!(&rows[0], Ok(Ok(row)) if row.line == 1));
        assert!(matches!(&rows[1], Err(failure) if failure.message.ends_with("; nothing was sent")), "{rows:?}");
    }

    fn parsed(columns: Value, defaults: &[&str]) -> Result<ImageRequest, String> {
        let defaults = RowFlags::try_parse_from(defaults.iter().copied().chain(["--", "x"])).unwrap().request.options;
        let Value::Object(columns) = columns else { unreachable!() };
        request(&columns, &defaults, &Console::new()).map_err(|failure| failure.message)
    }

    #[test]
    fn both_formats_give_the_same_rows() {
        let json = "{\"prompt\": \"a, b\", \"size\": \"2K\"}\n\n{\"prompt\": \"c\", \"image\": [\"d\", \"e\"]}\n";
        let csv = "\u{feff}prompt,size,image,image\n\"a, b\",2K,,\nc,,d,e\n";
        let rows = |text: &str, name: &str| -> Vec<_> {
            all(text, name)
                .into_iter()
                .map(|row| row.unwrap())
                .map(|row| (row.line, Value::Object(row.columns)))
                .collect()
        };
        let (json, csv) = (rows(json, "a.jsonl"), rows(csv, "a.csv"));
        assert_eq!(
            json.iter().map(|(_, row)| row).collect::<Vec<_>>(),
            csv.iter().map(|(_, row)| row).collect::<Vec<_>>()
        );
        assert_eq!((json[1].0, csv[1].0), (3, 3));
    }

    #[test]
    fn a_row_overrides_the_options_of_the_command_line() {
        let row = serde_json::json!({"prompt": "--a kite", "size": "4K", "seed": 7, "stream": true, "extra": {"a": 1}});
        let request = parsed(row, &["--size=2K", "--count=3", "--extra=a=2", "--extra=b=3"]).unwrap();
        assert_eq!((request.prompt.as_str(), request.size.unwrap().to_string()), ("--a kite", "4K".to_owned()));
        assert_eq!((request.seed, request.stream, request.count), (Some(7), Some(true), Some(3.into())));
        assert_eq!((&request.extra["a"], &request.extra["b"]), (&1.into(), &3.into()));
    }

    #[test]
    fn what_is_not_valid_is_named() {
        let refused = |row: Value| parsed(row, &[]).unwrap_err();
        let messages = [
            refused(serde_json::json!({"size": "2K"})),
            refused(serde_json::json!({"prompt": 7})),
            refused(serde_json::json!({"prompt": "a", "sise": "2K"})),
            refused(serde_json::json!({"prompt": "a", "check": "off"})),
            refused(serde_json::json!({"prompt": "a", "size": "7Q"})),
            refused(serde_json::json!({"prompt": "a", "size": {"w": 1}})),
            refused(serde_json::json!({"prompt": "a", "stream": "yes"})),
            refused(serde_json::json!({"prompt": "a", "prompt_file": "b"})),
            refused(serde_json::json!({"prompt": "-"})),
            refused(serde_json::json!({"prompt": " "})),
        ];
        insta::assert_snapshot!(messages.join("\n"));
        let broken = |text: &str, name: &str| all(text, name).remove(0).unwrap_err().message;
        insta::assert_snapshot!(
            [
                broken("{\"prompt\": }\n", "a.jsonl"),
                broken("a,b\n1,2\n", "a.csv"),
                broken("prompt,size\na\n", "a.csv"),
                broken("", "a.csv")
            ]
            .join("\n")
            .replace(std::env::temp_dir().to_str().unwrap(), "")
        );
    }
}
