//! Benchmarks: `cargo bench -p seedream-benches --bench codec`.
