//! Where the corpora begin: the documented exchanges.

use std::collections::BTreeSet;

use seedream_fixtures::{RecordedBody, RecordedExchange, library};
use seedream_mock::{ImageFormat, TestImage};
use serde_json::Value;

use crate::targets::decode;

/// The bytes of a documented response.
fn body(exchange: &RecordedExchange) -> Option<(u16, Vec<u8>)> {
    let response = exchange.response.as_ref()?;
    let body = match &response.body {
        RecordedBody::Json(json) => json.get(),
        RecordedBody::Text(text) | RecordedBody::Base64(text) | RecordedBody::Sse(text) => text,
    };
    Some((response.status, body.into()))
}

/// Every documented response with its status, each body once.
fn recorded() -> BTreeSet<(u16, Vec<u8>)> {
    library().exchanges().iter().filter_map(body).collect()
}

fn with(choice: u8, body: &[u8]) -> Vec<u8> {
    [&[choice], body].concat()
}

/// Every body.
pub(crate) fn bodies() -> Vec<Vec<u8>> {
    let bodies = recorded().into_iter().map(|(_, body)| with(b'0', &body));
    bodies.chain(crooked().map(|text| with(b'0', text.as_bytes()))).collect()
}

/// Every body behind its status.
pub(crate) fn responses() -> Vec<Vec<u8>> {
    let responses = recorded().into_iter().map(|(status, body)| with(decode::choice(status), &body));
    responses.chain(crooked().map(|text| with(0, text.as_bytes()))).collect()
}

/// Every stream of events.
pub(crate) fn streams() -> Vec<Vec<u8>> {
    let is_stream = |body: &[u8]| body.starts_with(b"event:") || body.starts_with(b"data:");
    let streams = recorded().into_iter().map(|(_, body)| body).filter(|body| is_stream(body));
    let streams: Vec<_> = streams.map(|body| with(0x80, &body)).collect();
    assert!(!streams.is_empty(), "some exchanges are streams");
    streams.into_iter().chain(crooked().map(|text| with(0x80, format!("data: {text}\n\n").as_bytes()))).collect()
}

/// Every success and stream, by every adapter, and with long base64 in the place of its URLs.
pub(crate) fn lifted() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    let successes = recorded().into_iter().filter(|(status, _)| *status < 300).map(|(_, body)| body);
    for (at, body) in successes.chain(crooked().map(|text| text.as_bytes().to_vec())).enumerate() {
        let text = String::from_utf8_lossy(&body);
        let inline = text.replace("\"url\":", "\"b64_json\":").replace("\"https://", "\"\u{1}").into_bytes();
        let choice = u8::try_from(at % 256).unwrap_or_default();
        seeds.extend([with(choice, &body), with(choice | 0x80, &inline)]);
    }
    seeds
}

/// Every documented request, as the mock reads it, and every fault of its grammar.
pub(crate) fn requests() -> Vec<Vec<u8>> {
    let requests = library().exchanges().iter().filter_map(|exchange| {
        let request = exchange.request.as_ref()?;
        let json = request.json.as_ref().map_or("", |json| json.get());
        let provider = exchange.provider();
        let head = format!(
            "{} /{provider}{}\nauthorization: Bearer sk-test\ncontent-type: application/json",
            request.method, request.path
        );
        Some(format!("{head}\n\n{json}").into_bytes())
    });
    let faults = seedream_mock::fault_words().iter().map(|word| word.example.to_string());
    let faults: Vec<_> = faults.collect();
    let on_requests = faults.iter().map(|fault| {
        let body = r#"{"model":"doubao-seedream-4-5-251128","prompt":"three cats","stream":true}"#;
        format!("POST /ark/api/v3/images/generations\ncontent-type: application/json\nx-mock-fault: {fault}\n\n{body}")
            .into_bytes()
    });
    let alone = faults.iter().map(|fault| format!("fault {fault}").into_bytes());
    requests.chain(on_requests).chain(alone).collect()
}

/// Some responses in each content coding, labeled and not.
pub(crate) fn packed() -> Vec<Vec<u8>> {
    let bodies = recorded().into_iter().filter(|(status, _)| *status < 300).map(|(_, body)| body).step_by(8);
    bodies
        .flat_map(|body| (0..).zip(packings(&body)).map(|(label, packed)| with(label, &packed)).collect::<Vec<_>>())
        .collect()
}

