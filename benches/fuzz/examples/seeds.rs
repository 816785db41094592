//! Writes the first inputs of every target into a folder: what the service reads on a good day, all of the sample.
//!
//! `cargo run --example seeds -- corpus`, when a format has changed or a target is new. Other files there stay.

use fuzz::sample::USUAL;
use prost::Message as _;
use std::{env, fs, io, path::Path};
use testkit::sample;
use wire::{
    Hello, Kind, Method, ReplyHead, ReplyStart, Request, Tier, UrlScheme, encode_goaway, encode_hello,
    encode_ping, encode_pong, encode_request,
};

const FORWARDED: [&[u8]; 4] = [
    b"\x02192.0.2.1:5555 ,\t[fe80::2%eth0]:80 ,10.0.0.1:1 \n127.0.0.1",
    b"\x11::ffff:192.0.2.1, 2001:db8::1, unknown",
    b"\x06[::1], 10.0.0.1, _hidden,, 2002:c000:201::",
    b"\x1f198.51.100.7",
];

fn main() -> io::Result<()> {
    let folder = env::args().nth(1).unwrap_or_else(|| "corpus".to_owned());
    let put = |target: &str, name: &str, bytes: &[u8]| {
        let folder = Path::new(&folder).join(target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(name), bytes)
    };
    for (number, text) in USUAL.iter().enumerate() {
        let name = format!("usual-{number}");
        put("answer", &name, &[&[number as u8, 8 + number as u8, 1, 1], *text].concat())?;
        put("query", &name, text.split(|byte| *byte == b'?').nth(1).unwrap_or_default())?;
    }
    // One change of each kind, then a request.
    for how in 0..16_u8 {
        put(
            "cache",
            &format!("change-{how}"),
            &[&[1, how, how * 8, 0, 0, 1, 0, 0, 0, 1, 8, 1, 1], USUAL[1]].concat(),
        )?;
    }
    // The same at places all over the tables.
    for number in 0..48_u8 {
        let (how, place) = (number % 14, u16::from(number) * 700);
        let change = [how, place as u8, (place >> 8) as u8, 0, number, 0, 0, 0];
        put("forged", &format!("change-{number}"), &[&[1][..], &change].concat())?;
    }
    for (target, inputs) in [("forwarded", &FORWARDED[..])] {
        for (number, bytes) in inputs.iter().enumerate() {
            put(target, &format!("usual-{number}"), bytes)?;
        }
    }
    put("mirrormanager", "sample", &sample::mirror_list().encode_to_vec())?;
    put("mirrormanager", "small", &small())?;
    put("routes", "sample", sample::netblocks().as_bytes())?;
    put("continents", "sample", sample::continents().as_bytes())?;
    put("geoip", "sample", &sample::geoip())?;
    for program in ["mirrorlistd", "mirrorlist-http", "mirrorlist-cache"] {
        let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../systemd/");
        let text = fs::read_to_string(format!("{example}{program}.toml"))?;
        // Options are commented out without a blank.
        put(
            "config",
            program,
            text.lines()
                .filter(|line| !line.starts_with("# "))
                .collect::<Vec<_>>()
                .join("\n")
                .replace('#', "")
                .as_bytes(),
        )?;
    }
    put("wire", "all", &messages())?;
    put("connection", "frames", &[b"\x00\x14", &messages()[..]].concat())?;
    put("connection", "retired", &[b"\x02\x14", &messages()[..]].concat())?;
    for (number, status) in [200, 302, 204].into_iter().enumerate() {
        put("replies", &format!("usual-{number}"), &[&b"\x28"[..], &replies(status)].concat())?;
    }
    Ok(())
}

/// One of each message.
fn messages() -> Vec<u8> {
    let mut out = Vec::new();
    let text = USUAL[0];
    let request = Request {
        method: Method::Head,
        scheme: UrlScheme::Https,
        client: "2001:db8:33::1".parse().ok(),
        query: &text[11..],
        ..fuzz::asked::of_text(b"/mirrorlist")
    };
    encode_request(&mut out, 9, &request);
    encode_ping(&mut out, 1);
    encode_request(&mut out, 10, &Request { client: "192.0.2.1".parse().ok(), ..request });
    encode_pong(&mut out, 2);
    encode_hello(&mut out, &Hello { slot: 1, slots: 2, pid: 3, generation: 4 });
    encode_goaway(&mut out, "reason");
    reply(&mut out, 5, 302);
    out
}

fn reply(out: &mut Vec<u8>, id: u64, status: u16) {
    let start = ReplyStart::begin(out, id);
    out.extend_from_slice(b"Location: a\r\nb\n");
    start.finish(out, &ReplyHead { status, kind: Kind::Redirect, tier: Tier::Geoip }, 13);
}

/// What a worker says: it answers three questions in another order, and wants to go.
fn replies(status: u16) -> Vec<u8> {
    let mut out = Vec::new();
    encode_ping(&mut out, 9);
    reply(&mut out, 2, 200);
    reply(&mut out, 1, status);
    encode_pong(&mut out, 0);
    reply(&mut out, 3, 404);
    encode_goaway(&mut out, "");
    out
}

/// The sample with few directories.
fn small() -> Vec<u8> {
    let mut list = sample::mirror_list();
    list.mirror_list
        .retain(|row| row.directory.as_deref().is_some_and(|path| path.starts_with(b"pub/epel/10/")));
    list.file_details.truncate(7);
    list.encode_to_vec()
}
