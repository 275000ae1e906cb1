//! What the clients in Rust share. One line a scenario, as `judge.py` reads it.

use std::{env, error::Error, fs};

pub const MODEL: &str = "doubao-seedream-4-0-250828";

pub type Seen = Result<String, Box<dyn Error>>;

/// A session of the mock, and where its images are kept for the judge.
pub struct Session(pub &'static str);

impl Session {
    fn name(&self) -> String {
        format!("{}-{}", crate::CLIENT, self.0)
    }

    pub fn base(&self) -> String {
        let mock = env::var("MOCK").expect("run sets MOCK");
        format!("{mock}/s/{}/ark/api/v3", self.name())
    }

    pub fn keep(&self, index: usize, promised: &str, image: &[u8]) -> Result<(), Box<dyn Error>> {
        let folder = env::var("PICTURES").expect("run sets PICTURES");
        Ok(fs::write(format!("{folder}/{}.{index}.{promised}.jpeg", self.name()), image)?)
    }

    /// Prints what was seen, with what the judge shall find: attempts to buy, images billed, images kept.
    pub fn report(&self, posts: u32, billed: u32, kept: u32, seen: &Seen) {
        let (verdict, text) = match seen {
            Ok(text) => ("ok", text.clone()),
            Err(error) => ("FAIL", error.to_string().replace(['\t', '\n'], " ")),
        };
        let version = env::var("VERSION").expect("run sets VERSION");
        println!("{verdict}\t{}\t{version}\t{}\t{posts}\t{billed}\t{kept}\t{text}", crate::CLIENT, self.0);
    }
}

pub fn check(holds: bool, what: &str) -> Result<(), Box<dyn Error>> {
    if holds { Ok(()) } else { Err(format!("not so: {what}").into()) }
}
