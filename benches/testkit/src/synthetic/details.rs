//! Files with known hashes: `repomd.xml` of the repositories, images, and files with odd names.

use super::{Dice, Options, SOURCE_TIME, repositories::Repositories, tree::ODD_NAMES};
use interchange::{
    message::{FileDetails, FileDetailsDirectory, FileDetailsFile},
    write::{self, Writer},
};
use rand::RngExt as _;
use std::io::{self, Write};

/// `FileDetailsCache`: two versions of most `repomd.xml`, sometimes one or three; a few repositories have none.
pub fn write(
    options: &Options,
    repositories: &Repositories,
    records: &mut Writer<impl Write>,
) -> io::Result<()> {
    let mut dice = options.dice("details");
    for (number, row) in repositories.rows.iter().enumerate() {
        let versions = match number % 50 {
            13 => 0,
            17 => 1,
            23 => 3,
            _ => 2,
        };
        let mut age = 0;
        let details = (0..versions)
            .map(|_| {
                age += dice.random_range(3600..100_000);
                version(age, &mut dice)
            })
            .collect();
        record(&format!("{}/repodata", row.directory), "repomd.xml", details, records)?;
    }
    for name in ODD_NAMES {
        let details = vec![version(7200, &mut dice)];
        record(&format!("pub/alt/{name}"), "libstdc++ 100% & <x>^~.iso", details, records)?;
    }
    let mut upper = version(7200, &mut dice);
    upper.sha256 = upper.sha256.map(|hash| hash.to_ascii_uppercase());
    upper.md5 = Some("no hash".into());
    upper.size = Some(u64::MAX);
    let timeless = FileDetails { sha256: upper.sha256.clone(), ..Default::default() };
    record("/pub/alt/stale/repodata/", "repomd.xml", vec![upper, timeless], records)?;
    record("pub/alt/nowhere", "lost.iso", vec![version(7200, &mut dice)], records)
}

fn record(
    directory: &str,
    file: &str,
    details: Vec<FileDetails>,
    records: &mut Writer<impl Write>,
) -> io::Result<()> {
    let files = vec![FileDetailsFile { filename: Some(file.into()), details }];
    records.add(&write::FILE_DETAILS, &FileDetailsDirectory { directory: Some(directory.into()), files })
}

fn version(age: u64, dice: &mut Dice) -> FileDetails {
    let hex = |digits: usize, dice: &mut Dice| {
        Some((0..digits).map(|_| b"0123456789abcdef"[dice.random_range(0..16)]).collect::<Vec<u8>>())
    };
    FileDetails {
        timestamp: Some(SOURCE_TIME - age),
        size: Some(dice.random_range(2000..8000)),
        sha1: hex(40, dice),
        md5: hex(32, dice),
        sha256: hex(64, dice),
        sha512: hex(128, dice),
    }
}
