//! The checks of the prompt, the reference images and the count.

use super::findings::Findings;
use crate::public_hosts::is_public_host;
use crate::{Capabilities, Count, Field, ImageRequest, ImageSource, Nearest, ReferenceRule, TotalRule, WarningKind};

impl Capabilities {
    pub(super) fn check_prompt(&self, request: &ImageRequest, findings: &mut Findings<'_>) {
        let (prompt, source) = (&request.prompt, &self.prompt.source);
        if prompt.trim().is_empty() {
            findings.violation(Field::Prompt, "is empty: describe the image", None, source);
        }
        let chars = prompt.chars().count();
        if let Some(max) = self.prompt.advised_chars.filter(|max| chars > *max) {
            let note = self.prompt.note.as_ref().map(|note| format!(", {note}")).unwrap_or_default();
            let message = format!(
                "the prompt has {chars} characters; at most about {max} are advised{note}: shorten it {}",
                self.seller.cites(source)
            );
            findings.warn(WarningKind::Advice, Field::Prompt, message);
        }
        let chinese = prompt.chars().filter(|c| matches!(c, '\u{4e00}'..='\u{9fff}')).count();
        let words = prompt.split_whitespace().count();
        if self.prompt.advised_length && (chinese > 300 || words > 600) {
            let message = "is longer than the advised 300 Chinese characters or 600 English words: details may be lost";
            findings.warn(
                WarningKind::Advice,
                Field::Prompt,
                format!("the prompt {message} {}", self.seller.cites(source)),
            );
        }
        let several = request.count.is_some_and(|count| count.ceiling() > 1);
        if several && self.images.prompt_decides && !asks_for_several(prompt) {
            let message = "the prompt decides the number of images: state it in the prompt, such as `3 images`";
            findings.warn(
                WarningKind::Advice,
                Field::Count,
                format!("{message} {}", self.seller.cites(&self.images.source)),
            );
        }
    }

    pub(super) fn check_references(&self, request: &ImageRequest, findings: &mut Findings<'_>) {
        let (rule, references) = (&self.references, &request.references);
        if references.is_empty() {
            return;
        }
        let source = &rule.source;
        if !rule.member {
            let message = format!("{} documents no reference images", self.provider);
            findings.no_member(Field::References, message, source);
            return;
        }
        if let Some(max) = rule.max.filter(|max| references.len() > *max as usize) {
            let (count, model) = (references.len(), &self.model);
            let message = match max {
                0 => format!("{model} accepts no reference images: remove them"),
                1 => format!("{count} images, but {model} accepts only one: remove {}", count - 1),
                _ => format!("{count} images, but {model} accepts at most {max}: remove {}", count - max as usize),
            };
            findings.violation(Field::References, message, None, source);
        }
        for (index, reference) in references.iter().enumerate() {
            if let ImageSource::Url(url) = reference
                && url.parse::<http::Uri>().ok().and_then(|uri| uri.host().map(is_public_host)) == Some(false)
            {
                let message =
                    format!("image {index} has a private address, from which {} cannot fetch it", self.provider);
                findings.warn(WarningKind::Advice, Field::References, message);
            }
            if let Some(format) = rule.other_format(reference) {
                let message = format!(
                    "image {index} has the extension .{format}; {} takes {} {}",
                    self.provider,
                    rule.media_types.join(", "),
                    self.seller.cites(source)
                );
                findings.warn(WarningKind::Advice, Field::References, message);
            }
            for problem in rule.problems(reference) {
                findings.violation(Field::References, format!("image {index} {problem}"), None, source);
            }
            if let ImageSource::Inline { bytes, .. } = reference
                && let Some(max) = rule.max_bytes.filter(|max| bytes.len() as u64 > *max)
            {
                let message =
                    format!("image {index} has {} bytes, but at most {max} are allowed: compress it", bytes.len());
                findings.violation(Field::References, message, None, rule.max_bytes_source.as_ref().unwrap_or(source));
            }
        }
    }

