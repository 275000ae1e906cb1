//! Bodies that are almost JSON.

use seedream_core::WarningKind;

use super::shape_fixture::{ShapeFixture, warned};
use crate::{CaseFailure, harness::difference::Differences};

/// The images of a body are delivered whatever makes it invalid JSON.
pub(super) fn almost_json(fixture: &ShapeFixture) -> Result<(), CaseFailure> {
    let mut d = Differences::default();
    let body = String::from_utf8_lossy(&fixture.documented.response.body).into_owned();
    let deep = 128 + fixture.draw(200);
    let deep = format!(r#""deep":{}1{},"#, "[".repeat(deep), "]".repeat(deep));
    let members = [
        ("raw line breaks", "\"note\":\"a\nb\tc\r\n\u{1}d\","),
        ("escapes that JSON has not", r#""note":"it\'s \x41 \d \u12 \ud800","#),
        ("numbers that JSON has not", r#""a":NaN,"b":[Infinity,-Infinity],"c":007,"d":-01,"e":1.,"f":+1,"#),
        ("words of Python", r#"'note':None,'b':True,'c':[False,],"#),
        ("comments", "/* a note */ // to the end\n"),
        ("more nesting than readers take", &deep),
    ];
    let mut judge = |name: &str, text: String| -> Result<(), CaseFailure> {
        let run = fixture.simulate(text)?;
        fixture.delivers(&mut d, name, &run);
        if fixture.subject.dialect().is_lenient() {
            warned(&mut d, name, WarningKind::Repaired, &[], &run);
        }
        Ok(())
    };
    for (name, member) in members {
        judge(name, with_member(fixture, &body, member))?;
    }
    judge(
        "trailing commas",
        outside_texts(&body, |c, out| {
            if matches!(c, ']' | '}') {
                out.push(',');
            }
            out.push(c);
        }),
    )?;
    let all: String = members.iter().map(|(_, member)| *member).collect();
    judge("everything at once", with_member(fixture, &body, &all))?;
    d.into_result()
}

/// A member at the beginning of one of the objects.
fn with_member(fixture: &ShapeFixture, body: &str, member: &str) -> String {
    let mut objects = 0;
    outside_texts(body, |c, _| objects += usize::from(c == '{'));
    let (chosen, mut seen) = (fixture.draw(objects), 0);
    outside_texts(body, |c, out| {
        out.push(c);
        if c == '{' {
            if seen == chosen {
                out.push_str(member);
            }
            seen += 1;
        }
    })
}

/// A JSON text with something done to what stands outside its strings.
fn outside_texts(text: &str, mut change: impl FnMut(char, &mut String)) -> String {
    let (mut out, mut inside, mut escaped) = (String::new(), false, false);
    for c in text.chars() {
        if inside || c == '"' {
            out.push(c);
            inside = if inside { escaped || c != '"' } else { true };
            escaped = inside && c == '\\' && !escaped;
        } else {
            change(c, &mut out);
        }
    }
    out
}
