//! Every law over this adapter, by the facts in `fixtures/gogogotoken`.

seedream_conformance::suite!(seedream_gogogotoken::Gogogotoken);
