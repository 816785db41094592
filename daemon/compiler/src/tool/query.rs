//! `mirrorlist-cache query`: the answer that the daemon would give, and with `--explain` why.

use super::{checked, explanation::Explanation, hosts, open};
use crate::failure::Failure;
use answer::{
    Fragments, Scratch, Service,
    redirector::{Prefix, Redirector},
    rules::{NetblockMode, Rules},
    suspended::Usable,
};
use program::{
    options::{duration, one_of},
    print::printed,
};
use rand::{SeedableRng, rngs::SmallRng};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    io::{self, Write},
    net::IpAddr,
    path::PathBuf,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use wire::{Accept, Method, Request, UrlScheme};

/// What a client may have come by.
const SCHEMES: [(&str, UrlScheme); 2] = [("http", UrlScheme::Http), ("https", UrlScheme::Https)];

/// What to ask which file.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// The cache file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The request, such as 'metalink?repo=fedora-42&arch=x86_64&ip=192.0.2.7'
    #[arg(value_name = "REQUEST")]
    request: String,
    /// Ask as this client; `ip=` in the request beats it
    #[arg(long, value_name = "ADDRESS")]
    client: Option<IpAddr>,
    /// Hosts below which mirrors of the whole world are added
    #[arg(long, value_name = "N", default_value_t = Rules::default().minimum)]
    minimum: usize,
    /// What mirrors for the client's netblock mean for all others
    #[arg(long, value_name = "MODE", default_value = NetblockMode::NAMES[0].0, value_parser = one_of(&NetblockMode::NAMES))]
    netblock: NetblockMode,
    /// Leave out the URLs that this list says are suspended, as mirrorlistd --suspended does
    #[arg(long, value_name = "FILE")]
    suspended: Option<PathBuf>,
    /// Prefix below which paths are those of files; may be repeated
    #[arg(long, value_name = "PREFIX", default_value = "/dl/")]
    redirector: Vec<Prefix>,
    /// Ask as for a client that has come so
    #[arg(long, value_name = "SCHEME", default_value = "http", value_parser = one_of(&SCHEMES))]
    scheme: UrlScheme,
    /// For how long the redirector leads a client to the same mirror; 0: each answer is drawn anew
    #[arg(long, value_name = "TIME", default_value = "6h", value_parser = duration)]
    sticky: Duration,
    /// Draw the same order each time
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// Say for every host that carries the directory why it is listed or not
    #[arg(long)]
    explain: bool,
    /// Say it of this host alone, by number or by the name in its URLs, whether or not it carries the directory
    #[arg(long, value_name = "NAME|ID", requires = "explain")]
    host: Option<String>,
    /// Print status and header lines before the answer
    #[arg(short, long, conflicts_with_all = ["explain", "json"])]
    include: bool,
    /// Print the answer or the explanation as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Answered<'a> {
    status: u16,
    kind: &'static str,
    headers: BTreeMap<&'a str, &'a str>,
    tier: &'static str,
    body: &'a str,
}

/// Answers one request from a file.
pub fn run(options: &Options) -> Result<(), Failure> {
    let bytes = open(&options.file)?;
    let view = checked(&options.file, &bytes)?;
    let (path, query) = options.request.split_once('?').unwrap_or((&options.request, ""));
    let path = format!("/{}", path.trim_start_matches('/'));
    let request = Request {
        method: Method::Get,
        scheme: options.scheme,
        accept: Accept::default(),
        client: options.client,
        path: path.as_bytes(),
        query: query.as_bytes(),
    };
    let redirector = Redirector::new(options.redirector.clone(), options.sticky.as_secs());
    let rules = Rules { minimum: options.minimum, netblock: options.netblock, ..Rules::default() };
    let mut dice = match options.seed {
        Some(seed) => SmallRng::seed_from_u64(seed),
        None => SmallRng::try_from_rng(&mut rand::rngs::SysRng)
            .map_err(|error| Failure::system(format!("random numbers: none to be had ({error})")))?,
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
    let usable = options.suspended.as_deref().map_or(Ok(Usable::default()), |list| {
        Usable::read(&view, list, now)
            .map_err(|cause| Failure::cache(format!("suspended {}: {cause}", list.display())))
    })?;
    let fragments = Fragments::of_usable(&view, usable)
        .map_err(|error| Failure::cache(format!("cache {}: {error}", options.file.display())))?;
    let service = Service {
        view,
        fragments: &fragments,
        rules,
        redirector: Some(&redirector),
        version: env!("CARGO_PKG_VERSION"),
    };
    if options.explain {
        let host = options.host.as_deref().map(|host| hosts::find(&view, &options.file, host)).transpose()?;
        let explanation = Explanation::of(&service, &request, host, now, &mut dice);
        return printed(options.json, &explanation, || explanation.to_string());
    }
    let mut page = Vec::new();
    let answer = service.answer(&request, now, &mut dice, &mut Scratch::default(), &mut page);
    let text = String::from_utf8_lossy(&page);
    let (headers, body) = text.split_at(answer.headers_len);
    if options.json {
        let answered = Answered {
            status: answer.head.status,
            kind: answer.head.kind.name(),
            headers: headers.lines().filter_map(|line| line.split_once(": ")).collect(),
            tier: answer.head.tier.name(),
            body,
        };
        return printed(true, &answered, String::new);
    }
    let mut out = String::new();
    if options.include {
        out = format!("{}\n", answer.head.status);
        out.push_str(&headers.replace("\r\n", "\n"));
        out.push('\n');
    }
    out.push_str(body);
    match io::stdout().write_all(out.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::system(format!("answer: cannot be written ({error})")))
        }
        _ => Ok(()),
    }
}
