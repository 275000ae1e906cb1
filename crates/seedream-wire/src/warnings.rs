//! Warnings about responses that deviate from the documentation.

use seedream_core::{Charge, Generation, Warning, WarningKind};

/// Only a complete response can show that nothing was billed.
pub(crate) fn in_doubt(generation: &mut Generation, exact: bool) {
    if !exact && generation.billed() == Some(0) {
        generation.charged = Some(Charge::Unknown);
    }
}

pub(crate) fn repaired() -> Warning {
    let message = "the response is not valid JSON: it was repaired, and its readable part was kept";
    Warning::new(WarningKind::Repaired, None, message)
}

pub(crate) fn undocumented(place: &str) -> Warning {
    let message = format!(
        "the images are in {place}, which the provider does not document: check that they are the requested ones"
    );
    Warning::new(WarningKind::Undocumented, None, message)
}

pub(crate) fn repeated(count: usize) -> Warning {
    let came =
        if count == 1 { "1 image arrived twice and is" } else { &format!("{count} images arrived twice and are") };
    let message = format!("{came} delivered once");
    Warning::new(WarningKind::Repeated, None, message)
}

/// Warns that values of a response were omitted.
pub(crate) fn omitted() -> Warning {
    let message = "the response has too many values: some were omitted; the raw response has them";
    Warning::new(WarningKind::Unreadable, None, message)
}
