//! What a live run sends to a provider, seen from the other side: the mock stands for a provider that has one customer.

use std::sync::Arc;

use seedream::Client;
use seedream::seedream_client::ReqwestTransport;
use seedream::seedream_core::Dialect;
use seedream_conformance::{
    Case, Law, Subject, cases,
    live::{FreeQuestion, QuestionOutcome},
};
use seedream_mock::{MockServer, Validate};

const KEY: &str = "sk-customer-0123456789";

/// Asks everything that is free of every dialect.
async fn ask_all(mock: &MockServer) -> Vec<(Arc<dyn Dialect>, QuestionOutcome)> {
    let mut all = Vec::new();
    for dialect in seedream::dialects() {
        for free in FreeQuestion::of(&Subject::new(dialect.clone())).into_iter().flatten() {
            let place = mock.base_url(&dialect.descriptor().id).expect("the mock knows every provider");
            let builder = Client::builder(dialect.clone()).base_url(place).key(KEY.to_owned());
            let asked = free.ask(builder, Arc::new(ReqwestTransport::new())).await;
            all.push((dialect.clone(), asked.expect("a place and a key make a client")));
        }
    }
    all
}

#[tokio::test]
async fn a_live_run_is_refused_without_a_charge_and_its_recordings_replay() {
    let mock = MockServer::builder().keys([KEY]).start().await.unwrap();
    let all = ask_all(&mock).await;
    let names: Vec<_> =
        all.iter().map(|(dialect, asked)| format!("{} {}", dialect.descriptor().id, asked.name)).collect();
    insta::assert_snapshot!("live_questions", names.join("\n"));
    let folder = tempfile::tempdir().unwrap();
    for (dialect, asked) in &all {
        assert_eq!(asked.differences, [""; 0], "{} {}", dialect.descriptor().id, asked.name);
        let recorded = asked.recorded.as_ref().unwrap();
        let fixture = recorded.fixture("2026-11-26".parse().unwrap()).to_string();
        assert!(!fixture.contains(KEY) && !fixture.to_lowercase().contains("authorization"), "{fixture}");
        let path = folder.path().join(recorded.file());
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, fixture).unwrap();
    }
    let journal = mock.journal();
    assert_eq!((journal.len(), journal.iter().map(|entry| entry.billed).sum::<u32>()), (all.len(), 0));

    let library = seedream_fixtures::load_dir(folder.path()).unwrap();
    assert_eq!(seedream_fixtures::lint_library(&library), [""; 0]);
    let library: &'static _ = Box::leak(Box::new(Arc::new(library)));
    let replayed = tokio::task::spawn_blocking(move || {
        let subjects = seedream::dialects().into_iter().map(|dialect| Subject::with_facts(dialect, library));
        let all = subjects.flat_map(|subject| cases(&subject));
        let is_recorded = |case: &Case| case.name().to_string().contains("/errors/live-");
        let replayed =
            all.filter(|case| matches!(case.law(), Law::Decode | Law::Preflight)).filter(|case| is_recorded(case));
        replayed.map(|case| case.run().unwrap_or_else(|failure| panic!("{}: {failure}", case.name()))).count()
    });
    let replayed = replayed.await.unwrap();
    assert_eq!(replayed, 16, "eight refusals, each decoded and each refused before it is sent");
}

#[tokio::test]
async fn a_provider_that_takes_what_it_should_refuse_gets_one_request_and_is_told_of() {
    let mock = MockServer::builder().validate(Validate::Off).start().await.unwrap();
    let all = ask_all(&mock).await;
    // The mock answers what the documents show as they show it, whatever it checks; a wrong key is in none of them.
    for (dialect, asked) in all.iter().filter(|(_, asked)| asked.name == "wrong-key") {
        let told = ["error.kind: expected authentication, saw that it was accepted, which may be billed"];
        assert_eq!(asked.differences, told, "{}", dialect.descriptor().id);
    }
    // Not even the task that was accepted is asked for.
    assert_eq!(mock.journal().len(), all.len());
}
