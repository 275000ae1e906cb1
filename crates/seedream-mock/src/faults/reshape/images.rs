//! The images of a response: taken out of a JSON document, written in another form, put back in another place.

use crate::faults::reshape::links;
use crate::faults::reshape::loose_json::{INLINE, LooseJson};
use crate::faults::shape_words::BodyFault;
use crate::image::test_image::TestImage;
use crate::request::context::RequestContext;
use crate::response::inline_encoding::TextEncoding;

/// The members from which images are taken: a list of items, and a list of URLs.
const LISTS: [&str; 2] = ["data", "results"];

const URL: &str = "url";

/// What looks like base64 and cannot be decoded.
const UNDECODABLE: &str = "iVBORw0KGgo*not*base64*";

/// The images of a document.
pub(crate) struct ImageList {
    items: Vec<LooseJson>,
    /// The member that they were taken from.
    member: &'static str,
}

impl ImageList {
    /// Takes the images out of a document, if it has a list of them.
    pub(crate) fn take(document: &mut LooseJson) -> Option<Self> {
        let member = LISTS.into_iter().find(|name| matches!(document.get(name), Some(LooseJson::List(_))))?;
        let Some(LooseJson::List(items)) = document.get_mut(member) else { return None };
        let object = |item: LooseJson| match item {
            LooseJson::Raw(url) => LooseJson::object([(URL, LooseJson::Raw(url))]),
            item => item,
        };
        Some(Self { items: std::mem::take(items).into_iter().map(object).collect(), member })
    }

    /// The same images in the form that the faults name.
    pub(crate) fn reshaped(mut self, context: &RequestContext<'_>, path: &str) -> Self {
        for item in &mut self.items {
            if let Some(image) = image(item) {
                reshape_item(context, path, item, &image);
            }
        }
        if context.fault.shapes(BodyFault::Duplicate)
            && let Some(first) = self.items.first().cloned()
        {
            self.items.insert(0, first);
        }
        self
    }

    /// Makes the first image one that cannot be decoded.
    pub(crate) fn break_first(&mut self) {
        if let Some(first) = self.items.first_mut() {
            *first = LooseJson::object([(INLINE, LooseJson::value(UNDECODABLE))]);
        }
    }

    /// Puts the images back into their document, where these shapes have them.
    pub(crate) fn put(self, shapes: &[BodyFault], mut document: LooseJson) -> LooseJson {
        let Self { items, member } = self;
        let bare = |item: LooseJson| match item {
            LooseJson::Object(members) if members.len() == 1 => {
                members.into_iter().next().map_or(LooseJson::List(Vec::new()), |(_, value)| value)
            }
            item => item,
        };
        let list = |items: Vec<LooseJson>| {
            let strings = shapes.contains(&BodyFault::Strings);
            let items = items.into_iter().map(|item| if strings { candidate(item) } else { item });
            // What came as texts stays that.
            LooseJson::List(if member == LISTS[1] { items.map(bare).collect() } else { items.collect() })
        };
        let place = |shape: &&BodyFault| {
            matches!(
                shape,
                BodyFault::List
                    | BodyFault::Images
                    | BodyFault::Output
                    | BodyFault::Result
                    | BodyFault::DataObject
                    | BodyFault::DataImages
            )
        };
        let (name, value) = match shapes.iter().find(place) {
            Some(BodyFault::List) => return list(items),
            Some(BodyFault::Images) => ("images", list(items)),
            Some(BodyFault::Output) => ("output", list(items)),
            Some(BodyFault::Result) => ("result", LooseJson::object([("images", list(items))])),
            Some(BodyFault::DataObject) => ("data", columns(items)),
            Some(BodyFault::DataImages) => ("data", LooseJson::object([("images", list(items))])),
            _ => (member, list(items)),
        };
        if let LooseJson::Object(members) = &mut document
            && let Some(slot) = members.iter_mut().find(|(known, _)| known == member)
        {
            *slot = (name.to_owned(), value);
        }
        document
    }
}

/// Says in the usage how many images were made.
pub(crate) fn count(document: &mut LooseJson, images: u32) {
    if document.get("usage").is_none() {
        document.set("usage", LooseJson::object([]));
    }
    if let Some(usage) = document.get_mut("usage") {
        usage.set("generated_images", LooseJson::value(&images));
    }
}

/// The image of an item, if it has one.
fn image(item: &LooseJson) -> Option<TestImage> {
    match (item.get(INLINE), item.get(URL)) {
        (Some(LooseJson::Image(_, image, _)), _) => Some(image.clone()),
        (_, Some(url)) => links::image(&url.text()?),
        _ => None,
    }
}

/// The value of an item that is its image.
fn candidate(item: LooseJson) -> LooseJson {
    match item {
        LooseJson::Object(members) => {
            members.into_iter().next().map_or_else(|| LooseJson::value(""), |(_, value)| value)
        }
        item => item,
    }
}

