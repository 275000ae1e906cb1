//! One schema of rules: what the adapters state, what `--limits` reads, what a program of `--exec` gives.
//! What `seedream models --json` prints is held to it where the command line is tested.

#![allow(clippy::unwrap_used, reason = "clippy knows helpers of tests as code")]

use std::process::Command;

use seedream::{seedream_core::*, *};
use seedream_core::CAPABILITIES_SCHEMA;
use serde_json::{Value, json};

/// Fails where a value is not of the form that stands below `$defs` under this name.
fn assert_valid(definition: &str, value: &Value) {
    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    compiler.add_resource("capabilities.json", serde_json::from_str(CAPABILITIES_SCHEMA).unwrap()).unwrap();
    let schema = compiler.compile(&format!("capabilities.json#/$defs/{definition}"), &mut schemas).unwrap();
    if let Err(error) = schemas.validate(value, schema) {
        panic!("{definition}: {error:#}\n{value:#}");
    }
}

/// Every id that a provider takes, and one that is not known.
fn every_model() -> impl Iterator<Item = Capabilities> {
    dialects().into_iter().flat_map(|dialect| {
        let sold = &dialect.descriptor().models;
        let ids = sold.iter().flat_map(|model| std::iter::once(&model.id).chain(&model.aliases)).cloned();
        let others = ["no-such-model", "seedream-5.5", "seededit-3.0-i2i"].map(ModelId::from);
        ids.chain(others).map(|id| dialect.capabilities(&id)).collect::<Vec<_>>()
    })
}

#[test]
fn rules_are_read_as_they_were_written() {
    for rules in every_model() {
        let json = serde_json::to_string(&rules).unwrap();
        assert_eq!(serde_json::from_str::<Capabilities>(&json).unwrap(), rules, "{json}");
        assert_valid("capabilities", &serde_json::from_str(&json).unwrap());
    }
    for dialect in dialects() {
        let json = serde_json::to_string(dialect.descriptor()).unwrap();
        assert_eq!(&serde_json::from_str::<Descriptor>(&json).unwrap(), dialect.descriptor());
    }
}

#[test]
fn a_part_without_members_changes_nothing() {
    for rules in every_model() {
        let nothing = CapabilitiesPatch::default();
        assert_eq!(nothing.apply(&rules, &Source::overridden("a file")).unwrap(), rules);
    }
}

#[test]
fn a_file_of_limits_and_a_program_speak_the_same_words() {
    assert_valid(
        "limits",
        &json!({ "ark": {
            "*": { "references": { "max_bytes": 31_457_280 } },
            "doubao-seedream-4-7-270101": {
                "family": "seedream-4.5",
                "size": { "tiers": ["2K", "4K"], "pixels": { "min": 3_686_400, "max_aspect": 16 } },
                "fields": { "seed": { "support": "honoured" } },
            },
        } }),
    );
    for program in ["harbour.py", "adapter.py"] {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/stranger/");
        let code = format!(
            "import sys; sys.path.insert(0, {script:?}); sys.stdin = iter([]); import json, {} as a; print(json.dumps(a.DESCRIPTION))",
            program.trim_end_matches(".py")
        );
        let Ok(output) = Command::new("python3").args(["-c", &code]).output() else {
            eprintln!("not run: there is no python3");
            return;
        };
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_valid("description", &serde_json::from_slice(&output.stdout).unwrap());
    }
}
