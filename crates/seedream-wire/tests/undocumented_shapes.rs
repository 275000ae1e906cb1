//! Undocumented shapes: images in other members, other status words, nested errors.

#![allow(clippy::unwrap_used, reason = "clippy knows helpers of tests as code")]

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, StatusCode};
use seedream_core::{
    Blobs, Charge, Decoded, Error, ErrorKind, Generation, ImageData, Response, Result, Task, TaskId, TaskState,
    Timestamp, WarningKind, sse,
};
use seedream_wire::{Failure, Reader, Tasks, codes};
use serde_json::json;

fn reader() -> Reader {
    let kind_of = |_, code: &str| codes::ark(code).or_else(|| codes::new_api(code));
    Reader { model: "m".into(), kind_of, lifetime: None }
}

fn response(status: u16, body: impl Into<bytes::Bytes>) -> Response {
    Response::new(StatusCode::from_u16(status).unwrap(), HeaderMap::new(), body, Timestamp::UNIX_EPOCH)
}

fn read(body: impl Into<bytes::Bytes>) -> Result<Generation> {
    match reader().outcome(&response(200, body).mended())? {
        Decoded::Done(generation) => Ok(generation),
        other => panic!("expected images, saw {other:?}"),
    }
}

fn urls(generation: &Generation) -> Vec<String> {
    let url = |data: &ImageData| match data {
        ImageData::Url { url, .. } => url.clone(),
        other => format!("{other:?}"),
    };
    generation.images().map(|image| url(&image.data)).collect()
}

fn kinds(generation: &Generation) -> Vec<WarningKind> {
    generation.warnings.iter().map(|warning| warning.kind).collect()
}

const A: &str = "https://p.example/a.png";
const B: &str = "https://p.example/b.png";

#[test]
fn images_are_found_in_any_member_and_the_member_is_named() {
    for (body, place) in [
        (json!([{"url": A}, {"url": B}]), "the top of the response"),
        (json!([A, B]), "the top of the response"),
        (json!({"data": {"images": [{"url": A}, {"url": B}]}}), "data.images"),
        (json!({"data": {"url": [A, B]}}), "`url`"),
        (json!({"data": [{"url": [A, B]}]}), "`url`"),
        (json!({"data": {"a": 1, "output": [A, B]}}), "data.output"),
        (json!({"images": [{"url": A}, {"url": B}]}), "images"),
        (json!({"images": [A, B]}), "images"),
        (json!({"output": [A, B]}), "output"),
        (json!({"output": {"images": [{"image_url": A}, {"image_url": B}]}}), "output.images"),
        (json!({"result": {"images": [{"url": A}, {"url": B}]}}), "result.images"),
        (json!({"code": 0, "msg": "ok", "data": {"image_urls": [A, B]}}), "data.image_urls"),
        (json!({"data": [{"image_url": A}, {"image_url": {"url": B}}]}), "`image_url`"),
        (json!({"data": null, "response": {"data": [{"link": A}, {"uri": B}]}}), "response.data"),
        (
            json!({"choices": [{"message": {"images": [{"image_url": {"url": A}}, {"image_url": {"url": B}}]}}]}),
            "choices.message.images",
        ),
        (json!({"data": {"10": {"url": B}, "9": {"url": A}}}), "data"),
        (json!({"data": [{"url": A}], "images": [{"url": B}, {"url": A}]}), "images"),
        (json!({"Data": [{"Url": A}, {"URL": B}]}), ""),
        (json!({"Images": [{"imageUrl": A}, {"ImageURL": {"Url": B}}]}), "images"),
        (json!({"data": {"result_urls": [A, B]}}), "data.result_urls"),
        (json!({"resultUrls": [A, B]}), "result_urls"),
        (json!({"data": {"resultJson": json!({"resultUrls": [A, B]}).to_string()}}), "data.result_json.result_urls"),
        (json!({"data": format!("[{{\"url\":\"{A}\"}},{{\"url\":\"{B}\"}}]")}), ""),
        (json!(format!("{{\"data\":[{{\"url\":\"{A}\"}},{{\"url\":\"{B}\"}}]}}")), ""),
    ] {
        let generation = read(body.to_string()).unwrap_or_else(|error| panic!("{body}: {error}"));
        assert_eq!(urls(&generation), [A, B], "{body}");
        let told: Vec<_> = generation.warnings.iter().map(|warning| warning.message.as_str()).collect();
        let named = if place.is_empty() { told.is_empty() } else { told.iter().any(|message| message.contains(place)) };
        assert!(named, "{body}: {told:?}");
    }
}