    pub(super) fn check_count(&self, request: &ImageRequest, findings: &mut Findings<'_>) {
        let (rule, source) = (&self.images, &self.images.source);
        let Some(count) = request.count else { return };
        let asked = count.ceiling();
        if asked == 0 {
            findings.violation(Field::Count, "is 0: request at least one image", Nearest::Count(Count::One), source);
            return;
        }
        if rule.count_refused {
            if count == Count::One {
                let message = format!("{} makes one image per request: the number is not sent", self.model);
                findings.warn(WarningKind::Rewritten, Field::Count, message);
                findings.unsent.push(Field::Count);
            } else {
                let asked = count.number().map_or_else(|| "a group".to_owned(), |asked| asked.to_string());
                let message = format!("{} makes one image per request, not {asked}", self.model);
                findings.refused(Field::Count, message, Nearest::Count(Count::One), source);
            }
            return;
        }
        let references = u32::try_from(request.references.len()).unwrap_or(u32::MAX);
        if count == Count::Auto {
            if !rule.auto {
                // An omitted count would request one image.
                let message = format!("{} needs a number of images: set a number instead of auto", self.provider);
                findings.impossible(Field::Count, message, &self.members.source);
            }
            return;
        }
        if let Some(max) = rule.max.filter(|max| asked > *max) {
            let message = format!("{asked} images, but {} makes at most {max} per request", self.model);
            findings.violation(Field::Count, message, Nearest::Count(Count::new(max)), source);
            return;
        }
        if let Some(max) = rule.advised_max.filter(|max| asked > *max) {
            let message =
                format!("{asked} images, but at most {max} per request are advised {}", self.seller.cites(source));
            findings.warn(WarningKind::Advice, Field::Count, message);
        }
        let over = |total: &TotalRule| references > 0 && references.saturating_add(asked) > total.limit;
        let Some(total) = rule.with_references.as_ref().filter(|total| over(total)) else {
            return;
        };
        let room = total.limit.saturating_sub(references);
        let message = format!("{references} references and {asked} images are more than {} together", total.limit);
        if total.truncates {
            let message =
                format!("{message}: {} makes at most {room} {}", self.provider, self.seller.cites(&total.source));
            findings.warn(WarningKind::Truncated, Field::Count, message);
        } else {
            let nearest = (room > 0).then(|| Nearest::Count(Count::new(room)));
            findings.violation(Field::Count, message, nearest, &total.source);
        }
    }

    /// The most images that can be billed.
    pub(super) fn ceiling(&self, request: &ImageRequest) -> u32 {
        let asked = request.count.map_or(1, Count::ceiling);
        let references = u32::try_from(request.references.len()).unwrap_or(u32::MAX);
        match &self.images.with_references {
            Some(total) if total.truncates || request.count == Some(Count::Auto) => {
                asked.min(total.limit.saturating_sub(references)).max(1)
            }
            _ => asked.max(1),
        }
    }
}

