//! What the site says itself, into arrays of their own behind all others.

use super::{WriteError, Writer, limit};
use crate::{
    limits::MOST_GLOBS,
    schema::{AliasRow, NONE, OriginRow, PolicyRow},
};

impl Writer<'_> {
    pub(super) fn site(&mut self) -> Result<(), WriteError> {
        let site = &self.inventory.site;
        limit("patterns of origin-only", site.origin_only.len(), MOST_GLOBS)?;
        let public_url = site.public_url.as_ref().map_or(NONE, |url| self.string(url));
        self.schema.policy.push(PolicyRow { young: site.young, public_url });
        for (top, url) in &site.origins {
            let row = OriginRow { top: self.string(top), url: self.string(url) };
            self.schema.origins.push(row);
        }
        for pattern in &site.origin_only {
            let pattern = self.string(pattern);
            self.schema.origin_only.push(pattern);
        }
        for (name, path) in &site.aliases {
            let row = AliasRow { name: self.string(name), path: self.string(path) };
            self.schema.aliases.push(row);
        }
        Ok(())
    }
}