#[test]
fn an_image_after_many_items_without_one_is_found() {
    for filler in ["\"\"", "0", "{\"\":0}", "null"] {
        let body = format!("{{\"data\":[{},{{\"url\":\"{A}\"}}]}}", [filler; 100_000].join(","));
        let generation = read(body).unwrap_or_else(|error| panic!("{filler}: {error}"));
        assert_eq!(urls(&generation), [A], "{filler}");
        assert!(generation.outcomes.len() <= 1025, "{filler}");
    }
}

#[test]
fn values_after_many_small_ones_are_read_and_not_called_repaired() {
    for count in [20_000, 300_000] {
        let log = vec!["s"; count];
        let body = json!({"a_log": log, "data": [{"url": A}], "usage": {"generated_images": 2}});
        let generation = read(body.to_string()).unwrap();
        assert_eq!((urls(&generation), generation.billed()), (vec![A.to_owned()], Some(2)), "{count}");
        assert!(!kinds(&generation).contains(&WarningKind::Repaired), "{count}: {:?}", generation.warnings);
        let generation = stream(&format!("data: {body}\n\n"), false).unwrap();
        assert_eq!((urls(&generation), generation.billed()), (vec![A.to_owned()], Some(2)), "{count}");
        assert_eq!(kinds(&generation)[..1], [WarningKind::Unreadable], "{count}");
    }
}

#[test]
fn a_response_is_read_in_another_encoding_and_with_words_around_it() {
    let body = json!({"data": [{"url": A}], "usage": {"generated_images": 1}}).to_string();
    let utf16 = |mark: &str, bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        format!("{mark}{body}").encode_utf16().flat_map(bytes).collect()
    };
    for (text, repaired) in [
        (format!("```json\n{body}\n```").into_bytes(), true),
        (format!(")]}}',\n{body}").into_bytes(), true),
        (format!("cb({body});").into_bytes(), true),
        (format!("OK {body}").into_bytes(), true),
        (format!("\u{feff}{body}").into_bytes(), false),
        (utf16("\u{feff}", u16::to_le_bytes), false),
        (utf16("\u{feff}", u16::to_be_bytes), false),
        (utf16("", u16::to_le_bytes), false),
        (utf16("", u16::to_be_bytes), false),
    ] {
        let generation = read(text.clone()).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        assert_eq!((urls(&generation), generation.billed()), (vec![A.to_owned()], Some(1)), "{text:?}");
        assert_eq!(kinds(&generation).contains(&WarningKind::Repaired), repaired, "{text:?}");
    }
}

#[test]
fn an_echo_of_the_request_is_not_an_image() {
    for body in [
        json!({"id": "x", "request": {"image": A, "images": [A]}}),
        json!({"input": {"image_urls": [A]}, "parameters": {"url": A}}),
        json!({"metadata": {"images": [A]}, "data": []}),
    ] {
        assert!(read(body.to_string()).is_err(), "{body}");
    }
}

