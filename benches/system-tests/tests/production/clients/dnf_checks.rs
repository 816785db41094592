//! What is expected of dnf, the client that most users have.

use super::{
    Check,
    dnf::Dnf,
    mirror::Mirror,
    repository::{PACKAGE, Repository},
    service::{Carrier, Service},
};

pub const CHECKS: &[Check] = &[
    ("dnf", "metalink: metadata and package", metalink),
    ("dnf", "metalink: a stale first mirror is passed over", stale_first),
    ("dnf", "metalink: it will do as long as its metadata is an alternate", alternates),
    ("dnf", "metalink: metadata that no hash knows is taken from nobody", unknown_hash),
    ("dnf", "metalink: broken first mirrors are passed over", || broken_first("metalink")),
    ("dnf", "metalink: a damaged package is fetched elsewhere", damaged_package),
    ("dnf", "metalink: asks for unchanged metadata no second time", refresh),
    ("dnf", "list: metadata and package", list),
    ("dnf", "list: broken first mirrors are passed over", || broken_first("mirrorlist")),
    ("dnf", "list: a mirror known as stale is not in it", known_as_stale),
    ("dnf", "list: a disabled repository costs one request", disabled),
];

fn metalink() {
    let new = Repository::build("1.1");
    let (first, second) = (Mirror::serve(new.folder()), Mirror::serve(new.folder()));
    let service = Service::of(&[&first, &second], &[new.repomd()]);
    let dnf = Dnf::new(&service, "metalink");
    dnf.download();
    assert_eq!((dnf.repomd(), dnf.packages()), (new.repomd(), vec![PACKAGE.to_owned()]));
    assert_eq!((first.asked_for("repomd.xml"), second.asked_for("repomd.xml")), (1, 0));
}

fn stale_first() {
    let (old, new) = Repository::old_and_new();
    let (stale, fresh) = (Mirror::serve(old.folder()), Mirror::serve(new.folder()));
    let service = Service::of(&[&stale, &fresh], &[new.repomd()]);
    let dnf = Dnf::new(&service, "metalink");
    dnf.run(&["makecache"]).unwrap();
    assert_eq!(dnf.repomd(), new.repomd());
    assert_eq!(stale.asked_for("repomd.xml"), 1, "the stale one is first: {:?}", stale.asked());
    dnf.download();
    assert_eq!(dnf.packages(), [PACKAGE]);
    assert_eq!(fresh.asked_for(PACKAGE), 1);
}

fn alternates() {
    let (old, new) = Repository::old_and_new();
    let (stale, fresh) = (Mirror::serve(old.folder()), Mirror::serve(new.folder()));
    let service = Service::of(&[&stale, &fresh], &[new.repomd(), old.repomd()]);
    let dnf = Dnf::new(&service, "metalink");
    dnf.download();
    assert_eq!((dnf.repomd(), dnf.packages()), (old.repomd(), vec!["tiny-1.0-1.noarch.rpm".to_owned()]));
    assert_eq!(fresh.asked(), Vec::<String>::new());
}

fn unknown_hash() {
    let (old, new) = Repository::old_and_new();
    let (stale, as_stale) = (Mirror::serve(old.folder()), Mirror::serve(old.folder()));
    let service = Service::of(&[&stale, &as_stale], &[new.repomd()]);
    let said = Dnf::new(&service, "metalink").run(&["makecache"]).expect_err("metadata without a known hash");
    assert!(said.contains("repomd.xml"), "{said}");
    assert!(stale.asked_for("repomd.xml") > 0 && as_stale.asked_for("repomd.xml") > 0);
}

fn broken_first(option: &str) {
    let new = Repository::build("1.1");
    let empty = tempfile::tempdir().unwrap();
    let (away, hollow, fresh) = (Mirror::away(), Mirror::serve(empty.path()), Mirror::serve(new.folder()));
    let service = Service::of(&[&away, &hollow, &fresh], &[new.repomd()]);
    let dnf = Dnf::new(&service, option);
    dnf.download();
    assert_eq!((dnf.repomd(), dnf.packages()), (new.repomd(), vec![PACKAGE.to_owned()]));
    assert!(hollow.asked_for("repomd.xml") > 0, "it is tried before: {:?}", hollow.asked());
}

fn damaged_package() {
    let new = Repository::build("1.1");
    let damaged = new.copy().with_damaged_package();
    let (first, second) = (Mirror::serve(damaged.folder()), Mirror::serve(new.folder()));
    let service = Service::of(&[&first, &second], &[new.repomd()]);
    let dnf = Dnf::new(&service, "metalink");
    dnf.download();
    assert_eq!(dnf.packages(), [PACKAGE]);
    assert!(first.asked_for(PACKAGE) > 0 && second.asked_for(PACKAGE) > 0);
}

fn refresh() {
    let new = Repository::build("1.1");
    let mirror = Mirror::serve(new.folder());
    let service = Service::of(&[&mirror], &[new.repomd()]);
    let dnf = Dnf::new(&service, "metalink");
    for _ in 0..2 {
        dnf.run(&["makecache", "--refresh"]).unwrap();
    }
    assert_eq!(service.web.requests("/metalink?"), 2);
    assert_eq!(mirror.asked_for("repomd.xml"), 1, "{:?}", mirror.asked());
}

fn list() {
    let new = Repository::build("1.1");
    let (first, second) = (Mirror::serve(new.folder()), Mirror::serve(new.folder()));
    let service = Service::of(&[&first, &second], &[new.repomd()]);
    let dnf = Dnf::new(&service, "mirrorlist");
    dnf.download();
    assert_eq!((dnf.repomd(), dnf.packages()), (new.repomd(), vec![PACKAGE.to_owned()]));
    assert_eq!((first.asked_for("repomd.xml"), second.asked_for("repomd.xml")), (1, 0));
}

fn known_as_stale() {
    let (old, new) = Repository::old_and_new();
    let (stale, fresh) = (Mirror::serve(old.folder()), Mirror::serve(new.folder()));
    let service = Service::start(&[Carrier::known_as_stale(&stale), Carrier::of(&fresh)], &[new.repomd()]);
    let dnf = Dnf::new(&service, "mirrorlist");
    dnf.download();
    assert_eq!(dnf.packages(), [PACKAGE]);
    assert_eq!(stale.asked(), Vec::<String>::new());
}

fn disabled() {
    let new = Repository::build("1.1");
    let mirror = Mirror::serve(new.folder());
    let service = Service::of(&[&mirror], &[new.repomd()]);
    for (repository, most) in [("tiny-41", 1), ("unheard-of", 20)] {
        let said = Dnf::of(&service, "mirrorlist", repository).run(&["makecache"]).expect_err("no mirrors");
        assert!(said.contains("'tiny'"), "{said}");
        let requests = service.web.requests(&format!("repo={repository}&"));
        assert!((1..=most).contains(&requests), "{repository}: {requests}");
    }
    assert_eq!(mirror.asked(), Vec::<String>::new());
}
