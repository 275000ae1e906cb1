//! Every law over this adapter, by the facts in `fixtures/evolink`.

seedream_conformance::suite!(seedream_evolink::Evolink);
