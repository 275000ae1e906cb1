//! The optional fields and the members of `extra`.

use serde_json::Value;

use super::{callback, findings::Findings};
use crate::{Capabilities, Field, FieldRule, ImageRequest, Nearest, Support, WarningKind};

impl Capabilities {
    pub(super) fn check_fields(&self, request: &ImageRequest, findings: &mut Findings<'_>) {
        for field in Field::OPTIONAL {
            let Some(value) = request.optional(field) else { continue };
            match self.field(field) {
                Some(rule) => self.check_field(rule, &value, findings),
                None if is_what_happens_anyway(field, &value) => findings.unsaid(field),
                None => {
                    let message = format!("{} documents no member for it", self.provider);
                    findings.no_member(field, message, &self.members.source);
                }
            }
        }
    }

    fn check_field(&self, rule: &FieldRule, value: &Value, findings: &mut Findings<'_>) {
        let (field, source) = (rule.field, &rule.source);
        if value.is_null() {
            findings.violation(field, "is not a finite number", None, source);
            return;
        }
        if rule.unsaid.as_ref() == Some(value) {
            findings.unsaid(field);
            return;
        }
        match rule.support {
            Support::Honoured => {}
            Support::Ignored => {
                let message = format!(
                    "{} ignores {field}: it is sent and has no effect {}",
                    self.model,
                    self.seller.cites(source)
                );
                findings.warn(WarningKind::Ignored, field, message);
            }
            Support::Refused if is_what_happens_anyway(field, value) => {
                findings.unsaid(field);
                return;
            }
            Support::Refused => {
                findings.refused(field, format!("{} does not accept it", self.model), None, source);
                return;
            }
        }
        if let Some(text) =
            value.as_str().filter(|text| !rule.values.is_empty() && !rule.values.iter().any(|value| value == text))
        {
            let choices = rule.values.iter().map(ToString::to_string).collect();
            findings.violation(
                field,
                format!("{} does not take `{text}`", self.model),
                Nearest::OneOf(choices),
                source,
            );
        }
        if let (Some(number), Some((least, most))) = (value.as_f64(), rule.range)
            && !(least..=most).contains(&number)
        {
            let clamped = number.clamp(least, most);
            let nearest = match field {
                Field::Seed => Nearest::Seed(clamped as i64),
                _ => Nearest::GuidanceScale(clamped),
            };
            findings.violation(
                field,
                format!("{number} is outside {least} to {most}"),
                nearest,
                rule.range_source.as_ref().unwrap_or(source),
            );
        }
        if let (Field::CallbackUrl, Some(url)) = (field, value.as_str()) {
            for problem in callback::problems(url) {
                findings.violation(field, problem, None, source);
            }
        }
    }

    pub(super) fn check_extra(&self, request: &ImageRequest, findings: &mut Findings<'_>) {
        for member in request.extra.keys() {
            if self.members.contains(member) {
                let message = format!("`{member}` is written by another field of the request: set that field instead");
                findings.impossible(Field::Extra, message, &self.members.source);
            }
            if member == "stream" && self.field(Field::Stream).is_none() {
                let message = "the response would be an event stream, which this adapter cannot read: remove it";
                findings.impossible(Field::Extra, message, &self.members.source);
            }
            let source = &self.ignored_members.source;
            if self.ignored_members.contains(member) {
                let message = format!(
                    "{} ignores `{member}`: it is sent and has no effect {}",
                    self.provider,
                    self.seller.cites(source)
                );
                findings.warn(WarningKind::Ignored, Field::Extra, message);
            }
        }
        if let Some(precedence) = &self.precedence {
            let overridden = request.extra.contains_key(&*precedence.member) && request.count.is_some();
            if overridden {
                findings.warn(WarningKind::Rewritten, precedence.field, precedence.message.clone());
            }
        }
    }
}

/// Whether a value is the behavior of a dialect without a member for it.
fn is_what_happens_anyway(field: Field, value: &Value) -> bool {
    match field {
        Field::Stream | Field::WebSearch => *value == Value::Bool(false),
        Field::ResponseFormat => value == "url",
        _ => false,
    }
}
