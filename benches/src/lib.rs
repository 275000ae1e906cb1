//! Benchmarks: `cargo bench -p seedream-benches --bench codec` for one exchange without I/O, and `--bench client` for what this
//! client costs beside others, `-- small` for one part of that.