#[test]
fn an_inline_image_is_decoded_in_every_form_and_a_url_in_any_member() {
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xfb\xff\xfe\0\0\0\0";
    let base64 = STANDARD.encode(png);
    let image = ImageData::Bytes(png.to_vec().into());
    let link = ImageData::Url { url: A.to_owned(), expires_at: None };
    for (item, data) in [
        (json!({"url": format!("data:image/png;base64,{base64}")}), &image),
        (json!({"url": format!("DATA:Image/PNG;charset=utf-8;base64,{base64}")}), &image),
        (json!({"url": base64}), &image),
        (json!({"image": base64}), &image),
        (json!({"b64": base64}), &image),
        (json!({"b64_json": base64.replace('+', "-").replace('/', "_")}), &image),
        (json!({"b64_json": format!("data:image/png;base64,data:image/png;base64,{base64}")}), &image),
        (json!({"b64_json": format!("b'{base64}'")}), &image),
        (json!({"b64_json": format!("\"{base64}\"")}), &image),
        (json!({"image": format!("b\"{base64}\"")}), &image),
        (json!({"url": " ", "b64_json": base64}), &image),
        (json!({"url": "", "b64_json": base64}), &image),
        (json!({"url": "null", "b64_json": base64}), &image),
        (json!({"url": "None", "b64_json": base64}), &image),
        (json!({"url": "N/A", "b64_json": base64}), &image),
        (json!({"url": "https://", "b64_json": base64}), &image),
        (json!({"url": "HTTP:///", "b64_json": base64}), &image),
        (json!({"b64_json": "null", "url": A}), &link),
        (json!({"url": null, "b64_json": base64}), &image),
        (json!({"url": "data:image/png;base64,!!", "b64_json": base64}), &image),
        (json!({"b64_json": "!!", "url": A}), &link),
        (json!({"b64_json": A}), &link),
        (json!({"b64_json": "", "image_url": A}), &link),
    ] {
        let generation = read(json!({"data": [item]}).to_string()).unwrap_or_else(|error| panic!("{item}: {error}"));
        assert_eq!(&generation.images().next().unwrap().data, data, "{item}");
    }
}

