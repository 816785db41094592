//! MirrorManager's cache: any bytes are read or refused; what was read can be written, passes every check, and is
//! answered from as well as any cache.
#![no_main]

use daemon::{
    answer::{Fragments, Scratch, Service},
    compile::{Skipped, mirrormanager},
};
use fuzz::{
    asked::of_text,
    judge::{ask, is_usable},
    sample::{USUAL, rules, written},
};
use libfuzzer_sys::fuzz_target;
use shared::cache::{RepositoryId, View, inventory::Inventory};

fuzz_target!(|bytes: &[u8]| {
    let (mut inventory, mut skipped) = (Inventory::default(), Skipped::default());
    let outcome = mirrormanager::import(bytes, &mut inventory, &mut skipped);
    for row in skipped.rows() {
        assert!(!row.to_string().contains('\n'), "{row}");
    }
    match outcome {
        Ok(()) if !inventory.directories.is_empty() => answers(&inventory),
        Ok(()) => {}
        Err(cause) => assert!(!cause.to_string().contains('\n'), "{cause}"),
    }
});

fn answers(inventory: &Inventory) {
    let Some(bytes) = written(inventory) else { return };
    let view = View::check(&bytes).expect("what is written passes every check");
    let fragments = Fragments::prepare(&view).expect("an input of some kilobytes asks for little");
    let service = Service { view, fragments: &fragments, rules: rules(8) };
    let mut scratch = Scratch::default();
    for text in USUAL.iter().map(|text| text.to_vec()).chain(about(&view)) {
        let (answer, page) = ask(&service, &of_text(&text), (0, 1), &mut scratch);
        is_usable(&service, &answer, &page, &scratch.log);
    }
}

/// Requests about what is in the cache.
fn about(view: &View<'_>) -> Vec<Vec<u8>> {
    let mut texts = Vec::new();
    for repository in (0..view.repository_count().min(8) as u32).map(RepositoryId) {
        let name = view.repository(repository).map_or("", |row| row.name);
        for tree in view.trees(repository).take(2) {
            for kind in ["mirrorlist", "metalink"] {
                let (name, arch) = (escaped(name.as_bytes()), escaped(view.tree_arch(tree).as_bytes()));
                texts.push(format!("{kind}?repo={name}&arch={arch}").into_bytes());
            }
        }
    }
    for directory in (0..view.directory_count().min(8) as u32).map(shared::cache::DirectoryId) {
        let mut path = Vec::new();
        view.directory_path(directory, &mut path);
        let path = escaped(&path);
        texts.push(format!("mirrorlist?path={path}&protocol=rsync,ftp,http,https").into_bytes());
        texts.push(format!("mirrorlist?path={path}&redirect").into_bytes());
        texts.push(format!("metalink?path={path}/repomd.xml&country=de,global").into_bytes());
    }
    texts
}

fn escaped(text: &[u8]) -> String {
    text.iter().map(|byte| format!("%{byte:02x}")).collect()
}
