//! Benchmarks: `cargo bench -p seedream-benches --bench codec`, and `--bench client` for what answers in base64 cost.
