//! One grammar for faults, as text and as JSON.

use std::time::Duration;

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use seedream_mock::{
    BodyFault, BytePosition, ByteRate, CodingFault, ConnectionEnd, ErrorFault, Fault, FaultTarget, ImageFault,
    LengthFault, Probability, RefusalCause, SseFault, StreamFault, TaskFault, Thousands, Truncation, fault_words,
    parse_faults,
};
use serde_json::json;

fn place() -> impl Strategy<Value = BytePosition> {
    prop_oneof![
        Just(BytePosition::Before),
        any::<u64>().prop_map(BytePosition::Head),
        any::<u64>().prop_map(BytePosition::Body)
    ]
}

fn time() -> impl Strategy<Value = Duration> {
    (0u64..1_000_000_000).prop_map(Duration::from_millis)
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-zA-Z0-9_.]{0,12}", any::<String>()]
}

fn retry_after() -> impl Strategy<Value = String> {
    prop_oneof![any::<u64>().prop_map(|seconds| seconds.to_string()), Just(String::from(DATE))]
}

const DATE: &str = "Wed, 21 Oct 2026 07:28:00 GMT";

/// Where a response, or the request, is cut off.
fn cut_off() -> impl Strategy<Value = BytePosition> {
    prop_oneof![place(), any::<u64>().prop_map(BytePosition::Request)]
}

fn cut() -> impl Strategy<Value = Truncation> {
    prop_oneof![
        Just(Truncation::Brace),
        any::<u64>().prop_map(Truncation::After),
        any::<u64>().prop_map(Truncation::Before)
    ]
}

fn task() -> impl Strategy<Value = TaskFault> {
    let word = "[a-zA-Z_完成.-]{1,12}".prop_map(|word| TaskFault::Word(word.parse().unwrap()));
    prop_oneof![select(TaskFault::ALL), word]
}

fn stream() -> impl Strategy<Value = StreamFault> {
    let many = (1u16..=1000).prop_map(|thousands| StreamFault::Many(Thousands::new(thousands)));
    prop_oneof![select(StreamFault::ALL), many]
}

