//! What the HTML documents have in common: the policy, the beginning, the looks.
//!
//! No script, nothing from elsewhere. They are well-formed as XML too, so that a test can read them strictly.

use super::escape;

/// The header line of the content type.
pub const HTML: &[u8] = b"Content-Type: text/html; charset=utf-8\r\n";
/// The header line that lets the browser load nothing.
pub const POLICY: &[u8] =
    b"Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'\r\n";

/// Appends a document up to its first word, `style` behind the common looks.
pub fn open(title: &str, style: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(OPENING.as_bytes());
    escape::xml(title.as_bytes(), out);
    for part in ["</title>\n<style>\n", LOOKS, style, "</style>\n</head>\n<body>\n<main>\n"] {
        out.extend_from_slice(part.as_bytes());
    }
}

/// What ends a document.
pub const CLOSING: &[u8] = b"</main>\n</body>\n</html>\n";

const OPENING: &str = r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta name="color-scheme" content="light dark"/>
<title>"#;

const LOOKS: &str = r":root { color-scheme: light dark; --ink: #1c2024; --soft: #5b6470; --paper: #fcfcfd; --line: #dfe3e8; --link: #0a58ca; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e8eb; --soft: #9aa4b0; --paper: #14171a; --line: #2c3238; --link: #7fb2ff; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.55 system-ui, sans-serif; }
main { max-width: 42rem; margin: 0 auto; padding: 2.5rem 1.25rem; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .5rem; }
h2 { font-size: 1.125rem; margin: 2.25rem 0 .75rem; }
p { margin: 0 0 .75rem; }
dl, dd { margin: 0; }
code { font: .875rem/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
a { color: var(--link); text-decoration: 1px underline var(--line); text-underline-offset: .35em; }
a:hover { text-decoration-color: currentcolor; }
footer { margin-top: 2.5rem; padding-top: 1rem; border-top: 1px solid var(--line); font-size: .875rem; }
.lead, footer, .facts dt { color: var(--soft); }
";
