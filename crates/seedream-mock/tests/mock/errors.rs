//! Every refusal of every dialect, as its bytes go over the wire.
//!
//! The rows come from the providers' own data, so a rule that is added there is a row here.

use std::fmt::Write as _;

use seedream_fixtures::{FieldFacts, FieldRole, JsonType, ModelFacts, ProviderFacts, RouteFacts, RouteName};
use seedream_mock::{Engine, RefusalCause, Script, Settings};
use serde_json::{Value, json};

use crate::engine_calls::{now, request};

/// One request for images that breaks one rule: what is wrong, and the body.
type Row = (String, Value);

/// Sets the member with a dotted name.
fn with(mut body: Value, name: &str, value: Value) -> Value {
    match name.split_once('.') {
        Some((outer, inner)) => body[outer] = json!({ inner: value }),
        None => body[name] = value,
    }
    body
}

fn name(provider: &ProviderFacts, role: FieldRole) -> &str {
    provider.field(role).map_or("", |field| field.name.as_str())
}

fn valid(provider: &ProviderFacts, model: &ModelFacts) -> Value {
    let body = with(json!({}), name(provider, FieldRole::Model), json!(model.id));
    with(body, name(provider, FieldRole::Prompt), json!("a kite"))
}

fn urls(count: u32) -> Value {
    (0..count).map(|n| Value::from(format!("https://example.com/{n}.png"))).collect()
}

/// What each member of the document must be.
fn member_rows(provider: &ProviderFacts, model: &ModelFacts) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut row = |field: &FieldFacts, what: &str, value: Value| {
        rows.push((format!("{} {what}", field.name), with(valid(provider, model), &field.name, value)));
    };
    for field in provider.fields.iter().filter(|field| !model.refuses(field.name.split('.').next().unwrap())) {
        let values = model.values.get(&field.name).unwrap_or(&field.values);
        if field.required {
            row(field, "missing", Value::Null);
            row(field, "empty", json!(""));
        }
        let other = if field.types.contains(&JsonType::Object) { json!(7) } else { json!({}) };
        row(field, "of another type", other);
        if !values.is_empty() {
            row(field, "of another value", json!("other"));
        }
        if let Some(min) = field.min {
            row(field, "too small", json!(min as i64 - 1));
        }
        if let Some(max) = field.max.filter(|_| !field.advice) {
            row(field, "too large", json!(max as i64 + 1));
        }
        if let Some(max) = field.max_length.filter(|_| !field.advice) {
            row(field, "too long", json!(format!("https://example.com/{}", "x".repeat(max as usize))));
        }
        if field.https {
            row(field, "not https", json!("http://example.com/hook"));
            row(field, "private", json!("https://10.1.2.3/hook"));
        }
    }
    rows
}

/// What a model does not do.
fn model_rows(provider: &ProviderFacts, model: &ModelFacts) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut row = |what: String, name: &str, value: Value| rows.push((what, with(valid(provider, model), name, value)));
    for refused in &model.refused {
        row(format!("{refused} not supported"), refused, json!("any"));
    }
    for (name, values) in &model.values {
        let all = provider.fields.iter().find(|field| &field.name == name).unwrap();
        for value in all.values.iter().filter(|value| !values.contains(value)) {
            row(format!("{name} {value}"), name, value.clone());
        }
    }
    let (size, bounds) = (name(provider, FieldRole::Size), model.size.pixels.unwrap());
    for wrong in ["0.5K", "1K", "1.5K", "3K", "4K"] {
        if !model.size.tiers.iter().any(|level| level == wrong) {
            row(format!("{size} {wrong}"), size, json!(wrong));
        }
    }
    if let Some(min) = bounds.min {
        row(format!("{size} below {min}"), size, json!(format!("{}x16", min / 16 - 1)));
    }
    if let Some(max) = bounds.max {
        row(format!("{size} above {max}"), size, json!(format!("{0}x{0}", max.isqrt() + 1)));
    }
    if bounds.aspect.is_some() {
        row(format!("{size} too wide"), size, json!("8160x480"));
        row(format!("{size} too tall"), size, json!("480x8160"));
    }
    if let Some(side) = bounds.side {
        row(format!("{size} with a short side"), size, json!(format!("{}x{}", side.min - 1, side.max)));
    }
    let quality = name(provider, FieldRole::Quality);
    if !model.size.qualities.is_empty() {
        row(format!("{quality} 1K"), quality, json!("1K"));
    }
    let image = name(provider, FieldRole::References);
    if let Some(rule) = &model.references {
        row(format!("{image} {} times", rule.max + 1), image, urls(rule.max + 1));
        row(format!("{image} without bytes"), image, json!(["data:image/png;base64,"]));
        row(format!("{image} without base64"), image, json!(["data:image/png;base64,*"]));
        row(format!("{image} of no format"), image, json!(["data:image/png;base64,AAAA"]));
        row(format!("{image} in upper case"), image, json!(["data:image/PNG;base64,AAAA"]));
        row(format!("{image} of a number"), image, json!([7]));
    }
    if model.references_plus_images.is_some() && model.max_images > 1 {
        let max = name(provider, FieldRole::GroupMax);
        let group =
            with(with(valid(provider, model), image, urls(10)), name(provider, FieldRole::Group), json!("auto"));
        if !max.is_empty() {
            rows.push((format!("{image} 10 times and {max} 6"), with(group, max, json!(6))));
        }
    }
    let background = name(provider, FieldRole::Background);
    if !background.is_empty() && !model.refuses(background) {
        let clear = with(valid(provider, model), background, json!("transparent"));
        if model.transparent_from_reference {
            rows.push((format!("{background} without {image}"), clear.clone()));
        }
        let one = with(clear, image, urls(1));
        rows.push((format!("{background} as jpeg"), with(one, "output_format", json!("jpeg"))));
    }
    let layers = name(provider, FieldRole::Layers);
    if !layers.is_empty() && !model.refuses(layers) {
        let apart = with(valid(provider, model), layers, json!(true));
        rows.push((format!("{layers} with {image} twice"), with(apart.clone(), image, urls(2))));
        rows.push((
            format!("{layers} with {background}"),
            with(with(apart, image, urls(1)), background, json!("opaque")),
        ));
    }
    rows
}

