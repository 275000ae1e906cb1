//! The rules of document 000, section "request body".

use seedream_core::{
    Capabilities, Descriptor, Field, FieldRule, Limits, ModelId, PixelRule, ReferenceRule, Source, Standing, TABLE,
};

use crate::body::MEMBERS;

pub(crate) fn of(descriptor: &'static Descriptor, model: &ModelId) -> Capabilities {
    let resolution = descriptor.resolve(model);
    let family = resolution.family();
    let size = match &resolution.standing {
        // The least area is the document's; the largest and the shapes are those of the models that it resells.
        Standing::Sold(Some(family)) => {
            let mut own = PixelRule::any();
            own.min = 3_686_400;
            let mut published = Limits::of(*family).size;
            (published.tiers, published.table) = (Vec::new(), TABLE.to_vec());
            published.stated_by(Source::documented("000", "size"), &[], own)
        }
        _ => {
            let mut unknown = Limits::unknown().size;
            unknown.tiers.clear();
            unknown
        }
    };
    let members = (MEMBERS, Source::documented("000", "request body"));
    let mut rules = Capabilities::new(descriptor, resolution, size, members);
    rules.references = ReferenceRule::absent(Source::documented("000", "request body"));
    // The document states no largest `n`; 15 is what the models that it resells make.
    rules.images = match family {
        Some(family) => Limits::of(family).images,
        None => Limits::unknown().images,
    };
    (rules.images.with_references, rules.images.auto) = (None, false);
    // It also does not say that the prompt decides: it bills what is delivered.
    rules.images.prompt_decides = false;
    rules.fields = vec![
        FieldRule::honoured(Field::ResponseFormat, Source::documented("000", "response_format"))
            .one_of(&["url", "b64_json"])
            .default("url"),
    ];
    rules
}
