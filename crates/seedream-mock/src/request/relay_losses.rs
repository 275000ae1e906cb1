//! The members of a request that a relay before the provider loses.

use std::borrow::Cow;

use seedream_fixtures::FieldRole;

use crate::json::path;
use crate::json::path::Object;
use crate::request::context::RequestContext;
use crate::settings::relay_profile::RelayBehavior;

/// The body that arrives at the provider, and the members that are lost.
pub(crate) fn relayed<'b>(context: &RequestContext<'_>, body: &'b Object) -> (Cow<'b, Object>, Vec<String>) {
    let Some(relay) = context.relay().filter(|_| context.profile.has(RelayBehavior::DropFields)) else {
        return (Cow::Borrowed(body), Vec::new());
    };
    let keeps = |name: &String| relay.keeps.contains(name);
    let lost = path::names(body).filter(|name| !keeps(name)).cloned().collect();
    let kept = body.iter().filter(|(name, _)| keeps(name));
    let mut kept: Object = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
    let model = context.provider.field(FieldRole::Model).map(|field| field.name.as_str());
    if let Some(model) = model.filter(|model| path::get(&kept, model).is_none()) {
        path::set(&mut kept, model, relay.default_model.as_str().into());
    }
    (Cow::Owned(kept), lost)
}
