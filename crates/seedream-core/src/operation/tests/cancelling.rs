//! What a caller that wants no more gets, and what it may have cost.

use super::*;

#[test]
fn cancelling_says_what_may_have_been_paid() {
    for (before, charge, keeps_task) in [
        (vec![], Charge::No, false),
        (vec![reply(200, "task t-1")], Charge::Unknown, true),
        (vec![reply(429, "rate_limited")], Charge::No, false),
    ] {
        let mut operation = submit(Policy::default());
        if !before.is_empty() {
            operation.on(Input::Begin, Duration::ZERO);
        }
        for input in before {
            operation.on(input, Duration::ZERO);
        }
        let Then::Done(result) = operation.on(Input::Cancelled, Duration::ZERO).then else { panic!("over") };
        let error = result.unwrap_err();
        assert_eq!((error.kind(), error.charge(), error.task().is_some()), (ErrorKind::Cancelled, charge, keeps_task));
    }
    let mut operation = submit(Policy::default());
    operation.on(Input::Begin, Duration::ZERO);
    let Then::Done(result) = operation.on(Input::Cancelled, Duration::ZERO).then else { panic!("over") };
    assert_eq!(result.unwrap_err().charge(), Charge::Unknown, "the request is on its way");
}
