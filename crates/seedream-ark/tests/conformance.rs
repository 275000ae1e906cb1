//! Every law over this adapter, by the facts in `fixtures/ark`.

seedream_conformance::suite!(seedream_ark::Ark);
