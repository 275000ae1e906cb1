//! The credits that are left. Every account begins with the same credits, and the ledger says what was used.

use serde::Serialize;
use serde_json::Number;

use crate::hash;
use crate::json::ordered::OrderedValue;
use crate::request::context::RequestContext;
use crate::response::endpoint_response::EndpointResponse;
use crate::state::ledger::{PaidByKey, sum_of};

/// The credits of every account at first.
const LENT: f64 = 10_000.0;

/// What was used of a session's credits.
struct SpentCredits {
    /// By the caller's key.
    token: f64,
    /// By all keys.
    user: f64,
}

impl SpentCredits {
    fn of(context: &RequestContext<'_>) -> Self {
        let key = context.bearer.map(hash::short);
        context.services.sessions.with(context.session, context.now, |session| {
            let ledger = session.settled(context.now);
            let keys = ledger.keys();
            let own = keys.iter().map(PaidByKey::paid).find(|(paid_by, _)| *paid_by == key.as_deref());
            Self { token: own.map_or(0.0, |(_, paid)| paid.credits), user: sum_of(&keys).credits }
        })
    }
}

/// Credits have few decimals; what is added up has more.
fn rounded(credits: f64) -> f64 {
    (credits * 1e4).round() / 1e4
}

#[derive(Serialize)]
struct CreditsBody {
    data: Accounts,
    message: &'static str,
    success: bool,
}

#[derive(Serialize)]
struct Accounts {
    token: TokenAccount,
    user: UserAccount,
}

#[derive(Serialize)]
struct TokenAccount {
    remaining_credits: f64,
    unlimited_credits: bool,
    used_credits: f64,
}

#[derive(Serialize)]
struct UserAccount {
    remaining_credits: f64,
    used_credits: f64,
}

/// Answers by the ledger alone.
pub(crate) fn respond(context: &RequestContext<'_>) -> EndpointResponse {
    let SpentCredits { token, user } = SpentCredits::of(context);
    let left = |spent| rounded(LENT - spent);
    let token = TokenAccount { remaining_credits: left(token), unlimited_credits: false, used_credits: token };
    let user = UserAccount { remaining_credits: left(user), used_credits: user };
    EndpointResponse::value(200, &CreditsBody { data: Accounts { token, user }, message: "", success: true })
}

/// Brings a documented response up to date: what was documented is what there was at first.
pub(crate) fn update(context: &RequestContext<'_>, response: &mut OrderedValue) {
    let SpentCredits { token, user } = SpentCredits::of(context);
    for (account, spent) in [("token", token), ("user", user)].into_iter().filter(|(_, spent)| *spent > 0.0) {
        let Some(account) = response.get_mut("data").and_then(|data| data.get_mut(account)) else { continue };
        for (member, change) in [("remaining_credits", -spent), ("used_credits", spent)] {
            let shown = account.get(member).and_then(OrderedValue::number);
            if let Some(credits) = shown.and_then(|shown| Number::from_f64(rounded(shown + change))) {
                account.replace(member, &credits);
            }
        }
    }
}
