//! The members `background` and `layer_decomposition` of `extra`.

use serde_json::Value;

use super::findings::Findings;
use crate::{BackgroundRule, Capabilities, Count, Field, ImageRequest, LayersRule, Nearest, OutputFormat, WarningKind};

impl ImageRequest {
    /// Whether an image is to be decomposed. Only `false` and `null` certainly mean no.
    fn takes_apart(&self) -> bool {
        self.extra.get(LayersRule::MEMBER).is_some_and(|value| !matches!(value, Value::Null | Value::Bool(false)))
    }
}

impl Capabilities {
    pub(super) fn check_background(&self, request: &ImageRequest, findings: &mut Findings<'_>) {
        let Some(rule) = &self.background else { return };
        let member = BackgroundRule::MEMBER;
        let Some(value) = request.extra.get(member).filter(|value| !value.is_null()) else { return };
        let mut violation = |message: String, nearest: Option<Nearest>| {
            findings.violation(Field::Extra, message, nearest, &rule.source);
        };
        if rule.values.is_empty() {
            violation(format!("{} refuses `{member}`: remove it", self.model), None);
            return;
        }
        if !value.as_str().is_some_and(|text| rule.values.iter().any(|value| value == text)) {
            let choices = rule.values.iter().map(ToString::to_string).collect();
            let message = format!("{} does not take `{member}` {value}", self.model);
            violation(message, Some(Nearest::OneOf(choices)));
        }
        if value == "transparent" && request.format == Some(OutputFormat::Jpeg) {
            violation(format!("`{member}` transparent is refused with jpeg, which has no transparency: use png"), None);
        }
        if request.takes_apart() {
            let message = format!("`{member}` is refused together with `{}`: remove one of them", LayersRule::MEMBER);
            violation(message, None);
        }
    }

    pub(super) fn check_layers(&self, request: &ImageRequest, findings: &mut Findings<'_>) {
        if !request.takes_apart() {
            return;
        }
        let member = LayersRule::MEMBER;
        let Some(rule) = &self.layers else {
            let message = format!(
                "`{member}` may bill every layer: the maximum of {} is unknown, so the cost is not bounded; {} images are \
                 counted, the most of any known model",
                self.model,
                LayersRule::MOST_IMAGES
            );
            findings.warn(WarningKind::Cost, Field::Extra, message);
            return;
        };
        if rule.most == 0 {
            let message = format!("{} does not decompose images: remove `{member}`", self.model);
            findings.violation(Field::Extra, message, None, &rule.source);
            return;
        }
        if request.references.len() != 1 {
            let message = format!("`{member}` needs exactly one reference, not {}", request.references.len());
            findings.violation(Field::References, message, None, &rule.source);
        }
        let bound = if rule.open {
            ": no member that lowers this is known, so the cost is not bounded by the request"
        } else {
            ""
        };
        let message = format!(
            "`{member}` bills every layer and the base, up to {} images{bound} {}",
            rule.images(),
            self.seller.cites(&rule.source)
        );
        findings.warn(WarningKind::Cost, Field::Extra, message);
    }

    /// Warns about members of `extra` that may request more images than the count.
    pub(super) fn check_asked_by_extra(&self, request: &ImageRequest, findings: &mut Findings<'_>) {
        let (Some((member, most)), None) = (self.asked_by_extra(request), &self.precedence) else { return };
        let message = format!("`{member}` may request several images: the maximum of {most} is counted");
        findings.warn(WarningKind::Cost, Field::Extra, message);
    }

    /// The member of `extra` that may request several images, and how many; `None` if there is no such member.
    pub(super) fn asked_by_extra<'a>(&self, request: &'a ImageRequest) -> Option<(&'a str, u32)> {
        const COUNTS: [&str; 6] = ["n", "num_images", "image_count", "batch_size", "max_images", "count"];
        let number = |value: &Value| value.as_u64().map(|number| u32::try_from(number).unwrap_or(u32::MAX));
        let group = || {
            let options = request.extra.get("sequential_image_generation_options");
            options.and_then(|options| options.get("max_images")).and_then(number).unwrap_or(Count::MOST)
        };
        let asked = |(name, value): (&'a String, &Value)| match name.as_str() {
            "sequential_image_generation" if *value != "disabled" && !value.is_null() => Some((name.as_str(), group())),
            name if COUNTS.contains(&name) => number(value).map(|number| (name, number)),
            _ => None,
        };
        request.extra.iter().filter_map(asked).filter(|(_, most)| *most > 1).max_by_key(|(_, most)| *most)
    }

    /// The most images of a request for layers; 0 for any other request.
    pub(super) fn layered(&self, request: &ImageRequest) -> u32 {
        match &self.layers {
            _ if !request.takes_apart() => 0,
            Some(rule) => rule.images(),
            None => LayersRule::MOST_IMAGES,
        }
    }
}
