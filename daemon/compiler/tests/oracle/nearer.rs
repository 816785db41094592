//! What `near-hosts = 3` is to clients of twenty countries, on the real inventory: their first five mirrors before and
//! after. Prints a table, by hand: `cargo test -p mirrorlist-cache --test oracle nearer -- --ignored --nocapture`.

use crate::{
    dice::Dice,
    exchange::{Asked, Program},
    order::RULES,
    real,
};
use cache::{CacheBytes, HostId, View, place::Place, scheme::host_name};
use interchange::message::Host;
use std::{collections::BTreeMap, fs, net::IpAddr, path::Path};
use wire::{Accept, Method, UrlScheme, code::Country};

const COUNTRIES: [&str; 20] = [
    "SI", "SA", "EG", "RU", "BR", "NZ", "ZA", "IN", "PK", "KZ", "IS", "EE", "UY", "KE", "NG", "MN", "IE",
    "MX", "TH", "MA",
];
const DRAWS: usize = 300;

/// Clients and hosts of one directory.
struct Inventory<'a> {
    view: View<'a>,
    program: Program<'a>,
    /// Country and place of each host, by the names in its URLs.
    hosts: BTreeMap<&'a str, (String, Option<Place>)>,
}

#[test]
#[ignore = "prints a table, for the eye"]
fn nearer() {
    let Some(mut world) = real::world() else { return };
    // MirrorManager's file has no places, the collector's has.
    let lines =
        fs::read_to_string(Path::new(real::DATA).join("mirrors.jsonl")).expect("the inventory's places");
    for line in lines.lines() {
        let mirror: serde_json::Value = serde_json::from_str(line).expect("a mirror");
        let (latitude, longitude) = (mirror["lat"].as_f64(), mirror["lon"].as_f64());
        world.list.host.push(Host { id: mirror["id"].as_i64(), latitude, longitude, ..Host::default() });
    }
    let before = world.compile();
    world.choice.near_hosts = 3;
    let after = world.compile();
    world.choice.near_hosts = 5;
    let with_five = world.compile();
    println!("bytes of cache: {} before, {} after", before.len(), after.len());
    println!("country  far: before, with 3, with 5  | one draw of five before | after (country, km)");
    let (mut far_before, mut far_after) = (0.0, 0.0);
    for country in COUNTRIES {
        let (was, far) = first_five(&before, country);
        let (is, far_now) = first_five(&after, country);
        let (_, far_of_five) = first_five(&with_five, country);
        println!("{country}  {far:>5.1} %  {far_now:>5.1} %  {far_of_five:>5.1} %  | {was} | {is}");
        far_before += far;
        far_after += far_now;
        assert!(far_now <= far && far_of_five < 10.0, "{country}: {far_of_five} % of five are far away");
    }
    let count = COUNTRIES.len() as f64;
    println!("mean  {:.1} %  {:.1} %", far_before / count, far_after / count);
}

/// One draw in words, and the share of far places in many: beyond 4,000 km while there are hosts within it that are not
/// among the five.
fn first_five(cache: &CacheBytes, country: &str) -> (String, f64) {
    let view = View::check(cache).expect("a good cache");
    let mut inventory = Inventory { view, program: Program::start(cache, RULES), hosts: BTreeMap::new() };
    let carriers = inventory.carriers();
    let code = Country::parse(country.as_bytes()).expect("a country");
    let (client, from) = (inventory.address_in(code), Place::of(code).expect("a point"));
    let asked = Asked {
        method: Method::Get,
        path: b"/mirrorlist".to_vec(),
        query: b"path=almalinux/9/BaseOS/x86_64/os&protocol=https,http".to_vec(),
        client: Some(client),
        scheme: UrlScheme::Http,
        accept: Accept::NONE,
    };
    let km = |name: &str| carriers.get(name).and_then(|(_, place)| Some(from.km((*place)?)));
    let within = carriers.values().filter(|(_, place)| place.is_some_and(|at| from.km(at) <= 4000.0)).count();
    let (mut words, mut far, mut places) = (String::new(), 0, 0);
    let mut dice = Dice::new(22);
    for draw in 0..DRAWS {
        let reply = inventory.program.ask(&asked, 0, &mut dice.0);
        let mut five: Vec<&str> = Vec::new();
        for name in reply.body.lines().skip(1).map(host_name) {
            if !five.contains(&name) && five.len() < 5 {
                five.push(name);
            }
        }
        let near = five.iter().filter(|name| km(name).is_some_and(|km| km <= 4000.0)).count();
        far += (five.len() - near).min(within.saturating_sub(near));
        places += five.len();
        if draw == 0 {
            let word = |name: &&str| {
                let of = carriers.get(name).map_or("?", |(country, _)| country);
                km(name).map_or(format!("{of} ?"), |km| format!("{of} {km:.0}"))
            };
            words = five.iter().map(word).collect::<Vec<_>>().join(", ");
        }
    }
    (words, 100.0 * far as f64 / places as f64)
}

impl<'a> Inventory<'a> {
    /// The public hosts of the directory.
    fn carriers(&mut self) -> BTreeMap<&'a str, (String, Option<Place>)> {
        let view = self.view;
        let path = b"almalinux/9/BaseOS/x86_64/os";
        let Some(cache::Found::Directory(directory)) = view.find(path) else { panic!("no such directory") };
        for (_, member) in view.set(view.carriers(directory)).iter().filter(|(_, member)| member.public) {
            let host: HostId = view.placement_host(member.placement);
            let country = view.host_country(host).and_then(|country| view.country_code(country));
            let country = country.map_or("-".to_owned(), |code| code.to_string());
            for (_, url) in view.placement_urls(member.placement).filter_map(|url| view.url(url)) {
                self.hosts.insert(host_name(url), (country.clone(), view.place(host)));
            }
        }
        std::mem::take(&mut self.hosts)
    }

    /// An address of the country for which no host has a netblock or an AS.
    fn address_in(&self, country: Country) -> IpAddr {
        let country = self.view.country_id(country).expect("the cache names it");
        let mut addresses =
            (0..1_u32 << 20).map(|n| IpAddr::from(n.wrapping_mul(2_654_435_761).to_be_bytes()));
        let fits = |address: &IpAddr| {
            let class = self.view.class(*address);
            class.country == Some(country) && class.asn.is_none() && class.netblock.is_none()
        };
        addresses.find(fits).expect("an address of the country")
    }
}
