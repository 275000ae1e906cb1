//! Every law over this adapter, by the facts in `fixtures/aiearth`.

seedream_conformance::suite!(seedream_aiearth::Aiearth);
