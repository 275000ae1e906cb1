//! Every law over the adapter whose responses are tasks, by the facts in `fixtures/quarry`.

seedream_conformance::suite!(seedream_harbour::quarry::Quarry, "fixtures");
