//! Benchmarks: `cargo bench -p seedream-benches --bench codec`, `--bench client` for what answers in base64 cost, and `--bench
//! mock` for what the mock costs beside a minimal server and wiremock, `-- small` for one part of that.
