//! Every law over this adapter, by the facts in `fixtures/harbour`.

seedream_conformance::suite!(seedream_harbour::Harbour, "fixtures");
