//! The images of a response, each with where it stands: taken out of a document, dressed otherwise, put back elsewhere.

use super::json::{INLINE, Json};
use super::{Dress, links};
use crate::engine::call::Call;
use crate::fault::BodyFault;
use crate::picture::Picture;

/// The members from which images are taken: a list of items, and a list of URLs.
const LISTS: [&str; 2] = ["data", "results"];

const URL: &str = "url";

/// What looks like base64 and cannot be decoded.
const UNDECODABLE: &str = "iVBORw0KGgo*not*base64*";

/// The images of a document.
pub(super) struct Items {
    items: Vec<Json>,
    /// The member that they were taken from.
    member: &'static str,
}

impl Items {
    /// Takes the images out of a document, if it has a list of them.
    pub(super) fn take(document: &mut Json) -> Option<Self> {
        let member = LISTS.into_iter().find(|name| matches!(document.get(name), Some(Json::List(_))))?;
        let Some(Json::List(items)) = document.get_mut(member) else { return None };
        let object = |item: Json| match item {
            Json::Raw(url) => Json::object([(URL, Json::Raw(url))]),
            item => item,
        };
        Some(Self { items: std::mem::take(items).into_iter().map(object).collect(), member })
    }

    /// The same images in another dress.
    pub(super) fn dressed(mut self, call: &Call<'_>, path: &str) -> Self {
        for item in &mut self.items {
            if let Some(picture) = picture(item) {
                dress(call, path, item, &picture);
            }
        }
        if call.fault.shapes(BodyFault::Duplicate)
            && let Some(first) = self.items.first().cloned()
        {
            self.items.insert(0, first);
        }
        self
    }

    /// Makes the first image one that cannot be decoded.
    pub(super) fn spoil_first(&mut self) {
        if let Some(first) = self.items.first_mut() {
            *first = Json::object([(INLINE, Json::value(UNDECODABLE))]);
        }
    }

    /// Puts the images back into their document, where these shapes have them.
    pub(super) fn put(self, shapes: &[BodyFault], mut document: Json) -> Json {
        let Self { items, member } = self;
        let bare = |item: Json| match item {
            Json::Object(members) if members.len() == 1 => {
                members.into_iter().next().map_or(Json::List(Vec::new()), |(_, value)| value)
            }
            item => item,
        };
        let list = |items: Vec<Json>| {
            let strings = shapes.contains(&BodyFault::Strings);
            let items = items.into_iter().map(|item| if strings { candidate(item) } else { item });
            // What came as texts stays that.
            Json::List(if member == LISTS[1] { items.map(bare).collect() } else { items.collect() })
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
            Some(BodyFault::Result) => ("result", Json::object([("images", list(items))])),
            Some(BodyFault::DataObject) => ("data", columns(items)),
            Some(BodyFault::DataImages) => ("data", Json::object([("images", list(items))])),
            _ => (member, list(items)),
        };
        if let Json::Object(members) = &mut document
            && let Some(slot) = members.iter_mut().find(|(known, _)| known == member)
        {
            *slot = (name.to_owned(), value);
        }
        document
    }
}

/// Says in the usage how many images were made.
pub(super) fn count(document: &mut Json, images: u32) {
    if document.get("usage").is_none() {
        document.set("usage", Json::object([]));
    }
    if let Some(usage) = document.get_mut("usage") {
        usage.set("generated_images", Json::value(&images));
    }
}

/// The image of an item, if it has one.
fn picture(item: &Json) -> Option<Picture> {
    match (item.get(INLINE), item.get(URL)) {
        (Some(Json::Image(_, picture, _)), _) => Some(picture.clone()),
        (_, Some(url)) => links::picture(&url.text()?),
        _ => None,
    }
}

/// The value of an item that is its image.
fn candidate(item: Json) -> Json {
    match item {
        Json::Object(members) => members.into_iter().next().map_or_else(|| Json::value(""), |(_, value)| value),
        item => item,
    }
}

/// A list a member, as a table by columns.
fn columns(items: Vec<Json>) -> Json {
    let mut columns: Vec<(String, Json)> = Vec::new();
    for item in items {
        let Json::Object(members) = item else { continue };
        for (name, value) in members {
            match columns.iter_mut().find(|(known, _)| *known == name) {
                Some((_, Json::List(column))) => column.push(value),
                _ => columns.push((name, Json::List(vec![value]))),
            }
        }
    }
    Json::Object(columns)
}

