//! Every property over what the corpora begin with, and over what was found before.

use seedream_fuzz::{TARGETS, regressions};

#[test]
fn every_seed_and_regression_holds() {
    for target in TARGETS {
        let seeds = (target.seeds)().into_iter().chain(regressions(target).unwrap());
        let start = std::time::Instant::now();
        let mut count = 0;
        for seed in seeds {
            let run = std::panic::catch_unwind(|| target.run(&seed));
            assert!(run.is_ok(), "{}: {}", target.name, seed.escape_ascii());
            count += 1;
        }
        println!("{}: {count} inputs in {:?}", target.name, start.elapsed());
    }
}