fn fault() -> impl Strategy<Value = Fault> {
    let head = (
        of(select(FaultTarget::ALL)),
        of(1u32..),
        of(select(RefusalCause::ALL)),
        of(200u16..1000),
        of(text()),
        of(text()),
    );
    let waits = (of(retry_after()), of(any::<bool>()), of(time()), of(time()), of(place()), of(time()));
    let end = of((select(ConnectionEnd::ALL), cut_off()));
    let drip = of((1u32.., time()).prop_map(|(bytes, every)| ByteRate { bytes, every }));
    let body = (of(200u16..1000), of(200u16..1000), of(text()), any::<[bool; 3]>(), of(any::<u64>()), of(cut()));
    let group = (vec(any::<u32>(), 0..4), of(any::<u32>()), vec(task(), 0..3));
    let chance = (0u32..=1_000_000).prop_map(|millionths| Probability::new(f64::from(millionths) / 1e6));
    let limits = any::<[Option<u32>; 4]>();
    let when = (of(chance), of(any::<u64>()), limits);
    let rest = (vec(select(SseFault::ALL), 0..4), of(select(ImageFault::ALL)));
    let shape = (
        of(select(LengthFault::ALL)),
        vec(select(CodingFault::ALL), 0..3),
        vec(select(BodyFault::ALL), 0..3),
        vec(select(ErrorFault::ALL), 0..3),
        of(text()),
        vec(stream(), 0..3),
    );
    let all = (head, waits, end, drip, body, group, rest, when, shape);
    all.prop_map(|(head, waits, end, drip, body, group, rest, when, shape)| Fault {
        on: head.0,
        times: head.1,
        refuse: head.2,
        status: head.3,
        code: head.4,
        message: head.5,
        retry_after: waits.0,
        should_retry: waits.1,
        delay: waits.2,
        pace: waits.3,
        end,
        stall: waits.4,
        stall_for: waits.4.and(waits.5),
        drip,
        html: body.0,
        redirect: body.1,
        to: body.1.and(body.2),
        empty: body.3[0],
        garbage: body.3[1],
        broken_gzip: body.3[2],
        length: shape.0,
        coding: shape.1,
        body: shape.2,
        error: shape.3,
        label: shape.4,
        stream: shape.5,
        oversize: body.4,
        truncate: body.5,
        moderate: group.0,
        fail: group.1,
        task: group.2,
        sse: rest.0,
        image: rest.1,
        chance: when.0,
        seed: when.0.and(when.1),
        rpm: when.2[0],
        ipm: when.2[1],
        concurrent: when.2[2],
        quota: when.2[3],
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn text_and_json_round_trip(faults in vec(fault(), 1..4)) {
        let written: Vec<String> = faults.iter().map(ToString::to_string).collect();
        let wanted: Vec<Fault> = faults.iter().filter(|fault| **fault != Fault::default()).cloned().collect();
        prop_assert_eq!(&parse_faults(&written.join("; ")).unwrap(), &wanted);
        for fault in &faults {
            let json = serde_json::to_string(fault).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Fault>(&json).unwrap(), fault, "{}", json);
        }
    }

    #[test]
    fn no_text_panics(text in any::<String>()) {
        drop(parse_faults(&text));
    }
}

#[test]
fn faults_are_written_as_people_write_them() {
    let text = "on=create times=2 status=503 code=ServerOverloaded retry-after=7";
    let fault: Fault = text.parse().unwrap();
    assert_eq!(fault.to_string(), text);
    let json = json!({ "on": "create", "times": 2, "status": 503, "code": "ServerOverloaded", "retry-after": 7 });
    assert_eq!(serde_json::to_value(&fault).unwrap(), json);
    let date: Fault = "status=429 retry-after=\"Wed, 21 Oct 2026 07:28:00 GMT\"".parse().unwrap();
    assert_eq!(date.retry_after.as_deref(), Some(DATE));
    let reset: Fault = "reset@body:100".parse().unwrap();
    assert_eq!(reset.end, Some((ConnectionEnd::Reset, BytePosition::Body(100))));
    assert_eq!("reset@head".parse::<Fault>().unwrap().to_string(), "reset@head:12");
    let lists: Fault = serde_json::from_value(json!({ "sse": ["crlf", "no-done"], "moderate": [0, 2] })).unwrap();
    assert_eq!(lists.to_string(), "moderate=0,2 sse=crlf,no-done");
}

#[test]
fn what_is_no_fault_is_explained() {
    for (text, word) in [
        ("statos=503", "statos is not a fault; `seedream mock faults` lists them"),
        ("status", "status needs a value"),
        ("status=99", "status: 99 is not a status from 200 to 999"),
        ("empty=yes", "empty takes no value"),
        ("reset@tail", "tail is not one of before"),
        ("stall@body:x", "x is not a number"),
        ("drip=0/1s", "BYTES/TIME"),
        ("delay=soon", "soon is not a duration"),
        ("sse=crlf,lf", "lf is not one of no-completed"),
        ("p=2", "2 is not a probability"),
        ("p=NaN", "not a probability"),
        ("rpm=-1", "rpm: -1 is not a whole number from 0 to 4294967295"),
        ("moderate=a", "moderate: a is not a whole number from 0 to 4294967295"),
        ("status=503 times=0", "times: 0 hits no request: use at least 1"),
        ("status=503 status=500", "status: is given twice"),
        ("reset@before close@head", "close: a connection ends once: use one of reset@ and close@"),
        ("retry-after=soon", "retry-after: soon is neither a whole number of seconds nor an HTTP date"),
        ("for=5s", "for: has no effect alone: add stall@before|head[:BYTE]|body[:BYTE]"),
        ("seed=7 status=503", "seed: has no effect alone: add p=CHANCE"),
        ("to=http://a.example/", "to: has no effect alone: add redirect=STATUS"),
        ("length=right", "length: right is not one of wrong, none"),
        ("gzip=whole", "gzip: whole is not broken"),
        ("truncate=end", "end is not one of BYTE, -BYTE, brace"),
        ("stall@request", "request is not one of before"),
        ("body=lists", "lists is not one of task"),
        ("task=word", "word is not one of stuck"),
        ("task=word:a=b", "a=b is not of the form TEXT"),
        ("stream=many:0", "0 is not of the form THOUSANDS"),
        ("message=\"open", "a quote is not closed"),
        ("", "no fault"),
        ("empty; garbage", "several"),
    ] {
        let error = text.parse::<Fault>().unwrap_err().to_string();
        assert!(error.contains(word), "{text}: {error}");
    }
}

#[test]
fn the_list_names_every_word_and_its_examples_are_faults() {
    let listed: Vec<&str> = fault_words().iter().map(|word| word.form.split(['=', '@']).next().unwrap()).collect();
    for word in fault_words() {
        let example: Fault = word.example.parse().unwrap_or_else(|error| panic!("{}: {error}", word.example));
        let name = word.form.split(['=', '@']).next().unwrap();
        assert!(serde_json::to_value(&example).unwrap().get(name).is_some(), "{} shows {name}", word.example);
    }
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for _ in 0..200 {
        let fault = fault().new_tree(&mut runner).unwrap().current();
        for name in serde_json::to_value(&fault).unwrap().as_object().unwrap().keys() {
            assert!(listed.contains(&name.as_str()), "{name} is not listed");
        }
    }
    let values = |form: &str, all: Vec<&str>| {
        let found = fault_words().iter().find(|word| word.form.starts_with(form)).unwrap();
        let listed = format!("{form}{}", all.join("|"));
        let value = found.form.strip_prefix(&listed);
        assert!(value.is_some_and(|value| value.is_empty() || value.contains(':')), "{}", found.form);
    };
    values("on=", FaultTarget::ALL.iter().map(|word| word.as_str()).collect());
    values("refuse=", RefusalCause::ALL.iter().map(|word| word.as_str()).collect());
    values("task=", TaskFault::ALL.iter().map(|word| word.as_str()).collect());
    values("body=", BodyFault::ALL.iter().map(|word| word.as_str()).collect());
    values("coding=", CodingFault::ALL.iter().map(|word| word.as_str()).collect());
    values("error=", ErrorFault::ALL.iter().map(|word| word.as_str()).collect());
    values("stream=", StreamFault::ALL.iter().map(|word| word.as_str()).collect());
    values("sse=", SseFault::ALL.iter().map(|word| word.as_str()).collect());
    values("image=", ImageFault::ALL.iter().map(|word| word.as_str()).collect());
}