/// Dresses one item that has an image.
fn dress(call: &Call<'_>, path: &str, item: &mut Json, picture: &Picture) {
    let shapes = &call.fault.body;
    let has = |shape| shapes.contains(&shape);
    let image = shapes.iter().rev().find_map(|shape| written(*shape));
    let doubled = has(BodyFault::DoubledUri);
    let uri = shapes.iter().copied().find(|shape| {
        use BodyFault::{BareBase64, DataUri, DataUriPercent, DataUriUpper};
        matches!(shape, DataUri | DataUriUpper | DataUriPercent | BareBase64)
    });
    let link = || item.get(URL).and_then(Json::text).unwrap_or_else(|| call.url(picture));
    let image_of = |head: String| Json::Image(head, picture.clone(), image.unwrap_or(Dress::Standard));
    let media_type = picture.format.media_type();
    let own = format!("data:{media_type};base64,");
    let head = match (doubled, has(BodyFault::UriInB64)) {
        (true, _) => format!("{own}{own}"),
        (false, true) => own,
        (false, false) => String::new(),
    };

    let mut members = if let Some(uri) = uri {
        vec![(URL, inline_uri(uri, picture, image, doubled))]
    } else if has(BodyFault::BlankCandidate) {
        vec![(URL, Json::value(" ")), (INLINE, image_of(head))]
    } else if has(BodyFault::BadCandidate) {
        let bad = format!("data:{media_type};base64,{UNDECODABLE}");
        vec![(URL, Json::value(&bad)), (INLINE, image_of(head))]
    } else if image.is_some() || !head.is_empty() || has(BodyFault::B64) {
        vec![(INLINE, image_of(head))]
    } else if has(BodyFault::LinkInB64) {
        vec![(INLINE, Json::value(&link()))]
    } else if let Some(shape) = shapes.iter().copied().find(|shape| links::is_link(*shape)) {
        vec![(URL, Json::value(&links::shaped(call, path, shape, &link())))]
    } else {
        [URL, INLINE].into_iter().filter_map(|name| Some((name, item.get(name)?.clone()))).collect()
    };

    for (name, value) in &mut members {
        match *name {
            URL if has(BodyFault::UrlList) => *value = Json::List(vec![value.clone()]),
            URL if has(BodyFault::ImageUrl) => *name = "image_url",
            URL if has(BodyFault::ImageUrlObject) => {
                (*name, *value) = ("image_url", Json::object([(URL, value.clone())]));
            }
            INLINE if has(BodyFault::B64) => *name = "b64",
            _ => {}
        }
    }
    for name in [URL, INLINE] {
        item.take(name);
    }
    if let Json::Object(rest) = item {
        rest.splice(0..0, members.into_iter().map(|(name, value)| (name.to_owned(), value)));
    }
}

/// A file as a URI, or as what stands in its place.
fn inline_uri(shape: BodyFault, picture: &Picture, dress: Option<Dress>, doubled: bool) -> Json {
    let media_type = picture.format.media_type();
    let (head, own) = match shape {
        BodyFault::DataUriUpper => {
            let format = picture.format.as_str().to_ascii_uppercase();
            (format!("DATA:Image/{format};charset=utf-8;base64,"), Dress::Standard)
        }
        BodyFault::DataUriPercent => (format!("data:{media_type},"), Dress::Percent),
        BodyFault::BareBase64 => (String::new(), Dress::Standard),
        _ => (format!("data:{media_type};base64,"), Dress::Standard),
    };
    let head = if doubled { format!("{head}{head}") } else { head };
    // What is percent-encoded has no alphabet of its own.
    let dress = if own == Dress::Percent { own } else { dress.unwrap_or(own) };
    Json::Image(head, picture.clone(), dress)
}

/// How a shape writes base64, if it is about that.
fn written(shape: BodyFault) -> Option<Dress> {
    Some(match shape {
        BodyFault::UrlSafe => Dress::UrlSafe,
        BodyFault::MixedAlphabet => Dress::Mixed,
        BodyFault::Wrapped => Dress::Wrapped,
        BodyFault::Blanks => Dress::Blanks,
        BodyFault::Unpadded => Dress::Unpadded,
        _ => return None,
    })
}
