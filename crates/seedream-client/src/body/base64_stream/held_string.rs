//! Holds the beginning of a string until it can be judged.

use super::{
    base64_alphabet::{NextLine, continued},
    body_syntax::{BodySyntax, THRESHOLD, string_stop},
    scanner::{Base64Scanner, HoldOutcome, ScanState},
    string_start::{begin, may_be_image},
};

impl Base64Scanner {
    /// Takes bytes of a string until it is long enough to be judged, or over.
    pub(super) fn hold(&mut self, input: &mut &[u8], decoded: &mut Vec<u8>) -> HoldOutcome {
        let ScanState::Held { class, escaped, broke } = &mut self.place else { return HoldOutcome::More };
        let take = |held: &mut Vec<u8>, input: &mut &[u8], count: usize| {
            let (taken, rest) = input.split_at(count);
            held.extend_from_slice(taken);
            *input = rest;
        };
        while self.held.len() < THRESHOLD
            && let Some(&byte) = input.first()
        {
            if let Some(from) = *broke {
                self.held.push(byte);
                let continued = continued(&self.held[from..]);
                self.held.pop();
                match continued {
                    NextLine::Open => take(&mut self.held, input, 1),
                    NextLine::Yes(_) => *broke = None,
                    NextLine::No => return self.release(),
                }
                continue;
            }
            if std::mem::take(escaped) {
                take(&mut self.held, input, 1);
                continue;
            }
            let room = &input[..input.len().min(THRESHOLD - self.held.len())];
            let count = match string_stop(self.syntax, room) {
                Some(0) => 1,
                Some(plain) => plain,
                None => room.len(),
            };
            match byte {
                b'"' => return self.release(),
                b'\\' => *escaped = true,
                b'\n' | b'\r' if self.syntax == BodySyntax::Events => *broke = Some(self.held.len()),
                _ => {}
            }
            take(&mut self.held, input, count);
        }
        let class = *class;
        if self.held.len() < THRESHOLD {
            return if may_be_image(&self.held, class, self.syntax) { HoldOutcome::More } else { self.release() };
        }
        match begin(&self.held, class, self.syntax, decoded) {
            Some(decoder) => {
                self.place = ScanState::Image(Box::new(decoder));
                HoldOutcome::Begin
            }
            None => {
                decoded.clear();
                self.release()
            }
        }
    }

    /// What is held stays where it is.
    fn release(&mut self) -> HoldOutcome {
        if let ScanState::Held { escaped, broke, .. } = self.place {
            self.place = ScanState::Plain { name: false, escaped };
            if let Some(from) = broke {
                let broke = self.held[from..].to_vec();
                self.text(&broke);
            }
        }
        HoldOutcome::Release
    }
}
