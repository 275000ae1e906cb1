//! What is left to spend. The mock lends everybody the same, and the ledger says what was used of it.

use serde::Serialize;
use serde_json::Number;

use super::answer::Answer;
use super::call::Call;
use super::digest;
use super::ledger::{OfKey, sum_of};
use super::ordered::Node;

/// What everybody has at first.
const LENT: f64 = 10_000.0;

/// What was used of a session's credits.
struct Spent {
    /// By the caller's key.
    token: f64,
    /// By all keys.
    user: f64,
}

impl Spent {
    fn of(call: &Call<'_>) -> Self {
        let key = call.bearer.map(digest::short);
        call.engine.sessions().with(call.session, call.now, |session| {
            let ledger = session.settled(call.now);
            let keys = ledger.keys();
            let own = keys.iter().map(OfKey::paid).find(|(paid_by, _)| *paid_by == key.as_deref());
            Self { token: own.map_or(0.0, |(_, paid)| paid.credits), user: sum_of(&keys).credits }
        })
    }
}

/// Credits have few decimals; what is added up has more.
fn rounded(credits: f64) -> f64 {
    (credits * 1e4).round() / 1e4
}

#[derive(Serialize)]
struct Credits {
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
pub(crate) fn answer(call: &Call<'_>) -> Answer {
    let Spent { token, user } = Spent::of(call);
    let left = |spent| rounded(LENT - spent);
    let token = TokenAccount { remaining_credits: left(token), unlimited_credits: false, used_credits: token };
    let user = UserAccount { remaining_credits: left(user), used_credits: user };
    Answer::value(200, &Credits { data: Accounts { token, user }, message: "", success: true })
}

/// Brings a documented answer up to date: what was documented is what there was at first.
pub(crate) fn update(call: &Call<'_>, answer: &mut Node) {
    let Spent { token, user } = Spent::of(call);
    for (account, spent) in [("token", token), ("user", user)].into_iter().filter(|(_, spent)| *spent > 0.0) {
        let Some(account) = answer.get_mut("data").and_then(|data| data.get_mut(account)) else { continue };
        for (member, change) in [("remaining_credits", -spent), ("used_credits", spent)] {
            let shown = account.get(member).and_then(Node::number);
            if let Some(credits) = shown.and_then(|shown| Number::from_f64(rounded(shown + change))) {
                account.replace(member, &credits);
            }
        }
    }
}