#[test]
fn base64_is_an_image_under_every_name() {
    let base64 = STANDARD.encode(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xfb\xff\xfe\0\0\0\0");
    for body in [
        json!({"binary_data_base64": [base64], "code": 10000}),
        json!({"data": {"binary_data_base64": base64}}),
        json!({"data": [{"B64_JSON": base64}]}),
        json!({"predictions": [{"bytesBase64Encoded": base64}]}),
        json!({"data": [{"url": "none", "b64Json": base64}]}),
    ] {
        let generation = read(body.to_string()).unwrap_or_else(|error| panic!("{body}: {error}"));
        assert!(matches!(generation.images().next().unwrap().data, ImageData::Bytes(_)), "{body}");
        assert_eq!(generation.outcomes.len(), 1, "{body}");
    }
}

#[test]
fn a_list_of_events_is_read_as_their_stream_is() {
    let done = json!({"type": "image_generation.completed", "usage": {"generated_images": 2}});
    let body = format!("[{},{},{done}]", event(0, A), event(1, B));
    let generation = read(body).unwrap();
    assert_eq!((urls(&generation), generation.billed()), (vec![A.to_owned(), B.to_owned()], Some(2)));
    assert_eq!(generation.outcomes.len(), 2, "{:?}", generation.outcomes);
    let failed = json!({"type": "image_generation.partial_failed", "error": {"code": "x", "message": "no"}});
    let generation = read(format!("[{},{failed},{done}]", event(0, A))).unwrap();
    assert_eq!((generation.outcomes.len(), generation.failures().next().unwrap().message.as_str()), (2, "no"));
}

#[test]
fn a_task_instead_of_images_is_an_acceptance() {
    for (body, id) in [
        (r#"{"code":200,"data":[{"status":"submitted","task_id":"task_A1"}]}"#, "task_A1"),
        (r#"{"code":200,"data":{"status":"submitted","task_id":"task_A1"}}"#, "task_A1"),
        (r#"{"id":"task-unified-1-a","object":"image.generation.task","status":"pending"}"#, "task-unified-1-a"),
        (r#"{"code":200,"data":{"id":"t-3","status":"processing"}}"#, "t-3"),
        (r#"{"code":1,"description":"Submit success","result":"14001934816969359"}"#, "14001934816969359"),
        (r#"{"status":"success","data":{"task_id":"t-4"}}"#, "t-4"),
        (r#"{"success":true,"data":{"taskId":"t-5"}}"#, "t-5"),
        (r#"{"output":{"task_id":"t-6","task_status":"PENDING"},"request_id":"r"}"#, "t-6"),
    ] {
        let Ok(Decoded::Accepted(accepted)) = reader().outcome(&response(200, body)) else { panic!("{body}") };
        assert_eq!(accepted.id.as_str(), id, "{body}");
    }
    for body in
        [r#"{"id":"img-1","data":[]}"#, r#"{"code":1,"result":"https://p.example/a.png"}"#, r#"{"id":"x","created":1}"#]
    {
        assert!(!matches!(reader().outcome(&response(200, body)), Ok(Decoded::Accepted(_))), "{body}");
    }
}

#[test]
fn the_innermost_error_is_shown() {
    let vendor =
        r#"{"error":{"code":"SensitiveContentDetected","message":"no. Request id: 0217abc","param":"prompt"}}"#;
    let quoted = json!(vendor).to_string();
    let twice = json!(json!({"error": {"message": vendor, "code": "upstream_error"}}).to_string()).to_string();
    let bodies = [
        format!(r#"{{"error":{{"message":{quoted},"type":"upstream_error","code":"bad_response_status_code"}}}}"#),
        format!(r#"{{"error":{{"message":{twice},"type":"new_api_error"}}}}"#),
        json!({"error": {"message": format!("Error code: 451 - {vendor}"), "code": null}}).to_string(),
        json!({"message": format!("upstream: {vendor} (request id: 2026)"), "code": 451}).to_string(),
        json!({"detail": format!("Error code: 451 - {}", "{'error': {'code': 'SensitiveContentDetected', 'message': 'no. Request id: 0217abc', 'param': 'prompt', 'type': None}}")}).to_string(),
        json!({"errors": [{"code": "SensitiveContentDetected", "message": "no. Request id: 0217abc", "field": "prompt"}]}).to_string(),
        json!({"success": false, "error": {"error": {"code": "SensitiveContentDetected", "message": "no. Request id: 0217abc", "param": "prompt"}}}).to_string(),
    ];
    for body in bodies {
        let error = reader().error(&response(451, body.clone()));
        let seen = (error.code(), error.param(), error.request_id(), error.message());
        assert_eq!(
            seen,
            (Some("SensitiveContentDetected"), Some("prompt"), Some("0217abc"), "no. Request id: 0217abc"),
            "{body}"
        );
        assert!(matches!(error.kind(), ErrorKind::ContentRejected { .. }) && error.charge() == Charge::No, "{body}");
    }
}

#[test]
fn other_forms_of_errors_are_read() {
    for (body, code, param, message) in [
        (
            r#"{"detail":[{"loc":["body","size"],"msg":"bad value","type":"value_error"}]}"#,
            None,
            Some("size"),
            "size: bad value",
        ),
        (r#"{"detail":"Not enough credits"}"#, None, None, "Not enough credits"),
        (r#"{"errors":["too small","too late"]}"#, None, None, "too small; too late"),
        (r#"{"errors":{"size":["is too small"]}}"#, None, Some("size"), "is too small"),
        (r#"{"code":1001,"msg":"sizes differ"}"#, Some("1001"), None, "sizes differ"),
        (
            r#"{"error":"invalid_request","error_description":"no such scope"}"#,
            Some("invalid_request"),
            None,
            "no such scope",
        ),
        (r#"{"type":"about:blank","title":"Bad Request","status":400,"detail":"no prompt"}"#, None, None, "no prompt"),
        (r#"{"title":"Payment Required","status":402}"#, None, None, "Payment Required"),
        (r#"{"error":{"message":{"code":"X1","message":"inner"}}}"#, Some("X1"), None, "inner"),
        (r#"[{"error":{"code":400,"message":"listed"}}]"#, Some("400"), None, "listed"),
        (
            r#"{"Error":{"Code":"SetLimitExceeded","Message":"reached","Param":"n"}}"#,
            Some("SetLimitExceeded"),
            Some("n"),
            "reached",
        ),
        (r#"{"ERROR":{"errorCode":"X1","ErrorMessage":"loud"}}"#, Some("X1"), None, "loud"),
        (
            r#"{"errors":[{"extensions":{"code":"AccountOverdueError"},"message":"overdue"}]}"#,
            Some("AccountOverdueError"),
            None,
            "overdue",
        ),
        (r#"{"success":false,"error_msg":"overloaded","data":[]}"#, None, None, "overloaded"),
        (r#"{"status":"failed","failReason":"nsfw"}"#, None, None, "nsfw"),
        (r#"{"status":"failed","fail_reason":"nsfw"}"#, None, None, "nsfw"),
        (r#"{"status":"failed","failure_reason":"nsfw"}"#, None, None, "nsfw"),
        (r#"{"status":"failed","reason":"nsfw"}"#, None, None, "nsfw"),
        (
            r#"{"error":"insufficient_user_quota: not enough"}"#,
            Some("insufficient_user_quota"),
            None,
            "insufficient_user_quota: not enough",
        ),
        (r#"{"error":"try again: it was busy"}"#, None, None, "try again: it was busy"),
    ] {
        let failure = Failure::of(&response(400, body));
        assert_eq!(
            (failure.code.as_deref(), failure.param.as_deref(), &*failure.message),
            (code, param, message),
            "{body}"
        );
    }
    let image = "iVBORw0KGgo".repeat(11_000);
    let body = json!({"error": {"message": format!("cannot read data:image/png;base64,{image}: the width is 7 px"), "code": "InvalidParameter"}});
    let error = reader().error(&response(400, body.to_string()));
    assert!(error.message().ends_with("base64,…: the width is 7 px"), "{}", error.message());
    let text = format!("cannot read data:image/png;base64,{image}: the width is 7 px");
    assert!(reader().error(&response(400, text)).message().ends_with("the width is 7 px"));
}

#[test]
fn a_success_that_says_it_failed_is_its_error() {
    for (body, kind, message) in [
        (r#"{"success":false,"error_msg":"overloaded","data":[]}"#, ErrorKind::Server, "overloaded"),
        (r#"{"success":"false","reason":"busy"}"#, ErrorKind::Server, "busy"),
        (r#"{"Error":{"Code":"AccountOverdueError","Message":"overdue"}}"#, ErrorKind::Balance, "overdue"),
        (r#"{"error":"insufficient_user_quota: no"}"#, ErrorKind::Balance, "insufficient_user_quota: no"),
        (r#"{"failReason":"nsfw","data":null}"#, ErrorKind::Server, "nsfw"),
    ] {
        let error = read(body).unwrap_err();
        assert_eq!((error.kind(), error.message()), (kind, message), "{body}");
    }
    // A similar word is a success.
    let body = json!({"success": true, "message": "done", "reason": "stop", "data": [{"url": A}]});
    assert_eq!(urls(&read(body.to_string()).unwrap()), [A]);
}

#[test]
fn the_same_image_twice_is_delivered_once_unless_it_is_billed_twice() {
    let twice = |usage: serde_json::Value| {
        read(json!({"data": [{"url": A}, {"url": B}, {"url": A}], "usage": usage}).to_string()).unwrap()
    };
    for usage in [json!(null), json!({"generated_images": 2})] {
        let generation = twice(usage);
        assert_eq!(
            (urls(&generation), kinds(&generation)),
            (vec![A.to_owned(), B.to_owned()], vec![WarningKind::Repeated])
        );
        assert_eq!(generation.images().map(|image| image.index).collect::<Vec<_>>(), [0, 1]);
    }
    assert_eq!(twice(json!({"generated_images": 3})).images().count(), 3);
}

#[test]
fn only_a_response_that_was_read_whole_can_say_that_nothing_was_billed() {
    let free = r#""usage":{"generated_images":0}"#;
    for (body, charge) in [
        (
            format!(
                r#"{{"data":[{{"error":{{"code":"OutputImageSensitiveContentDetected","message":"no"}}}}],{free}}}"#
            ),
            Charge::No,
        ),
        (format!(r#"{{"data":[{{"b64_json":"!!"}}],{free}}}"#), Charge::Unknown),
        (format!(r#"{{"data":[{{"error":{{"message":"a{}b","code":"x"}}}}],{free}}}"#, '\n'), Charge::Unknown),
        (format!(r#"{{{free},"data":[{{"url":"https://p.exam"#), Charge::Unknown),
        (format!(r#"{{"data":[{{}}],{free}}}"#), Charge::Unknown),
    ] {
        assert_eq!(read(body.clone()).unwrap_err().charge(), charge, "{body}");
    }
    let contradicts = read(json!({"data": [{"url": A}], "usage": {"generated_images": 0}}).to_string()).unwrap();
    assert_eq!(contradicts.charge(), Charge::Unknown);
}

fn stream(text: &str, truncated: bool) -> Result<Generation> {
    let mut parser = sse::Parser::new();
    let mut decoder = reader().stream(15);
    for frame in parser.feed(text.as_bytes()).into_iter().chain(parser.finish()).filter(|frame| !frame.is_done()) {
        decoder.event(&frame, &Blobs::default());
    }
    let mut head = response(200, "");
    head.truncated = truncated;
    decoder.finish(&head)
}

fn event(index: u32, url: &str) -> String {
    json!({"type": "image_generation.partial_succeeded", "image_index": index, "url": url}).to_string()
}

#[test]
fn a_stream_is_read_however_it_is_framed() {
    let (a, b) = (event(0, A), event(1, B));
    let done = json!({"type": "image_generation.completed", "usage": {"generated_images": 2}}).to_string();
    let list = json!({"data": [{"url": A}, {"url": B}], "usage": {"generated_images": 2}}).to_string();
    for text in [
        format!("data: {a}\ndata: {b}\ndata: {done}\ndata: [DONE]\n"),
        format!("event: x\ndata: {a}\nevent: x\ndata: {b}\nevent: y\ndata: {done}\n\n"),
        format!("data: data: {a}\n\ndata: data: {b}\n\ndata: {done}\n\n"),
        format!("data:\n\ndata: {a}\n\ndata:\n\ndata: {b}\n\ndata: {done}\n\n"),
        format!("data: : keep-alive\n\ndata: {a}\n\ndata: ping\n\ndata: {b}\n\ndata: {done}\n\n"),
        format!(": on\n\nDATA: {a}\n\n Data: DATA: {b}\n\nEVENT: x\nDATA: {done}\n\n"),
        format!("data: {a}{b}\n\ndata: {done}\n\n"),
        format!("data: [{a},{b},{done}]\n\n"),
        format!("data: {list}\n\ndata: [DONE]\n\n"),
        format!(": keep-alive\n\n{list}\n\n: keep-alive\n\n"),
        format!("data: {a}\n\ndata: {a}\n\ndata: {b}\n\ndata: {b}\n\ndata: {done}\n\n"),
        format!("data: {a}\n\ndata: {b}\n\ndata: {done}\n\ndata: {a}\n\ndata: {b}\n\ndata: {done}\n\n"),
    ] {
        let generation = stream(&text, false).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(urls(&generation), [A, B], "{text}");
        assert!(
            kinds(&generation).iter().all(|kind| *kind == WarningKind::Repeated),
            "{text}: {:?}",
            generation.warnings
        );
        // The same bytes with the content type of JSON.
        assert_eq!(urls(&read(text.clone()).unwrap()), [A, B], "{text}");
    }
}

#[test]
fn words_of_an_error_in_a_stream_are_shown_and_classified() {
    let of = |text: &str| stream(text, false).unwrap_err();
    let error = of("event: error\ndata: insufficient_user_quota: top up first\n\n");
    assert_eq!(
        (error.kind(), error.charge(), error.message()),
        (ErrorKind::Balance, Charge::No, "insufficient_user_quota: top up first")
    );
    let error =
        of(": on\n\n{\"error\":{\"code\":\"InputTextSensitiveContentDetected\",\"message\":\"no\"}}\n\n: on\n\n");
    assert!(matches!(error.kind(), ErrorKind::ContentRejected { .. }) && error.charge() == Charge::No);
    let error = of("data: {\"error\":{\"code\":402,\"message\":\"no money\"}}\n\n");
    assert_eq!((error.kind(), error.charge()), (ErrorKind::Balance, Charge::No));
    let error = of("data: upstream is restarting\n\n");
    assert!(error.message().contains("upstream is restarting") && error.charge() == Charge::Unknown, "{error}");
    let error = of("data: {\"type\":\"error\",\"message\":\"busy\"}\n\n");
    assert_eq!(error.message(), "busy");
}

#[test]
fn an_unread_event_beside_a_bill_of_nothing_leaves_the_charge_open() {
    let free = "data: {\"type\":\"image_generation.completed\",\"usage\":{\"generated_images\":0}}\n\n";
    let failed = "data: {\"type\":\"image_generation.partial_failed\",\"image_index\":0,\"error\":{\"code\":\"OutputImageSensitiveContentDetected\",\"message\":\"no\"}}\n\n";
    assert_eq!(stream(&format!("{failed}{free}"), false).unwrap_err().charge(), Charge::No);
    for text in [
        format!("{failed}data: {{\"url\":\"https://\n\n{free}"),
        format!("{failed}data: \"odd{{\n\n{free}"),
        format!("data: {{\"b64_json\":\"!!\"}}\n\n{free}"),
    ] {
        assert_eq!(stream(&text, false).unwrap_err().charge(), Charge::Unknown, "{text}");
    }
    let first = "data: {\"type\":\"image_generation.partial_failed\",\"image_index\":0,\"error\":{\"code\":\"x\",\"message\":\"no\"},\"usage\":{\"generated_images\":0}}\n\n";
    assert_eq!(stream(first, true).unwrap_err().charge(), Charge::Unknown);
}

fn tasks() -> Tasks {
    Tasks { reader: reader(), kind_of_failure: |_| None, results: "results", failed: Charge::No }
}

fn task() -> Task {
    Task::new("evolink", "https://a.example", TaskId::new("t").unwrap(), "m".into())
}

fn state(body: impl std::fmt::Display) -> TaskState {
    tasks().state(&task(), &response(200, body.to_string())).unwrap_or_else(|error| panic!("{body}: {error}"))
}

#[test]
fn a_task_ends_in_any_word_and_its_images_are_found() {
    for body in [
        json!({"data": {"status": "SUCCESS", "result_url": A}}),
        json!({"code": 200, "data": {"status": "completed", "results": [A]}}),
        json!({"status": "Succeeded", "result": {"data": [{"url": A}]}}),
        json!({"status": "FINISHED", "results": format!("[\"{A}\"]")}),
        json!({"state": "done", "output": {"images": [{"url": A}]}}),
        json!({"task_status": "TASK_STATUS_SUCCEED", "images": [{"image_url": A}]}),
        json!({"status": "success", "data": {"status": "completed", "results": [{"url": A}]}}),
        json!({"data": [{"url": A}]}),
        json!({"status": "completed", "result_urls": [A]}),
        json!({"status": "completed", "resultUrls": A}),
        json!({"status": "completed", "resultJson": json!({"resultUrls": [A]}).to_string()}),
        json!({"code": 200, "data": {"state": "success", "resultJson": json!({"resultUrls": [A]}).to_string()}}),
        json!({"Status": "completed", "Results": [{"Url": A}]}),
    ] {
        let TaskState::Done(generation) = state(body.clone()) else { panic!("{body}") };
        assert_eq!(urls(&generation), [A], "{body}");
    }
    for (body, kind, message) in [
        (json!({"data": {"status": "FAILURE", "fail_reason": "no GPU"}}), ErrorKind::TaskFailed, "no GPU"),
        (json!({"status": "expired", "message": "too late"}), ErrorKind::TaskFailed, "too late"),
        (json!({"status": "error", "error": "boom"}), ErrorKind::TaskFailed, "boom"),
        (json!({"status": "Canceled"}), ErrorKind::Cancelled, "no reason"),
        (
            json!({"status": "completed", "results": [], "error": {"code": "InternalServiceError", "message": "lost"}}),
            ErrorKind::Server,
            "lost",
        ),
    ] {
        let TaskState::Failed(error) = state(body.clone()) else { panic!("{body}") };
        assert!(error.kind() == kind && error.message().contains(message), "{body}: {error:?}");
    }
    for word in ["completed", "processing"] {
        let done = state(json!({"status": word, "results": [""]}));
        assert!(!matches!(done, TaskState::Done(_)), "{word}");
    }
    let TaskState::Running { status, found: None, .. } = state(json!({"status": "dreaming"})) else { panic!() };
    assert_eq!(status, "dreaming");
}

#[test]
fn images_of_a_task_that_has_not_ended_or_not_well_are_there() {
    let TaskState::Running { found: Some(found), .. } = state(json!({"status": "processing", "results": [A]})) else {
        panic!("the image is lost")
    };
    assert_eq!(urls(&found), [A]);
    for word in ["failed", "cancelled"] {
        let TaskState::Done(generation) = state(json!({"status": word, "results": [A], "error": {"message": "half"}}))
        else {
            panic!("the image is lost")
        };
        assert_eq!((urls(&generation), generation.charge()), (vec![A.to_owned()], Charge::Unknown));
        assert!(generation.warnings.iter().any(|warning| warning.message.contains("half")));
    }
    let cost = |word: &str| match state(json!({"status": word, "error": {"message": "no"}})) {
        TaskState::Failed(error) => error.charge(),
        other => panic!("{other:?}"),
    };
    assert_eq!((cost("failed"), cost("cancelled")), (Charge::No, Charge::Unknown));
    // A damaged response may be incomplete.
    for text in ["\0{\"status\":\"failed\"", "// a gateway\n{\"status\":\"failed\"}"] {
        let Ok(TaskState::Failed(error)) = tasks().state(&task(), &response(200, text)) else { panic!("{text}") };
        assert_eq!(error.charge(), Charge::Unknown, "{text}");
    }
}

#[test]
fn a_task_is_accepted_in_any_form_and_every_id_is_kept() {
    let accepted = |body: &str| match tasks().accepted(&response(200, body.to_owned())) {
        Ok(Decoded::Accepted(accepted)) => {
            std::iter::once(&accepted.id).chain(&accepted.other_ids).map(ToString::to_string).collect::<Vec<_>>()
        }
        other => panic!("{body}: {other:?}"),
    };
    for (body, ids) in [
        (r#"{"code":1,"result":"ID-1"}"#, &["ID-1"][..]),
        (r#"{"status":"success","data":{"task_id":"t-2"}}"#, &["t-2"]),
        (r#"{"id":"a-1","task_id":"b-2","status":"pending"}"#, &["a-1", "b-2"]),
        (r#"{"id":"task-1","status":"pending","task_info":{"estimated_time":45}"#, &["task-1"]),
        (r#"{"code":200,"data":[{"task_id":"t-3"}]}"#, &["t-3"]),
    ] {
        assert_eq!(accepted(body), ids, "{body}");
    }
    let refused: Error = tasks()
        .accepted(&response(200, r#"{"error":{"code":"insufficient_user_quota","message":"no"},"id":"req-1"}"#))
        .unwrap_err();
    assert_eq!((refused.kind(), refused.charge()), (ErrorKind::Balance, Charge::No));
}

#[test]
fn an_estimate_is_read_of_a_poll_too() {
    for body in [
        json!({"status": "pending", "task_info": {"estimated_time": 60}}),
        json!({"code": 200, "data": {"status": "submitted", "estimated_time": 60}}),
    ] {
        let TaskState::Running { estimated_seconds, .. } = state(body.clone()) else { panic!("{body}") };
        assert_eq!(estimated_seconds, Some(60), "{body}");
    }
}
