//! What is said of a response that was not read as a document shows it.

use seedream_core::{Charge, Generation, Warning, WarningKind};

/// Only a response that was read whole can say that nothing was billed.
pub(crate) fn in_doubt(generation: &mut Generation, exact: bool) {
    if !exact && generation.billed() == Some(0) {
        generation.charged = Some(Charge::Unknown);
    }
}

pub(crate) fn repaired() -> Warning {
    let message = "the response is not quite JSON: it was repaired, and what could be read of it was kept";
    Warning::new(WarningKind::Repaired, None, message)
}

pub(crate) fn undocumented(place: &str) -> Warning {
    let message = format!(
        "the images stood in {place}, which the provider's document does not have: that they are meant is our guess"
    );
    Warning::new(WarningKind::Undocumented, None, message)
}

pub(crate) fn repeated(count: usize) -> Warning {
    let came = if count == 1 { "1 image came again and is" } else { &format!("{count} images came again and are") };
    let message = format!("{came} delivered once");
    Warning::new(WarningKind::Repeated, None, message)
}

/// Says that not every value of a response was kept.
pub(crate) fn omitted() -> Warning {
    let message = "the response has too many values: some were left out; the raw response has them";
    Warning::new(WarningKind::Unreadable, None, message)
}
