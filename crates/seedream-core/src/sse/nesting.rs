//! Detects whether the JSON of an event is complete, so that the next line belongs to the next event.

/// The nesting depth of the JSON at the scanned position.
#[derive(Clone, Debug, Default)]
pub(super) struct Nesting {
    /// How many bytes were scanned.
    at: usize,
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// Whether its last bracket was closed.
    closed: bool,
}

impl Nesting {
    /// Continues to scan the same data, which has grown, and returns whether it is a complete object or list.
    pub(super) fn is_complete(&mut self, data: &str) -> bool {
        for &byte in &data.as_bytes()[self.at..] {
            if self.in_string {
                match byte {
                    _ if std::mem::take(&mut self.escaped) => {}
                    b'\\' => self.escaped = true,
                    b'"' => self.in_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => {
                    self.depth += 1;
                    self.closed = false;
                }
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    self.closed = self.depth == 0;
                }
                _ => {}
            }
        }
        self.at = data.len();
        self.closed && self.depth == 0 && !self.in_string
    }
}
