//! By which way a request came, and what form its answer has: two things, for most forms can be had by several ways.
//!
//! Source: SPEC.md §1, §12.

use wire::Kind;

/// What the path of a request says that it wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// Mirrors of a directory or file.
    Mirrorlist,
    /// Mirrors of a file with hashes; of a repository, of its metadata.
    Metalink,
    /// One mirror of a file or directory, named by a path of the redirector.
    File,
}

/// What form an answer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A text list.
    Text,
    /// 302 to one mirror.
    Redirect,
    /// Metalink 3.0.
    Metalink,
    /// apt's mirror list.
    Apt,
    /// A JSON object.
    Json,
    /// An HTML page.
    Page,
    /// Metalink 4.
    Metalink4,
    /// A hash as a line of text.
    Hash(Hash),
}

/// A hash that can be asked for by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// `?sha256`
    Sha256,
    /// `?sha512`
    Sha512,
}

impl Hash {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Hash::Sha256 => "sha256",
            Hash::Sha512 => "sha512",
        }
    }
}

impl Format {
    /// What `format=` calls them.
    pub const NAMES: [(&str, Format); 5] = [
        ("text", Format::Text),
        ("apt", Format::Apt),
        ("html", Format::Page),
        ("json", Format::Json),
        ("metalink4", Format::Metalink4),
    ];

    /// The form of this name.
    pub fn parse(name: &[u8]) -> Option<Format> {
        Format::NAMES.into_iter().find(|known| known.0.as_bytes() == name).map(|known| known.1)
    }

    /// As what it is counted.
    pub fn kind(self) -> Kind {
        match self {
            Format::Text => Kind::Mirrorlist,
            Format::Redirect => Kind::Redirect,
            Format::Metalink => Kind::Metalink,
            Format::Apt => Kind::Apt,
            Format::Json => Kind::Json,
            Format::Page => Kind::Page,
            Format::Metalink4 => Kind::Metalink4,
            Format::Hash(_) => Kind::Hash,
        }
    }

    /// The hash, where it is one.
    pub fn hash(self) -> Option<Hash> {
        match self {
            Format::Hash(hash) => Some(hash),
            _ => None,
        }
    }

    /// Whether it names hosts by https and http alone.
    #[inline]
    pub fn is_web(self) -> bool {
        matches!(self, Format::Redirect | Format::Apt | Format::Metalink4)
    }

    /// Whether it can tell why hosts are not listed.
    pub fn explains(self) -> bool {
        matches!(self, Format::Json | Format::Page)
    }

    /// Whether it is about a file whose hashes are known.
    pub fn needs_details(self) -> bool {
        matches!(self, Format::Metalink | Format::Metalink4 | Format::Hash(_))
    }

    /// The header line that tells what the body is.
    pub fn content_type(self) -> &'static [u8] {
        match self {
            Format::Metalink => b"Content-Type: application/metalink+xml\r\n",
            Format::Metalink4 => b"Content-Type: application/metalink4+xml\r\n",
            Format::Json => b"Content-Type: application/json\r\n",
            Format::Page => b"Content-Type: text/html; charset=utf-8\r\n",
            Format::Text | Format::Redirect | Format::Apt | Format::Hash(_) => PLAIN,
        }
    }

    /// That of a refusal: text, but metalink 3.0 says it in a comment, and JSON in an object.
    pub fn content_type_of_refusal(self) -> &'static [u8] {
        if matches!(self, Format::Metalink | Format::Json) { self.content_type() } else { PLAIN }
    }
}

/// The header line of text.
pub const PLAIN: &[u8] = b"Content-Type: text/plain\r\n";