impl ReferenceRule {
    /// The file extension of a URL, if it belongs to an unsupported format. The actual format may differ.
    fn other_format(&self, reference: &ImageSource) -> Option<&'static str> {
        const ENDINGS: [(&str, &str); 19] = [
            ("jpg", "jpeg"),
            ("jpeg", "jpeg"),
            ("jfif", "jpeg"),
            ("png", "png"),
            ("webp", "webp"),
            ("bmp", "bmp"),
            ("tif", "tiff"),
            ("tiff", "tiff"),
            ("gif", "gif"),
            ("heic", "heic"),
            ("heif", "heif"),
            ("avif", "avif"),
            ("jxl", "jxl"),
            ("jp2", "jp2"),
            ("svg", "svg+xml"),
            ("ico", "x-icon"),
            ("psd", "vnd.adobe.photoshop"),
            ("pdf", "pdf"),
            ("mp4", "mp4"),
        ];
        let ImageSource::Url(url) = reference else { return None };
        let uri = url.parse::<http::Uri>().ok()?;
        let (_, ending) = uri.path().rsplit('/').next()?.rsplit_once('.')?;
        let (name, format) = ENDINGS.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(ending))?;
        let taken = |media: &String| media.strip_prefix("image/").is_some_and(|taken| taken == format || taken == name);
        (!self.media_types.is_empty() && !self.media_types.iter().any(taken)).then_some(name)
    }

    /// The problems of one reference, from its header only.
    fn problems(&self, reference: &ImageSource) -> Vec<String> {
        let ImageSource::Inline { media_type, .. } = reference else {
            let ImageSource::Url(url) = reference else { return Vec::new() };
            let uri = url.parse::<http::Uri>().ok();
            let scheme = |uri: &http::Uri| {
                uri.scheme_str().is_some_and(|s| s.eq_ignore_ascii_case("http") || s.eq_ignore_ascii_case("https"))
            };
            let fetchable = uri.is_some_and(|uri| scheme(&uri) && uri.host().is_some_and(|host| !host.is_empty()));
            return if fetchable { Vec::new() } else { vec!["is not an http or https URL with a host".into()] };
        };
        let mut problems = Vec::new();
        if !self.inline {
            problems.push("is inline, but only URLs are supported: upload it and pass its URL".into());
        }
        if !self.media_types.is_empty() && !self.media_types.contains(media_type) {
            problems.push(format!("is {media_type}; use {}", self.media_types.join(", ")));
        }
        if self.inline && reference.pixels().is_none() {
            problems.push(
                "has no readable image header, so its width and height are unknown: use a whole PNG, JPEG, WebP, GIF, BMP, TIFF, HEIC or AVIF image".into(),
            );
        }
        if let Some(size) = reference.pixels() {
            if let Some(above) = self.side_above.filter(|above| size.width().min(size.height()) <= *above) {
                problems.push(format!("is {size}: both sides must be longer than {above} pixels"));
            }
            if let Some(rule) = self.pixels.filter(|rule| !rule.allows(size)) {
                let max = rule.max.map(|max| format!(" to {max}")).unwrap_or_default();
                let shape =
                    rule.max_aspect.map(|max| format!(" and aspect ratios 1:{max} to {max}:1")).unwrap_or_default();
                problems.push(format!("is {size}: use {}{max} pixels{shape}", rule.min));
            }
        }
        problems
    }
}

/// Whether a prompt seems to request several images: a number before a word for images, or a word for a group.
fn asks_for_several(prompt: &str) -> bool {
    const NUMBERS: [&str; 11] =
        ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
    const GROUPS: [&str; 10] =
        ["several", "series", "set", "group", "pair", "various", "variations", "sequence", "storyboard", "each"];
    // The counted noun is within two words after the number: "three views", "8 film posters".
    const IMAGE_WORDS: [&str; 22] = [
        "images",
        "image",
        "pictures",
        "pics",
        "photos",
        "photographs",
        "posters",
        "views",
        "panels",
        "versions",
        "variants",
        "illustrations",
        "drawings",
        "paintings",
        "portraits",
        "shots",
        "scenes",
        "frames",
        "stickers",
        "icons",
        "cards",
        "renders",
    ];
    let lower = prompt.to_lowercase();
    let words: Vec<_> = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let number = |word: &str| NUMBERS.contains(&word) || word.parse::<u32>().is_ok_and(|n| n > 1);
    let counted = |at: usize| words[at + 1..].iter().take(3).any(|word| IMAGE_WORDS.contains(word));
    let chinese = || {
        let chars: Vec<_> = lower.chars().filter(|c| !c.is_whitespace()).collect();
        let digit = |c: char| c.is_ascii_digit() || "两二三四五六七八九十几多组系列套".contains(c);
        let measure = |c: char| "张幅组套个种款页".contains(c);
        chars.windows(2).any(|pair| digit(pair[0]) && measure(pair[1]))
            || ["系列", "一组", "一套", "分别"].iter().any(|word| lower.contains(word))
    };
    words.iter().any(|word| GROUPS.contains(word))
        || words.iter().enumerate().any(|(at, word)| number(word) && counted(at))
        || chinese()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_counts_where_it_counts_images() {
        for prompt in [
            "three views of a lighthouse",
            "three tall red views",
            "3 images of a kite",
            "eight film posters",
            "a series of portraits",
            "one lighthouse each at dawn and noon",
            "生成3张图片",
            "画两幅灯塔",
            "一组海报",
        ] {
            assert!(asks_for_several(prompt), "{prompt}");
        }
        for prompt in ["a cat, 8k", "a street in 1950", "4 kites", "1 image of a kite", "a lighthouse", "灯塔", ""] {
            assert!(!asks_for_several(prompt), "{prompt}");
        }
    }
}
