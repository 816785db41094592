//! The ways to a category of a mirror: its URLs, the best one first, and how far down we are. Pure.

use url::Url;

/// The URLs of a category, and how far down we are.
pub struct Way {
    /// The base URLs that can be asked.
    pub bases: Vec<Base>,
    /// Which of them is asked; past the last one when none is any longer.
    pub at: usize,
    /// Whether the one that is asked has spoken at all.
    pub has_spoken: bool,
    /// Its failures in a row.
    pub failures: u32,
    /// Its statuses in a row that decide nothing.
    pub refusals: u32,
    /// Whether the next ones need not be asked for what it lacks: it has something, or they have no more.
    pub is_compared: bool,
}

/// A base URL.
pub struct Base {
    /// As the mirror's file has it.
    pub given: Url,
    /// Where the same is without a redirect of its own host.
    pub direct: Url,
}

impl Way {
    /// Those of https before those of http, and no others.
    pub fn of(urls: &[Url]) -> Way {
        let of = |scheme: &'static str| urls.iter().filter(move |url| url.scheme() == scheme);
        let bases = of("https").chain(of("http"));
        let bases = bases.map(|url| Base { given: url.clone(), direct: url.clone() }).collect();
        Way { bases, at: 0, has_spoken: false, failures: 0, refusals: 0, is_compared: false }
    }

    /// Has the next URL asked.
    pub fn give_way(&mut self) {
        self.turn_to(self.at + 1);
    }

    /// Has the URL at this place asked, as one that has not spoken.
    pub fn turn_to(&mut self, at: usize) {
        self.at = at;
        (self.has_spoken, self.failures, self.refusals, self.is_compared) = (false, 0, 0, false);
    }
}

impl Base {
    /// A redirect within a host, to https most often, need not be followed each time.
    pub fn learn(&mut self, asked: &Url, answered: &Url) {
        let below = asked.path().strip_prefix(self.direct.path().trim_end_matches('/'));
        let Some(below) = below.filter(|_| asked != answered && asked.host() == answered.host()) else {
            return;
        };
        if let Some(base) = answered.path().strip_suffix(below)
            && answered.query().is_none()
        {
            let mut direct = answered.clone();
            direct.set_path(base);
            self.direct = direct;
        }
    }
}

/// The URL of a file of a category with this top.
pub fn below(base: &Url, top: &str, path: &str) -> Option<Url> {
    let rest = path.strip_prefix(top)?.trim_start_matches('/');
    let mut url = base.clone();
    url.path_segments_mut().ok()?.pop_if_empty().extend(rest.split('/'));
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn a_file_is_below_a_base_url_whatever_is_in_its_name() {
        for (base, path, expected) in [
            ("http://a/linux", "pub/linux/9/os/x.rpm", "http://a/linux/9/os/x.rpm"),
            ("http://a/linux/", "pub/linux/9/os/x.rpm", "http://a/linux/9/os/x.rpm"),
            ("http://a", "pub/linux/a b/c#d?e%20", "http://a/a%20b/c%23d%3Fe%2520"),
        ] {
            assert_eq!(below(&url(base), "pub/linux", path).unwrap().as_str(), expected);
        }
        assert_eq!(below(&url("http://a/"), "", "x").unwrap().as_str(), "http://a/x");
        assert!(below(&url("http://a/"), "pub/linux", "pub/other/x").is_none());
    }

    #[test]
    fn a_redirect_within_a_host_is_learnt_and_no_other() {
        let mut base = Base { given: url("http://a/pub/"), direct: url("http://a/pub/") };
        for elsewhere in ["https://b/pub/9/x", "https://a/other/y", "http://a/pub/9/x", "https://a/9/x?y"] {
            base.learn(&url("http://a/pub/9/x"), &url(elsewhere));
            assert_eq!(base.direct.as_str(), "http://a/pub/", "{elsewhere}");
        }
        base.learn(&url("http://a/pub/9/x"), &url("https://a/mirror/pub/9/x"));
        assert_eq!(base.direct.as_str(), "https://a/mirror/pub");
        assert_eq!(below(&base.direct, "pub", "pub/9/z").unwrap().as_str(), "https://a/mirror/pub/9/z");
    }

    #[test]
    fn urls_of_https_are_asked_first_and_those_of_rsync_never() {
        let urls = ["rsync://a/x", "http://a/x", "https://a/x", "http://b/x"].map(url);
        let way = Way::of(&urls);
        let given: Vec<&str> = way.bases.iter().map(|base| base.given.as_str()).collect();
        assert_eq!(given, ["https://a/x", "http://a/x", "http://b/x"]);
    }
}
