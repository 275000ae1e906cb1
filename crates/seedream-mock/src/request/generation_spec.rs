//! What a request asks for, read from its effective body. Reading never fails: the rules are checked before.

use std::borrow::Cow;

use seedream_fixtures::{CountingMode, FieldRole, LayerFacts, LossFacts, ModelFacts, ProviderFacts};
use serde_json::Value;

use crate::faults::prompt_directive;
use crate::hash;
use crate::image::test_image::{ImageFormat, TestImage};
use crate::request::amount::Amount;
use crate::request::fields::RequestFields;
use crate::request::sizes::Dimensions;
use crate::request::{prompt_count, sizes};

/// What `n` of them may be at most, whatever is asked: the providers' own ceiling for references and images.
const MOST: u32 = 15;

/// What a request asks for.
#[derive(Debug, Clone)]
pub(crate) struct GenerationSpec<'p> {
    pub(crate) provider: &'p ProviderFacts,
    /// The model's limits, if the model is known.
    pub(crate) model: Option<&'p ModelFacts>,
    /// The model as the response names it.
    pub(crate) reported: &'p str,
    pub(crate) prompt: Cow<'p, str>,
    /// How many references.
    pub(crate) references: u32,
    pub(crate) size: Dimensions,
    /// How many images will be made.
    pub(crate) image_count: u32,
    /// How many images were reserved.
    pub(crate) reserved: u32,
    pub(crate) inline: bool,
    pub(crate) format: ImageFormat,
    pub(crate) mark: bool,
    pub(crate) stream: bool,
    /// The layers that follow the base, where an image is taken apart.
    pub(crate) layers: Option<&'p [LayerFacts]>,
    /// The tools, where web search is among them.
    pub(crate) tools: Option<&'p Value>,
    /// What the relay misstates in the response.
    pub(crate) losses: Option<&'p LossFacts>,
    seed: Option<i64>,
    /// Its number among equal requests, from 1.
    repeat: u32,
}

impl<'p> GenerationSpec<'p> {
    /// `body` is what the caller sent, `effective` what the gateway makes of it.
    pub(crate) fn read(body: &RequestFields<'p>, effective: &RequestFields<'p>) -> Self {
        let provider = body.provider;
        let (member, text) = (|role| effective.get(role), |role| effective.text(role));
        let default = |role| provider.field(role).and_then(|field| field.default.as_ref());

        // The client's spelling finds the model: a rewrite may have replaced it by a name that clients may not send.
        let name = body.text(FieldRole::Model).unwrap_or_default();
        let model = provider.model(name);
        let prompt = prompt_directive::without(text(FieldRole::Prompt).unwrap_or_default());
        let references = u32::try_from(effective.references().len()).unwrap_or(u32::MAX);
        let (images, reserved) = count(model, effective, &prompt, references);
        let layers = layers(provider, model, effective);
        // The base comes first.
        let images = layers.map_or(images, |layers| u32::try_from(layers.len() + 1).unwrap_or(u32::MAX));
        // Only this format can be transparent (Ark's API reference).
        let clear = (text(FieldRole::Background) == Some("transparent")).then_some("png");
        let format = text(FieldRole::Format).or(clear).or(model.map(|model| model.default_format.as_str()));
        let mark = member(FieldRole::Watermark).or(default(FieldRole::Watermark)).and_then(Value::as_bool);
        Self {
            provider,
            model,
            reported: model.and_then(|model| model.upstream.as_deref()).unwrap_or(name),
            size: sizes::lenient(provider, model, text(FieldRole::Size), text(FieldRole::Quality)),
            prompt,
            references,
            image_count: images,
            reserved,
            inline: text(FieldRole::ResponseFormat) == Some("b64_json"),
            format: format.and_then(ImageFormat::from_word).unwrap_or(ImageFormat::Jpeg),
            mark: mark.unwrap_or_else(|| model.is_some_and(|model| model.default_watermark)),
            stream: member(FieldRole::Stream).and_then(Value::as_bool).unwrap_or(false),
            layers,
            tools: member(FieldRole::Tools).filter(|tools| searches(tools)),
            losses: None,
            seed: member(FieldRole::Seed).and_then(Value::as_i64).filter(|seed| *seed >= 0),
            repeat: 1,
        }
    }

    /// The same for the n-th of equal requests, whose images are its own.
    pub(crate) fn repeated(self, repeat: u32) -> Self {
        Self { repeat, ..self }
    }

    /// The same behind a relay that misstates the response.
    pub(crate) fn behind(self, losses: Option<&'p LossFacts>) -> Self {
        Self { losses, ..self }
    }

    /// A number of `usage` as the response has it.
    pub(crate) fn amount(&self, value: impl Into<u64>) -> Amount {
        Amount { value: value.into(), as_text: self.losses.is_some_and(|losses| losses.usage_as_text) }
    }

    /// The size of an image as the response states it.
    pub(crate) fn stated_size(&self, image: &TestImage) -> Dimensions {
        let divisor = self.losses.map_or(1, |losses| losses.sizes_divided_by.get());
        (image.width / divisor, image.height / divisor)
    }

