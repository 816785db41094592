//! What an operator wants on every page: lines above and below, links, colours.
//!
//! All of it is text and none is trusted as HTML, so that no page breaks or asks for anything elsewhere. A colour that
//! cannot be read on the page is refused.

use program::failure::Failure;

/// What is on every page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Look {
    /// Whose site it is, beside its name.
    pub header: Option<String>,
    /// A line below every page.
    pub footer: Option<String>,
    /// Links behind that line.
    pub links: Vec<Link>,
    /// The colour of links and charts by day.
    pub colour: Option<Colour>,
    /// The same by night.
    pub dark_colour: Option<Colour>,
}

/// A link to somewhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// What it is called.
    pub text: String,
    /// Where it leads.
    pub url: String,
}

/// A colour that can be read on the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour([u8; 3]);

/// The page, as in the style sheet.
const DAY: Colour = Colour([0xff, 0xff, 0xff]);
const NIGHT: Colour = Colour([0x14, 0x17, 0x1a]);

/// What WCAG wants of text (level AA).
const LEAST_CONTRAST: f64 = 4.5;

impl Look {
    /// What the style sheet has to say after all else.
    pub fn style(&self) -> String {
        let rule = |colour: Option<Colour>| {
            let Some(Colour([red, green, blue])) = colour else { return String::new() };
            let hex = format!("#{red:02x}{green:02x}{blue:02x}");
            let shade = format!("color-mix(in srgb, {hex} 20%, var(--paper))");
            format!(":root {{ --link: {hex}; --mark: {hex}; --shade: {shade}; }}\n")
        };
        let [day, night] = [self.colour, self.dark_colour].map(rule);
        // Each is for its own time of the day alone.
        let by = |scheme: &str, rule: String| match &*rule {
            "" => rule,
            rule => format!("@media (prefers-color-scheme: {scheme}) {{\n{rule}}}\n"),
        };
        by("light", day) + &by("dark", night)
    }
}

/// Takes a link: a name, a blank, and where it leads.
pub fn link(text: &str) -> Result<Link, Failure> {
    let refused =
        || Failure::config("expected a name and a URL, such as 'Imprint https://example.org/imprint'");
    let (name, url) = text.trim().rsplit_once(' ').ok_or_else(refused)?;
    let leads = ["https://", "http://", "mailto:", "/"].iter().any(|begin| url.starts_with(begin));
    let is_plain = |text: &str| !text.chars().any(char::is_control);
    if !leads || !is_plain(text) || name.trim().is_empty() {
        return Err(refused());
    }
    Ok(Link { text: name.trim().into(), url: url.into() })
}

/// Takes a colour for the day.
pub fn colour(text: &str) -> Result<Colour, Failure> {
    readable(text, DAY, "darker")
}

/// Takes a colour for the night.
pub fn dark_colour(text: &str) -> Result<Colour, Failure> {
    readable(text, NIGHT, "lighter")
}

fn readable(text: &str, page: Colour, way: &str) -> Result<Colour, Failure> {
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6);
    let number = digits.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
    let number = number.and_then(|digits| u32::from_str_radix(digits, 16).ok());
    let [_, red, green, blue] =
        number.ok_or_else(|| Failure::config("expected a colour such as #14539a"))?.to_be_bytes();
    let colour = Colour([red, green, blue]);
    let contrast = colour.contrast(page);
    if contrast < LEAST_CONTRAST {
        return Err(Failure::config(format!(
            "has a contrast of {contrast:.1} to the page, and text needs {LEAST_CONTRAST}; take a {way} one"
        )));
    }
    Ok(colour)
}

impl Colour {
    /// From 1 to 21. Source: WCAG 2.2, contrast ratio.
    fn contrast(self, other: Colour) -> f64 {
        let (one, other) = (self.luminance(), other.luminance());
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    fn luminance(self) -> f64 {
        let [red, green, blue] = self.0.map(|part| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_can_be_read_or_is_refused() {
        assert_eq!(colour("#14539a"), Ok(Colour([0x14, 0x53, 0x9a])));
        assert!((DAY.contrast(Colour([0, 0, 0])) - 21.0).abs() < 1e-9);
        let refused = |result: Result<Colour, Failure>| result.unwrap_err().to_string();
        assert!(
            refused(colour("#ffcc00")).contains("contrast of 1.5 to the page"),
            "{}",
            refused(colour("#ffcc00"))
        );
        assert!(
            refused(dark_colour("#14539a")).contains("take a lighter one") && dark_colour("#ffcc00").is_ok()
        );
        for text in ["", "14539a", "#14539", "#14539g", "#+4539a", "red", "#14539aaa"] {
            assert!(refused(colour(text)).contains("expected a colour"), "{text}");
        }
    }

    #[test]
    fn a_link_leads_somewhere_and_runs_nothing() {
        let imprint = Link { text: "Legal notice".into(), url: "https://example.org/".into() };
        assert_eq!(link("Legal notice https://example.org/"), Ok(imprint));
        for text in
            ["", "https://example.org", "x javascript:alert(1)", "x data:text/html,x", "x y", "x\u{1b} /a"]
        {
            assert!(link(text).is_err(), "{text}");
        }
    }

    #[test]
    fn colours_go_into_the_style_sheet() {
        assert_eq!(Look::default().style(), "");
        let look = Look { dark_colour: Some(Colour([1, 2, 255])), ..Look::default() };
        let style = look.style();
        assert!(
            style.starts_with("@media (prefers-color-scheme: dark) {") && style.contains("--link: #0102ff;"),
            "{style}"
        );
    }
}