/// A list a member, as a table by columns.
fn columns(items: Vec<LooseJson>) -> LooseJson {
    let mut columns: Vec<(String, LooseJson)> = Vec::new();
    for item in items {
        let LooseJson::Object(members) = item else { continue };
        for (name, value) in members {
            match columns.iter_mut().find(|(known, _)| *known == name) {
                Some((_, LooseJson::List(column))) => column.push(value),
                _ => columns.push((name, LooseJson::List(vec![value]))),
            }
        }
    }
    LooseJson::Object(columns)
}

/// Dresses one item that has an image.
fn reshape_item(context: &RequestContext<'_>, path: &str, item: &mut LooseJson, image: &TestImage) {
    let shapes = &context.fault.body;
    let has = |shape| shapes.contains(&shape);
    let encoding = shapes.iter().rev().find_map(|shape| written(*shape));
    let doubled = has(BodyFault::DoubledUri);
    let uri = shapes.iter().copied().find(|shape| {
        use BodyFault::{BareBase64, DataUri, DataUriPercent, DataUriUpper};
        matches!(shape, DataUri | DataUriUpper | DataUriPercent | BareBase64)
    });
    let link = || item.get(URL).and_then(LooseJson::text).unwrap_or_else(|| context.url(image));
    let image_of = |head: String| LooseJson::Image(head, image.clone(), encoding.unwrap_or(TextEncoding::Standard));
    let media_type = image.format.media_type();
    let own = format!("data:{media_type};base64,");
    let head = match (doubled, has(BodyFault::UriInB64)) {
        (true, _) => format!("{own}{own}"),
        (false, true) => own,
        (false, false) => String::new(),
    };

    let mut members = if let Some(uri) = uri {
        vec![(URL, inline_uri(uri, image, encoding, doubled))]
    } else if has(BodyFault::BlankCandidate) {
        vec![(URL, LooseJson::value(" ")), (INLINE, image_of(head))]
    } else if has(BodyFault::BadCandidate) {
        let bad = format!("data:{media_type};base64,{UNDECODABLE}");
        vec![(URL, LooseJson::value(&bad)), (INLINE, image_of(head))]
    } else if encoding.is_some() || !head.is_empty() || has(BodyFault::B64) {
        vec![(INLINE, image_of(head))]
    } else if has(BodyFault::LinkInB64) {
        vec![(INLINE, LooseJson::value(&link()))]
    } else if let Some(shape) = shapes.iter().copied().find(|shape| links::is_link(*shape)) {
        vec![(URL, LooseJson::value(&links::shaped(context, path, shape, &link())))]
    } else {
        [URL, INLINE].into_iter().filter_map(|name| Some((name, item.get(name)?.clone()))).collect()
    };

    for (name, value) in &mut members {
        match *name {
            URL if has(BodyFault::UrlList) => *value = LooseJson::List(vec![value.clone()]),
            URL if has(BodyFault::ImageUrl) => *name = "image_url",
            URL if has(BodyFault::ImageUrlObject) => {
                (*name, *value) = ("image_url", LooseJson::object([(URL, value.clone())]));
            }
            INLINE if has(BodyFault::B64) => *name = "b64",
            _ => {}
        }
    }
    for name in [URL, INLINE] {
        item.take(name);
    }
    if let LooseJson::Object(rest) = item {
        rest.splice(0..0, members.into_iter().map(|(name, value)| (name.to_owned(), value)));
    }
}

/// A file as a URI, or as what stands in its place.
fn inline_uri(shape: BodyFault, image: &TestImage, encoding: Option<TextEncoding>, doubled: bool) -> LooseJson {
    let media_type = image.format.media_type();
    let (head, own) = match shape {
        BodyFault::DataUriUpper => {
            let format = image.format.as_str().to_ascii_uppercase();
            (format!("DATA:Image/{format};charset=utf-8;base64,"), TextEncoding::Standard)
        }
        BodyFault::DataUriPercent => (format!("data:{media_type},"), TextEncoding::Percent),
        BodyFault::BareBase64 => (String::new(), TextEncoding::Standard),
        _ => (format!("data:{media_type};base64,"), TextEncoding::Standard),
    };
    let head = if doubled { format!("{head}{head}") } else { head };
    // What is percent-encoded has no alphabet of its own.
    let encoding = if own == TextEncoding::Percent { own } else { encoding.unwrap_or(own) };
    LooseJson::Image(head, image.clone(), encoding)
}

/// How a shape writes base64, if it is about that.
fn written(shape: BodyFault) -> Option<TextEncoding> {
    Some(match shape {
        BodyFault::UrlSafe => TextEncoding::UrlSafe,
        BodyFault::MixedAlphabet => TextEncoding::Mixed,
        BodyFault::Wrapped => TextEncoding::Wrapped,
        BodyFault::Blanks => TextEncoding::Blanks,
        BodyFault::Unpadded => TextEncoding::Unpadded,
        _ => return None,
    })
}