    /// The image at a place of the group, for a mock of this seed.
    pub(crate) fn image(&self, mock_seed: u64, index: u32) -> TestImage {
        let seed = self.seed.unwrap_or(-1).to_be_bytes();
        let (mock_seed, repeat) = (mock_seed.to_be_bytes(), self.repeat.to_be_bytes());
        let parts = [&mock_seed[..], self.provider.id.as_bytes(), &seed, self.prompt.as_bytes(), &repeat];
        // The first of equal requests has the images of a single one.
        let parts = if self.repeat > 1 { &parts[..] } else { &parts[..4] };
        let ((width, height), format) = match self.layer(index) {
            // A layer is as large as its box, and always a PNG.
            Some(layer) => {
                let [left, upper, right, lower] = layer.pixels(self.size.0, self.size.1);
                ((right - left + 1, lower - upper + 1), ImageFormat::Png)
            }
            None => (self.size, self.format),
        };
        TestImage {
            provider: self.provider.id.clone(),
            key: hash::number(parts),
            index,
            width,
            height,
            format,
            mark: self.mark,
            caption: TestImage::caption_of(&self.prompt),
        }
    }

    /// The layer at a place, where an image is decomposed; the base is not a layer.
    pub(crate) fn layer(&self, index: u32) -> Option<&'p LayerFacts> {
        self.layers?.get((index as usize).checked_sub(1)?)
    }

    /// Every image of the group.
    pub(crate) fn images(&self, mock_seed: u64) -> Vec<TestImage> {
        (0..self.image_count).map(|index| self.image(mock_seed, index)).collect()
    }
}

/// The layers that a request gets: those of the provider, as many as its model makes.
fn layers<'p>(
    provider: &'p ProviderFacts,
    model: Option<&ModelFacts>,
    body: &RequestFields<'_>,
) -> Option<&'p [LayerFacts]> {
    let most = model?.layers? as usize;
    let each = &provider.layers.as_ref()?.each;
    (body.get(FieldRole::Layers) == Some(&Value::Bool(true))).then(|| &each[..most.min(each.len())])
}

/// Whether web search is among the tools of a request.
fn searches(tools: &Value) -> bool {
    tools.as_array().is_some_and(|tools| tools.iter().any(|tool| tool["type"] == "web_search"))
}

/// How many images are made and how many were reserved.
fn count(model: Option<&ModelFacts>, body: &RequestFields<'_>, prompt: &str, references: u32) -> (u32, u32) {
    let number = |role| {
        let (field, value) = body.field(role)?;
        let value = value.or(field.default.as_ref())?;
        value.as_u64().and_then(|count| u32::try_from(count).ok())
    };
    let grouped = body.field(FieldRole::Group).is_some();
    let reserved = if grouped {
        if body.is_group() { number(FieldRole::GroupMax).unwrap_or(MOST) } else { 1 }
    } else {
        number(FieldRole::Count).unwrap_or(1)
    };
    let reserved = reserved.clamp(1, MOST);
    let room = model
        .and_then(|model| model.references_plus_images.as_ref())
        .map_or(MOST, |total| total.limit.saturating_sub(references).max(1));
    let of_model = model.map_or(MOST, |model| model.max_images);
    let ceiling = reserved.min(room).min(of_model);
    match body.provider.counting {
        // Nearly every request is for one image, and its prompt need not be read.
        CountingMode::Prompt if ceiling > 1 => (prompt_count::asked(prompt).min(ceiling), reserved),
        CountingMode::Prompt | CountingMode::Asked => (ceiling, reserved),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::gateway_rewrite;
    use serde_json::json;

    fn images(provider: &str, body: Value) -> u32 {
        let provider = seedream_fixtures::provider(provider).unwrap();
        let Value::Object(body) = body else { panic!("object") };
        let effective = gateway_rewrite::effective(provider, &body);
        GenerationSpec::read(&RequestFields::of(provider, &body), &RequestFields::of(provider, &effective)).image_count
    }

    fn references(count: usize) -> Vec<String> {
        (0..count).map(|n| format!("https://example.com/{n}.png")).collect()
    }

    #[test]
    fn groups_are_capped() {
        let ark = |members: Value| {
            let mut body = json!({ "model": "doubao-seedream-4-0-250828", "prompt": "8 posters" });
            body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
            images("ark", body)
        };
        let auto = "auto";
        assert_eq!(ark(json!({})), 1);
        assert_eq!(ark(json!({ "sequential_image_generation": "disabled" })), 1);
        assert_eq!(ark(json!({ "sequential_image_generation": auto })), 8);
        let max = json!({ "max_images": 3 });
        assert_eq!(ark(json!({ "sequential_image_generation": auto, "sequential_image_generation_options": max })), 3);
        assert_eq!(ark(json!({ "sequential_image_generation": auto, "image": references(10) })), 5);
    }

    #[test]
    fn counts_are_ceilings_or_orders() {
        let task = |n: u32, refs: usize| {
            let body = json!({ "model": "doubao-seedream-4.5", "prompt": "8 posters", "n": n, "image_urls": references(refs) });
            images("evolink", body)
        };
        assert_eq!(task(15, 0), 8);
        assert_eq!(task(3, 0), 3);
        assert_eq!(task(15, 10), 5, "references and pictures are 15 at most");
        let ordered = json!({ "model": "doubao-seedream-4-5", "prompt": "a cat", "n": 2 });
        assert_eq!(images("gogogotoken", ordered), 2);
    }

    #[test]
    fn an_explicit_member_beats_n() {
        let body = json!({ "model": "doubao-seedream-4.5", "prompt": "8 posters", "n": 8 });
        assert_eq!(images("opeai", body.clone()), 8);
        let mut explicit = body;
        explicit["sequential_image_generation"] = json!("disabled");
        assert_eq!(images("opeai", explicit), 1);
    }
}