/// The order of two mistakes, where a model has one.
fn order_row(provider: &ProviderFacts, model: &ModelFacts) -> Option<Row> {
    let first = model.checks_first.first()?;
    let value = if first == name(provider, FieldRole::Size) { json!("1x1") } else { json!("transparent") };
    let body = with(valid(provider, model), first, value);
    Some((format!("{first} before response_format"), with(body, "response_format", json!("png"))))
}

/// Status, headers and body; the long ids of requests as `ID`.
fn response(script: &Script, headers: &[String]) -> String {
    let mut text = script.status.to_string();
    for name in headers.iter().map(String::as_str).chain(["retry-after"]) {
        if let Some(value) = script.header(name) {
            let _ = write!(text, " {name}={value}");
        }
    }
    format!("{text} {}", String::from_utf8(script.body().to_vec()).unwrap())
        .split_inclusive([' ', '=', '"', ')'])
        .map(|word| if word.len() > 30 { format!("ID{}", &word[word.len() - 1..]) } else { word.to_owned() })
        .collect()
}

fn ask(provider: &ProviderFacts, route: &RouteFacts, key: Option<&str>, fault: &str, body: &Value) -> Script {
    let engine = Engine::new(Settings::default());
    let path = format!("/{}{}", provider.id, route.path.replace("{id}", "task-unified-1795000000-nobody00"));
    let mut request = request(&route.method, &path, key, body.to_string());
    request.headers_mut().insert("x-mock-fault", fault.parse().unwrap());
    engine.handle(now(), &request)
}

fn create(provider: &ProviderFacts) -> &RouteFacts {
    provider.routes.iter().find(|route| route.name == RouteName::Create).unwrap()
}

/// Everything a provider refuses for its rules.
fn rules(id: &str) -> String {
    let provider = seedream_fixtures::provider(id).unwrap();
    // This key is answered by the rules alone, never from an exchange.
    let ask = |body: &Value| ask(provider, create(provider), Some("sk-mock-partial"), "", body);
    let mut table = String::new();
    let default = provider.model(&provider.default_model).unwrap();
    let mut rows = member_rows(provider, default);
    rows.push((
        "another model".into(),
        with(valid(provider, default), name(provider, FieldRole::Model), json!("nobody")),
    ));
    rows.push(("no object".into(), json!([])));
    for model in &provider.models {
        let of_model = model_rows(provider, model).into_iter().chain(order_row(provider, model));
        rows.extend(of_model.map(|(what, body)| (format!("{}: {what}", model.id), body)));
    }
    for (what, body) in rows {
        let script = ask(&body);
        assert_eq!(script.header("x-mock-fixture"), Some("-"), "{what}: answered by a rule");
        let rule = script.header("x-mock-violation").unwrap_or("passes");
        let name = |rule: &str| rule.splitn(3, ": ").take(2).collect::<Vec<_>>().join(" ");
        let rules: Vec<String> = rule.split("; ").map(name).collect();
        let sure = script.header("x-mock-evidence").unwrap();
        let _ = writeln!(table, "{what} ({}) {sure}\n  {}", rules.join(", "), response(&script, &[]));
    }
    table
}

/// Everything a provider refuses for other reasons, route by route.
fn refusals(id: &str) -> String {
    let provider = seedream_fixtures::provider(id).unwrap();
    let body = valid(provider, provider.model(&provider.default_model).unwrap());
    let mut table = String::new();
    for route in &provider.routes {
        let headers = &provider.request_id_headers;
        let _ = writeln!(table, "{} {}", route.method, route.path);
        let stranger = ask(provider, route, None, "", &body);
        if stranger.status == 401 {
            let _ = writeln!(table, "  without a key\n    {}", response(&stranger, headers));
        }
        for refusal in RefusalCause::ALL {
            let script = ask(provider, route, Some("sk-test"), &format!("refuse={refusal}"), &body);
            let _ = writeln!(table, "  {refusal}\n    {}", response(&script, headers));
        }
        if route.name == RouteName::Task {
            let _ = writeln!(
                table,
                "  an unknown task\n    {}",
                response(&ask(provider, route, Some("k"), "", &body), headers)
            );
            let odd = RouteFacts { path: route.path.replace("{id}", "other"), ..route.clone() };
            let _ =
                writeln!(table, "  another id\n    {}", response(&ask(provider, &odd, Some("k"), "", &body), headers));
        }
    }
    table
}

macro_rules! dialects {
    ($($id:ident: $rules:ident, $refusals:ident;)+) => {$(
        #[test]
        fn $rules() {
            insta::assert_snapshot!(rules(stringify!($id)));
        }

        #[test]
        fn $refusals() {
            insta::assert_snapshot!(refusals(stringify!($id)));
        }
    )+};
}

dialects! {
    gogogotoken: the_rules_of_gogogotoken, the_refusals_of_gogogotoken;
    aiearth: the_rules_of_aiearth, the_refusals_of_aiearth;
    evolink: the_rules_of_evolink, the_refusals_of_evolink;
    ark: the_rules_of_ark, the_refusals_of_ark;
    opeai: the_rules_of_opeai, the_refusals_of_opeai;
}
