//! The members of a request that a relay before the provider loses.

use std::borrow::Cow;

use seedream_fixtures::{FieldFacts, FieldRole, LossFacts};
use serde_json::Value;

use crate::json::path;
use crate::json::path::Object;
use crate::request::context::RequestContext;
use crate::settings::relay_profile::RelayBehavior;

/// The body that arrives at the provider, and the members that are lost.
pub(crate) fn relayed<'b>(context: &RequestContext<'_>, body: &'b Object) -> (Cow<'b, Object>, Vec<String>) {
    let (body, mut lost) = kept(context, body);
    let Some(losses) = context.losses() else { return (body, lost) };
    let drops = |name: &str, value: &Value| {
        let is_dropped = |field: &FieldFacts| field.role.is_some_and(|role| is_lost(losses, role, value));
        let fields = context.provider.fields.iter().filter(|field| field.name.split('.').next() == Some(name));
        fields.into_iter().any(is_dropped)
    };
    let (gone, stays): (Vec<_>, Vec<_>) = body.iter().partition(|(name, value)| drops(name, value));
    if gone.is_empty() {
        return (body, lost);
    }
    lost.extend(gone.into_iter().map(|(name, _)| name.clone()));
    (Cow::Owned(stays.into_iter().map(|(name, value)| (name.clone(), value.clone())).collect()), lost)
}

fn is_lost(losses: &LossFacts, role: FieldRole, value: &Value) -> bool {
    losses.drops.contains(&role) || (losses.drops_if_false.contains(&role) && *value == Value::Bool(false))
}

/// What is left of a body where a relay passes only the members on that it knows.
fn kept<'b>(context: &RequestContext<'_>, body: &'b Object) -> (Cow<'b, Object>, Vec<String>) {
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
