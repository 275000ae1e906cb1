//! From the words of a request to pixels, by a model's rule.

use seedream_fixtures::{ModelFacts, PixelBounds, ProviderFacts, SizeFacts};

/// Width and height in pixels.
pub(crate) type Dimensions = (u32, u32);

/// The longest side the mock draws, whatever is asked.
const LONGEST: u32 = 16_384;

/// What a request gets when nothing else is known.
const ORDINARY: Dimensions = (2048, 2048);

/// The rule that a size breaks, in the words of the provider's error.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SizeViolation {
    pub(crate) rule: &'static str,
    pub(crate) detail: String,
    /// Whether an upstream was seen to put it like this.
    pub(crate) recorded: bool,
}

/// Reads `WIDTHxHEIGHT`.
pub(crate) fn pixels(text: &str) -> Option<Dimensions> {
    let (width, height) = text.split_once(['x', 'X'])?;
    let side = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    match (side(width)?, side(height)?) {
        (0, _) | (_, 0) => None,
        found => Some(found),
    }
}

/// The pixels a request gets, or why its size is refused; a route may have a higher floor than the model.
pub(crate) fn resolve(
    provider: &ProviderFacts,
    model: &ModelFacts,
    size: Option<&str>,
    quality: Option<&str>,
    min_pixels: Option<u64>,
) -> Result<Dimensions, SizeViolation> {
    let rule = &model.size;
    let Some(size) = size else { return Ok(unsaid(provider, rule)) };
    if let Some((width, height)) = pixels(size) {
        return match rule.pixels {
            Some(bounds) => check(bounds, min_pixels, width, height).map(|()| (width, height)),
            None => Err(form(rule)),
        };
    }
    if rule.tiers.iter().any(|tier| tier.eq_ignore_ascii_case(size)) {
        return Ok(tier(provider, rule, size, "1:1"));
    }
    let quality = quality.or(rule.qualities.first().map(String::as_str)).unwrap_or("2K");
    if rule.ratios.iter().any(|ratio| ratio == size) {
        return Ok(tier(provider, rule, quality, size));
    }
    if rule.auto && size == "auto" {
        return Ok(tier(provider, rule, quality, "1:1"));
    }
    Err(form(rule))
}

/// The pixels of a request whose size is not checked.
pub(crate) fn lenient(
    provider: &ProviderFacts,
    model: Option<&ModelFacts>,
    size: Option<&str>,
    quality: Option<&str>,
) -> Dimensions {
    let known = model.and_then(|model| resolve(provider, model, size, quality, None).ok());
    let (width, height) = known
        .or_else(|| size.and_then(pixels))
        .or_else(|| size.map(|size| (square_side(size), square_side(size))))
        .unwrap_or_else(|| model.map_or(ORDINARY, |model| unsaid(provider, &model.size)));
    (width.min(LONGEST), height.min(LONGEST))
}

/// What a request without a size gets.
fn unsaid(provider: &ProviderFacts, rule: &SizeFacts) -> Dimensions {
    let named = rule.default.as_deref().filter(|name| rule.tiers.iter().any(|tier| tier == name));
    match named {
        Some(name) => tier(provider, rule, name, "1:1"),
        None => pixels(&rule.default_pixels).unwrap_or(ORDINARY),
    }
}

fn check(bounds: PixelBounds, min_pixels: Option<u64>, width: u32, height: u32) -> Result<(), SizeViolation> {
    let area = u64::from(width) * u64::from(height);
    // The sentence was seen with the floors of models.
    if let (Some(floor), Some(min)) = (min_pixels, bounds.min)
        && floor > min
        && area < floor
    {
        return Err(fault("pixels_min", format!("image size must be at least {floor} pixels.")));
    }
    if let Some(min) = bounds.min.filter(|min| area < *min) {
        return Err(recorded("pixels_min", format!("image size must be at least {min} pixels.")));
    }
    if let Some(max) = bounds.max.filter(|max| area > *max) {
        return Err(fault("pixels_max", format!("image area must be at most {max} pixels.")));
    }
    if let Some(side) = bounds.side
        && ![width, height].iter().all(|length| (side.min..=side.max).contains(length))
    {
        return Err(fault("side", format!("width and height must each be between {} and {}.", side.min, side.max)));
    }
    match bounds.aspect.filter(|aspect| !aspect.allows(width, height)) {
        Some(aspect) => {
            let (min, max) = (1.0 / aspect.min, aspect.max);
            Err(fault("aspect", format!("image aspect ratio must be between 1/{min} and {max}.")))
        }
        None => Ok(()),
    }
}

