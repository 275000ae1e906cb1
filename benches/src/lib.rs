//! Benchmarks: `cargo bench -p seedream-benches --bench codec` for one exchange without I/O, `--bench client` for what this client
//! costs beside others, and `--bench mock` for what the mock costs beside a minimal server and wiremock; `-- small` runs one part.
//! `--bench instructions` counts, under valgrind, what reading a response takes and how it grows with the response.
