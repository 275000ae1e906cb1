//! What is almost JSON.

use crate::faults::reshape::loose_json::LooseJson;
use crate::faults::shape_words::BodyFault;

/// How deep a member is nested: more than the 127 that common readers allow.
const DEPTH: usize = 200;

/// Adds to a document what JSON does not allow, beside its first image where it has one.
pub(crate) fn shaped(shapes: &[BodyFault], mut document: LooseJson) -> LooseJson {
    for shape in shapes {
        let members: &[(&str, &str)] = match shape {
            BodyFault::RawNewlines => &[("revised_prompt", "\"a kite\n\tabove the dunes\r\n\"")],
            BodyFault::BadEscapes => &[("note", r#""it\'s a kite \x41 \q""#)],
            BodyFault::Nan => &[("score", "NaN"), ("upscale", "-Infinity")],
            BodyFault::LeadingZeros => &[("seed", "007"), ("weight", "00.50")],
            BodyFault::Deep => {
                let nested = format!("{}1{}", "[".repeat(DEPTH), "]".repeat(DEPTH));
                add(&mut document, "trace", nested);
                continue;
            }
            _ => continue,
        };
        for (name, raw) in members {
            add(&mut document, name, (*raw).to_owned());
        }
    }
    document
}

/// Adds a member to the first object in the lists of a document, else to the document.
fn add(document: &mut LooseJson, name: &str, raw: String) {
    match first_item(document) {
        Some(item) => item.set(name, LooseJson::Raw(raw)),
        None => document.set(name, LooseJson::Raw(raw)),
    }
}

fn first_item(json: &mut LooseJson) -> Option<&mut LooseJson> {
    match json {
        LooseJson::List(items) => items.iter_mut().find(|item| matches!(item, LooseJson::Object(_))),
        LooseJson::Object(members) => members.iter_mut().find_map(|(_, value)| first_item(value)),
        LooseJson::Raw(_) | LooseJson::Image(..) => None,
    }
}
