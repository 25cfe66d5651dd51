//! What keeps a text from being read as anything else on a page.

use serde::Serialize;

/// A text that stands between tags, or between double quotes.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            sign => safe.push(sign),
        }
    }
    safe
}

/// JSON that stands in a `script` element, which no text in it can end.
pub(super) fn json(value: &impl Serialize) -> serde_json::Result<String> {
    // Such signs stand in strings only, where JSON lets them be written so.
    let text = serde_json::to_string(value)?;
    Ok(text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_what_it_stands_in() {
        let text = "</script><b title=\"x'y\">&amp;";
        assert_eq!(escaped(text), "&lt;/script&gt;&lt;b title=&quot;x&#39;y&quot;&gt;&amp;amp;");
        let written = json(&text).unwrap();
        assert!(!written.contains(['<', '>', '&']), "{written}");
        assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
    }
}
