//! How many images a prompt asks for.

/// What a prompt that asks for several without a number gets.
const SEVERAL: u32 = 4;

/// English nouns that are counted.
const NOUNS: [&str; 24] = [
    "images",
    "pictures",
    "photos",
    "posters",
    "views",
    "panels",
    "frames",
    "shots",
    "scenes",
    "versions",
    "variations",
    "variants",
    "illustrations",
    "drawings",
    "paintings",
    "cards",
    "stickers",
    "icons",
    "pages",
    "portraits",
    "angles",
    "covers",
    "sketches",
    "renders",
];

/// English words that count.
const NUMBERS: [&str; 16] = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen",
];

/// Words that ask for several without a number, in English and in Chinese.
const SEVERAL_WORDS: ([&str; 4], [&str; 5]) =
    (["several ", "a set of ", "a series of ", "a group of "], ["一组", "多张", "几张", "一系列", "一套"]);

/// The number of images a prompt asks for; 1 where it does not speak of any.
pub(crate) fn asked(prompt: &str) -> u32 {
    // Nearly every prompt is of one script, and every request has one.
    let has_chinese = !prompt.is_ascii();
    let number = english(prompt).or_else(|| if has_chinese { chinese(prompt) } else { None });
    let (english, chinese) = SEVERAL_WORDS;
    let several = || {
        let in_chinese = || chinese.iter().any(|words| prompt.contains(words));
        contains(prompt, &english) || (has_chinese && in_chinese())
    };
    number.unwrap_or_else(|| if several() { SEVERAL } else { 1 })
}

/// Whether a text contains one of several words, in whatever case its letters are.
fn contains(text: &str, several: &[&str]) -> bool {
    let starts = |text: &[u8], word: &[u8]| text.get(..word.len()).is_some_and(|part| part.eq_ignore_ascii_case(word));
    let text = text.as_bytes();
    let begins = |at: usize| several.iter().any(|word| starts(&text[at..], word.as_bytes()));
    // All of them begin with one of these letters; most places of a text do not.
    text.iter().enumerate().any(|(at, byte)| matches!(byte | 0x20, b'a' | b's') && begins(at))
}

/// A number, at most three other words, a noun: "3 images", "three different views", "8 film posters".
fn english(prompt: &str) -> Option<u32> {
    let mut words = prompt.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    while let Some(word) = words.next() {
        let Some(count) = count(word) else { continue };
        // What another number counts is not counted by this one: "one cat in two views".
        let mut counted = words.clone().take(4).take_while(|word| self::count(word).is_none());
        if counted.any(|word| NOUNS.iter().any(|noun| noun.eq_ignore_ascii_case(word))) {
            return Some(count);
        }
    }
    None
}

fn count(word: &str) -> Option<u32> {
    if !word.starts_with(|c: char| c.is_ascii_digit()) {
        let number = NUMBERS.iter().position(|number| number.eq_ignore_ascii_case(word))?;
        return u32::try_from(number).ok().filter(|count| *count > 0);
    }
    word.parse().ok().filter(|count| *count > 0)
}

/// A number and a counting word: "3张", "三幅", "十二张".
fn chinese(prompt: &str) -> Option<u32> {
    prompt.char_indices().filter(|(_, c)| matches!(c, '张' | '幅' | '款')).find_map(|(at, _)| before(&prompt[..at]))
}

/// The number at the end of a text.
fn before(text: &str) -> Option<u32> {
    let text = text.trim_end();
    let start = |good: fn(char) -> bool| {
        text.char_indices().rev().take_while(|(_, c)| good(*c)).last().map(|(at, _)| &text[at..])
    };
    if let Some(digits) = start(|c| c.is_ascii_digit()) {
        return digits.parse().ok().filter(|count| *count > 0);
    }
    numeral(start(|c| digit(c).is_some() || c == '十')?)
}

/// A Chinese numeral below a hundred.
fn numeral(text: &str) -> Option<u32> {
    match text.split_once('十') {
        None => text.chars().last().and_then(digit),
        Some((tens, ones)) => {
            let tens = tens.chars().last().map_or(Some(1), digit)?;
            let ones = ones.chars().next().map_or(Some(0), digit)?;
            Some(tens * 10 + ones)
        }
    }
}

fn digit(c: char) -> Option<u32> {
    if c == '两' {
        return Some(2);
    }
    "一二三四五六七八九".chars().position(|known| known == c).and_then(|at| u32::try_from(at + 1).ok())
}

#[cfg(test)]
mod tests {
    use super::asked;

    #[test]
    fn prompts_say_how_many() {
        for (prompt, count) in [
            ("a lighthouse", 1),
            ("3 images of a lighthouse", 3),
            ("three views of a lighthouse", 3),
            ("Eight film posters, one style", 8),
            ("2 very different night shots", 2),
            ("a cat with 3 kittens", 1),
            ("one cat in two views", 2),
            ("生成3张图片", 3),
            ("生成 12 张图片", 12),
            ("两张不同的图片", 2),
            ("十二张海报", 12),
            ("二十张海报", 20),
            ("三幅画", 3),
            ("一组海报", 4),
            ("a series of stamps", 4),
            ("0 images", 1),
            ("", 1),
        ] {
            assert_eq!(asked(prompt), count, "{prompt}");
        }
    }
}