/// The body in the order of the labels of [`crate::targets::coding`]: as it is, gzip, zlib, deflate, and zstd.
fn packings(body: &[u8]) -> [Vec<u8>; 5] {
    use flate2::{Compression, read};

    let all = |mut reader: Box<dyn std::io::Read + '_>| {
        let mut packed = Vec::new();
        reader.read_to_end(&mut packed).expect("memory can be read");
        packed
    };
    let level = Compression::fast();
    let short = &body[..body.len().min(250)];
    // A frame of one segment, whose length has a byte, with one block of bytes as they are, which is the last.
    let [length, ..] = short.len().to_le_bytes();
    let [head, more, ..] = (short.len() << 3 | 1).to_le_bytes();
    let zstd = [b"\x28\xb5\x2f\xfd\x20", &[length, head, more, 0][..], short].concat();
    [
        body.to_vec(),
        all(Box::new(read::GzEncoder::new(body, level))),
        all(Box::new(read::ZlibEncoder::new(body, level))),
        all(Box::new(read::DeflateEncoder::new(body, level))),
        zstd,
    ]
}

/// A small image of each format that is known.
pub(crate) fn images() -> Vec<Vec<u8>> {
    let rendered = [ImageFormat::Png, ImageFormat::Jpeg].map(|format| {
        let (provider, caption) = ("ark".into(), String::new());
        TestImage { provider, key: 1, index: 0, width: 8, height: 8, format, mark: false, caption }.render().to_vec()
    });
    let others: [&[u8]; 5] = [
        b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;",
        b"RIFF\x12\0\0\0WEBPVP8L\x05\0\0\0/\0\0\0\0\0",
        b"BM\x1e\0\0\0\0\0\0\0\x1a\0\0\0\x0c\0\0\0\x01\0\x01\0\x01\0\x18\0\xff\xff\xff\0",
        b"\0\0\0\x18ftypavif\0\0\0\0avifmif1\0\0\0\x0cmeta\0\0\0\0\0\0\0\x0cmdat\x01\x02\x03\x04",
        b"\0\0\0\x14ftypheic\0\0\0\0mif1\0\0\0\x01mdat\0\0\0\0\0\0\0\x12xy",
    ];
    let images = rendered.into_iter().chain(others.map(<[u8]>::to_vec));
    images.flat_map(|image| [with(0xff, &image), with(0x80, &image)]).collect()
}

/// Shapes that no document shows.
fn crooked() -> impl Iterator<Item = &'static str> {
    [
        r#"[{"url":"https://p.example/0.png"}]"#,
        r#"{"data":{"images":[{"url":["https://p.example/0.png","https://p.example/1.png"]}]}}"#,
        r#"{"code":0,"data":"{\"data\":[{\"url\":\"https://p.example/0.png\"}]}"}"#,
        r#"{"output":{"results":[{"image_url":"https://p.example/0.png"}]},"usage":{"generated_images":1}}"#,
        r#"{"data":[{"b64_json":"data:image/png;base64,iVBORw0KGgo="},{"error":{"code":"x","message":"no"}}]}"#,
        r#"{"status":"SUCCESS","result_url":"https://p.example/0.png","task_id":"task-1"}"#,
        r#"{'data':[{'url':'https://p.example/0.png'},],"n":NaN,/* */"m":01}"#,
        r#"{"error":{"message":"insufficient balance","code":"insufficient_quota"}}"#,
    ]
    .into_iter()
}

/// Words that occur in what is read, for the fuzzer to put together.
pub(crate) fn words() -> BTreeSet<String> {
    let mut words: BTreeSet<String> = [
        "data:",
        "event:",
        "id:",
        "retry:",
        "[DONE]",
        "https://",
        "data:image/png;base64,",
        "\\u",
        "NaN",
        "x-mock-fault: ",
    ]
    .map(str::to_owned)
    .into();
    for (_, body) in recorded() {
        if let Ok(value) = serde_json::from_slice(&body) {
            gather(&value, &mut words);
        }
    }
    words.extend(seedream_mock::fault_words().iter().map(|word| word.example.to_string()));
    words
}

fn gather(value: &Value, words: &mut BTreeSet<String>) {
    let mut keep = |text: &str| {
        if (2..=40).contains(&text.len()) && text.is_ascii() {
            words.insert(format!("\"{text}\""));
        }
    };
    match value {
        Value::String(text) => keep(text),
        Value::Array(items) => items.iter().for_each(|item| gather(item, words)),
        Value::Object(members) => {
            members.keys().for_each(|name| keep(name));
            members.values().for_each(|value| gather(value, words));
        }
        _ => {}
    }
}
