//! Holds the beginning of a string until it can be judged.

use super::{
    Grammar, Lifter, Place, THRESHOLD,
    dress::{Continued, continued},
    start::{begin, may_be_image},
    stop,
};

/// What becomes of what is held.
pub(super) enum Hold {
    /// It goes on.
    On,
    /// It is an image.
    Begin,
    /// It is none, and passes on.
    Release,
}

impl Lifter {
    /// Takes bytes of a string until it is long enough to be judged, or over.
    pub(super) fn hold(&mut self, input: &mut &[u8], decoded: &mut Vec<u8>) -> Hold {
        let Place::Held { class, escaped, broke } = &mut self.place else { return Hold::On };
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
                    Continued::Open => take(&mut self.held, input, 1),
                    Continued::Yes(_) => *broke = None,
                    Continued::No => return self.release(),
                }
                continue;
            }
            if std::mem::take(escaped) {
                take(&mut self.held, input, 1);
                continue;
            }
            let room = &input[..input.len().min(THRESHOLD - self.held.len())];
            let count = match stop(self.grammar, room) {
                Some(0) => 1,
                Some(plain) => plain,
                None => room.len(),
            };
            match byte {
                b'"' => return self.release(),
                b'\\' => *escaped = true,
                b'\n' | b'\r' if self.grammar == Grammar::Events => *broke = Some(self.held.len()),
                _ => {}
            }
            take(&mut self.held, input, count);
        }
        let class = *class;
        if self.held.len() < THRESHOLD {
            return if may_be_image(&self.held, class, self.grammar) { Hold::On } else { self.release() };
        }
        match begin(&self.held, class, self.grammar, decoded) {
            Some(run) => {
                self.place = Place::Picture(Box::new(run));
                Hold::Begin
            }
            None => {
                decoded.clear();
                self.release()
            }
        }
    }

    /// What is held stays where it is.
    fn release(&mut self) -> Hold {
        if let Place::Held { escaped, broke, .. } = self.place {
            self.place = Place::Plain { name: false, escaped };
            if let Some(from) = broke {
                let broke = self.held[from..].to_vec();
                self.text(&broke);
            }
        }
        Hold::Release
    }
}
