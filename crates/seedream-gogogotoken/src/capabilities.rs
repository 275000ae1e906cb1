//! The rules of document 000, section "request body".

use seedream_core::{
    Capabilities, Descriptor, Field, FieldRule, ImagesRule, Limits, ModelId, PixelRule, ReferenceRule, SizeRule,
    Source, Standing,
};

use crate::body::MEMBERS;

pub(crate) fn of(descriptor: &'static Descriptor, model: &ModelId) -> Capabilities {
    let resolution = descriptor.resolve(model);
    let size = match &resolution.standing {
        // The least area is the document's; the largest and the shapes are those of the models behind it.
        Standing::Sold(Some(_)) => {
            let rule = PixelRule::new(3_686_400, 16_777_216, 16);
            SizeRule::only_pixels(rule, "2048x2048", Source::documented("000", "size"))
        }
        _ => {
            let mut unknown = Limits::unknown().size;
            unknown.tiers.clear();
            unknown
        }
    };
    let members = (MEMBERS, Source::documented("000", "request body"));
    let mut rules = Capabilities::new(descriptor.id, resolution, size, members);
    rules.references = ReferenceRule::absent(Source::documented("000", "request body"));
    rules.images = ImagesRule::up_to(None, Source::documented("000", "n"));
    // The document states no largest `n`; 15 is what the models behind it make.
    rules.images.advised_max = Some(15);
    // It also does not say that the prompt decides: it bills what is delivered.
    rules.images.prompt_decides = false;
    rules.fields = vec![
        FieldRule::honoured(Field::Delivery, Source::documented("000", "response_format"))
            .one_of(&["url", "inline"])
            .default("url"),
    ];
    rules
}
