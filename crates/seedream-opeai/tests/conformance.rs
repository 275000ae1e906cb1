//! Every law over this adapter, by the facts in `fixtures/opeai`.

seedream_conformance::suite!(seedream_opeai::Opeai);
