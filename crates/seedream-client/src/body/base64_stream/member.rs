//! What the names of members, and the brackets around a string, say of it.

/// What the name of a member says of its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MemberKind {
    /// It repeats the request: it stays, and so does everything in it.
    Echo,
    /// It is base64, even where the format of the image is not known.
    Base64,
    /// Nothing.
    Any,
}

/// How many bytes of a name are looked at.
const LONGEST: usize = 64;

/// Parts of the names of members that repeat the request.
const ECHOES: [&[u8]; 4] = [b"prompt", b"input", b"request", b"reference"];

/// Parts of the names of members that hold base64: `b64_json`, `imageBase64`, `binary_data_base64`.
const BASE64: [&[u8]; 2] = [b"b64", b"base64"];

/// The name of a member, or of none.
#[derive(Clone, Copy, Debug)]
pub(super) struct MemberName {
    bytes: [u8; LONGEST],
    len: usize,
}

impl MemberName {
    pub(super) fn none() -> Self {
        Self { bytes: [0; LONGEST], len: 0 }
    }

    pub(super) fn clear(&mut self) {
        self.len = 0;
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        let taken = bytes.len().min(LONGEST - self.len);
        self.bytes[self.len..self.len + taken].copy_from_slice(&bytes[..taken]);
        self.len += taken;
    }

    /// In any letter case, and with any punctuation between the words.
    pub(super) fn class(&self) -> MemberKind {
        let mut plain = [0; LONGEST];
        let mut len = 0;
        for byte in self.bytes[..self.len].iter().filter(|byte| byte.is_ascii_alphanumeric()) {
            plain[len] = byte.to_ascii_lowercase();
            len += 1;
        }
        let mut class = MemberKind::Any;
        for at in 0..len {
            let begins = |parts: &[&[u8]]| parts.iter().any(|part| plain[at..len].starts_with(part));
            match plain[at] {
                b'p' | b'i' | b'r' if begins(&ECHOES) => return MemberKind::Echo,
                b'b' if begins(&BASE64) => class = MemberKind::Base64,
                _ => {}
            }
        }
        class
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OpenBracket {
    Object,
    List,
    /// A list that is the value of a member whose name says base64.
    Base64,
}

/// Where in a document the next string stands.
#[derive(Debug)]
pub(super) struct JsonNesting {
    open: Vec<OpenBracket>,
    /// How many brackets are open around what repeats the request, its own included; 0 for none.
    echo: usize,
    /// The last name of a member.
    name: MemberName,
    /// Whether a colon followed it, and no value yet.
    named: bool,
    /// Whether the next string is a name.
    at_name: bool,
    /// Whether nothing has been read.
    fresh: bool,
}

impl JsonNesting {
    pub(super) fn new() -> Self {
        Self { open: Vec::new(), echo: 0, name: MemberName::none(), named: false, at_name: false, fresh: true }
    }

    /// A document begins.
    pub(super) fn clear(&mut self) {
        self.open.clear();
        (self.echo, self.named, self.at_name, self.fresh) = (0, false, false, true);
        self.name.clear();
    }

    /// Takes a byte that stands between strings, and is no white space.
    #[inline]
    pub(super) fn between(&mut self, byte: u8) {
        self.fresh = false;
        match byte {
            b'{' | b'[' => self.open(byte),
            b'}' | b']' => {
                self.open.pop();
                if self.open.len() < self.echo {
                    self.echo = 0;
                }
                self.next();
            }
            b',' => self.next(),
            b':' => (self.at_name, self.named) = (false, true),
            _ => {}
        }
    }

    fn open(&mut self, bracket: u8) {
        let class = self.class();
        self.open.push(match (bracket, class) {
            (b'{', _) => OpenBracket::Object,
            (_, MemberKind::Base64) => OpenBracket::Base64,
            _ => OpenBracket::List,
        });
        if class == MemberKind::Echo && self.echo == 0 {
            self.echo = self.open.len();
        }
        self.next();
    }

    /// A value is over: what follows it is a name in an object, and an element in a list.
    pub(super) fn next(&mut self) {
        self.fresh = false;
        self.at_name = self.open.last() == Some(&OpenBracket::Object);
        self.named = false;
        self.name.clear();
    }

    /// A string begins: whether it is a name.
    pub(super) fn begins_name(&mut self) -> bool {
        if self.at_name {
            self.name.clear();
        }
        self.at_name
    }

    /// The name that is being read.
    pub(super) fn name(&mut self) -> &mut MemberName {
        &mut self.name
    }

    /// What the name of the value that begins here says of it, or that of the list that it stands in.
    pub(super) fn class(&self) -> MemberKind {
        match self.open.last() {
            _ if self.echo > 0 => MemberKind::Echo,
            _ if self.named => self.name.class(),
            Some(OpenBracket::Base64) => MemberKind::Base64,
            _ => MemberKind::Any,
        }
    }

    /// Whether the value that begins here may be of [`MemberKind::Base64`], at one look.
    pub(super) fn may_be_base64(&self) -> bool {
        match self.open.last() {
            _ if self.named => self.name.bytes[..self.name.len].contains(&b'6'),
            last => last == Some(&OpenBracket::Base64),
        }
    }

    /// Whether a string that begins here stands in a document, or is all of one.
    pub(super) fn holds_values(&self) -> bool {
        self.fresh || !self.open.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_repeats_the_request_and_what_is_base64() {
        for (name, class) in [
            ("b64_json", MemberKind::Base64),
            ("B64-JSON", MemberKind::Base64),
            ("imageBase64", MemberKind::Base64),
            ("binary_data_base64", MemberKind::Base64),
            ("image_b64", MemberKind::Base64),
            ("prompt", MemberKind::Echo),
            ("revised_prompt", MemberKind::Echo),
            ("inputImages", MemberKind::Echo),
            ("request", MemberKind::Echo),
            ("input_b64", MemberKind::Echo),
            ("url", MemberKind::Any),
            ("image", MemberKind::Any),
            ("", MemberKind::Any),
        ] {
            let mut read = MemberName::none();
            name.as_bytes().chunks(3).for_each(|chunk| read.push(chunk));
            assert_eq!(read.class(), class, "{name}");
        }
        let mut long = MemberName::none();
        long.push(&[b'x'; 200]);
        long.push(b"prompt");
        assert_eq!(long.class(), MemberKind::Any);
    }
}