fn fault(rule: &'static str, detail: String) -> SizeViolation {
    SizeViolation { rule, detail, recorded: false }
}

fn recorded(rule: &'static str, detail: String) -> SizeViolation {
    SizeViolation { rule, detail, recorded: true }
}

/// Ark's sentence for a size of another form, which was seen with three forms and more.
fn form(rule: &SizeFacts) -> SizeViolation {
    let mut forms: Vec<String> = rule.pixels.iter().map(|_| String::from("'WIDTHxHEIGHT'")).collect();
    let words = rule.tiers.iter().map(|tier| tier.to_lowercase()).chain(rule.ratios.iter().cloned());
    forms.extend(words.map(|word| format!("'{word}'")));
    match forms.split_last() {
        Some((last, [])) => fault("form", format!("size must be {last}.")),
        Some((last, [other])) => fault("form", format!("size must be one of {other} or {last}.")),
        Some((last, others)) => recorded("form", format!("size must be one of {}, or {last}.", others.join(", "))),
        None => fault("form", String::from("size is not supported.")),
    }
}

/// The table's pixels, or for a ratio without a row what has the tier's area.
fn tier(provider: &ProviderFacts, rule: &SizeFacts, tier: &str, ratio: &str) -> Dimensions {
    let table = rule.table.as_ref().and_then(|name| provider.size_tables.get(name));
    let printed = table.and_then(|table| table.pixels(tier, ratio)).and_then(pixels);
    printed.unwrap_or_else(|| computed(square_side(tier), ratio))
}

/// The side of a tier's square: `1.5K` has 1536 pixels.
fn square_side(tier: &str) -> u32 {
    let thousands: f64 = tier.trim_end_matches(['K', 'k']).parse().unwrap_or(2.0);
    (thousands.clamp(0.25, 8.0) * 1024.0) as u32
}

/// Sides of the wanted ratio and about the square's area, rounded down to what image models work in.
fn computed(side: u32, ratio: &str) -> Dimensions {
    const GRAIN: f64 = 16.0;
    let parts = ratio.split_once(':').and_then(|(w, h)| Some((w.parse::<f64>().ok()?, h.parse::<f64>().ok()?)));
    let (w, h) = parts.filter(|(w, h)| *w > 0.0 && *h > 0.0).unwrap_or((1.0, 1.0));
    let grained = |length: f64| ((length / GRAIN).round().max(1.0) * GRAIN) as u32;
    let root = (w / h).sqrt();
    (grained(f64::from(side) * root), grained(f64::from(side) / root))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(provider: &str, model: &str, size: &str, quality: Option<&str>) -> Result<Dimensions, String> {
        let provider = seedream_fixtures::provider(provider).unwrap();
        let model = provider.model(model).unwrap();
        resolve(provider, model, Some(size), quality, None).map_err(|fault| fault.detail)
    }

    #[test]
    fn levels_ratios_and_pixels() {
        let lite = |size| find("ark", "doubao-seedream-5-0-260128", size, None);
        assert_eq!(lite("2k"), Ok((2048, 2048)));
        assert_eq!(lite("2720x1536"), Ok((2720, 1536)));
        let sentence = "size must be one of 'WIDTHxHEIGHT', '2k', '3k', or '4k'.";
        assert_eq!(lite("1K"), Err(sentence.to_owned()));
        assert_eq!(lite("1152x2048"), Err("image size must be at least 3686400 pixels.".into()));
        assert_eq!(lite("16384x240"), Err("image aspect ratio must be between 1/16 and 16.".into()));
        let task = |size, quality| find("evolink", "doubao-seedream-4.5", size, quality);
        assert_eq!(task("16:9", Some("2K")), Ok((2848, 1600)));
        assert_eq!(task("16:9", Some("4K")), Ok((5504, 3040)));
        assert_eq!(task("4:5", None), Ok((1824, 2288)));
        assert_eq!(task("auto", None), Ok((2048, 2048)));
    }

    #[test]
    fn what_is_not_checked_still_has_a_size() {
        let provider = seedream_fixtures::provider("ark").unwrap();
        assert_eq!(lenient(provider, None, Some("8x9"), None), (8, 9));
        assert_eq!(lenient(provider, None, Some("3K"), None), (3072, 3072));
        assert_eq!(lenient(provider, None, Some("99999x99999"), None), (LONGEST, LONGEST));
        assert_eq!(lenient(provider, None, None, None), ORDINARY);
    }
}
