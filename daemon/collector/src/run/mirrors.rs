//! The mirrors, as the files of their folder describe them.
//!
//! [`mod@file`]: what one says; [`mod@base_url`]: how its URLs are spelled; [`folder`]: all of them; [`together`]: what they
//! may not say together.

pub mod base_url;
pub mod file;
pub mod folder;
pub mod together;

use url::Url;

/// A mirror. What only clients and the cache are told of it stands beside this, with whoever tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct Mirror {
    /// Its name, which is its file's without the ending, and which names it from run to run.
    pub name: String,
    /// Whether its operators or the site's have taken it out: it is not asked and not listed.
    pub disabled: bool,
    /// Whether it is for its networks alone: it is not asked.
    pub private: bool,
    /// Whether it is taken to have everything: it is not asked.
    pub up_to_date: bool,
    /// The base URLs of each category that it has, by the category's place in the configuration; http, https and
    /// rsync, in the order of its file. URLs of https are asked first, rsync never.
    pub urls: Vec<(u32, Vec<Url>)>,
}
