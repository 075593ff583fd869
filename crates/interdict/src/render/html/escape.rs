//! Text from outside inside HTML and inside a script's data.

/// For element content and quoted attributes. Escapes more than it must: no text from
/// outside can then look like a link, an attribute or a rule of a style sheet.
pub fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '/' => out.push_str("&#47;"),
            '=' => out.push_str("&#61;"),
            '@' => out.push_str("&#64;"),
            '`' => out.push_str("&#96;"),
            c => out.push(c),
        }
    }
    out
}

/// A JSON string that no end tag or comment can break out of.
pub fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        if c.is_ascii_alphanumeric() || " .,:;-+_()[]{}#?!*|".contains(c) || !c.is_ascii() {
            out.push(c);
        } else {
            out += &format!("\\u{:04x}", u32::from(c));
        }
    }
    out.push('"');
    out.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out() {
        assert_eq!(html("<img src=\"x\">"), "&lt;img src&#61;&quot;x&quot;&gt;");
        assert_eq!(json("</script>\"\\\n"), r#""\u003c\u002fscript\u003e\u0022\u005c\u000a""#);
    }
}
