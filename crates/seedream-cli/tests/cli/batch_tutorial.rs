//! The commands of the tutorial about batches run, one after the other, and print what it shows.

use crate::{
    console_blocks::{blocks, shown},
    support::Workdir,
};

const TUTORIAL: &str = include_str!("../../BATCHES.md");

#[test]
fn the_tutorial_runs() {
    let workdir = Workdir::new();
    std::fs::write(workdir.path("jobs.jsonl"), blocks(TUTORIAL, "jsonl").concat()).unwrap();
    std::fs::write(workdir.path("posters.csv"), blocks(TUTORIAL, "csv").concat()).unwrap();
    let commands = shown(TUTORIAL);
    assert!(commands.len() >= 7, "{} commands", commands.len());
    for command in commands {
        command.runs(&workdir, &[]);
    }
}
