//! `mirrorlist-cache list`: which mirrors, repositories or directories are in a cache file, one a line.

use super::{
    checked,
    hosts::{self, Carried},
    known::Known,
    open,
};
use crate::failure::Failure;
use cache::{DirectoryId, FileId, RepoArchId, RepositoryId, View};
use glob::{MatchOptions, Pattern};
use program::print::printed;
use serde::Serialize;
use std::{
    fmt::{self, Write},
    path::PathBuf,
};

/// What to list of which file.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// What to list
    #[arg(value_name = "WHAT", value_enum)]
    what: What,
    /// The cache file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Only those whose name, number or path is like this, such as '*.example.org' or 'epel-*'; * stands for slashes too
    #[arg(value_name = "GLOB")]
    glob: Option<String>,
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

/// What there is to list.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum What {
    /// Hosts: number, country, bandwidth, directories, URLs
    Mirrors,
    /// Repositories by architecture, and their directories
    Repositories,
    /// Directories: number of mirrors, and of files whose hashes are known
    Directories,
}

/// Lists what a file has.
pub fn run(options: &Options) -> Result<(), Failure> {
    let like = Like::read(options.glob.as_deref())?;
    let bytes = open(&options.file)?;
    let view = checked(&options.file, &bytes)?;
    match options.what {
        What::Mirrors => print(options, Mirror::all(&view, &like)),
        What::Repositories => print(options, Repository::all(&view, &like)),
        What::Directories => print(options, Directory::all(&view, &like)),
    }
}

fn print<R: Row>(options: &Options, rows: Vec<R>) -> Result<(), Failure> {
    if let (Some(glob), []) = (&options.glob, &rows[..]) {
        let message = format!("{} {glob}: none in {}", R::NAME, options.file.display());
        return Err(Failure::cache(message));
    }
    printed(options.json, &rows, || {
        let mut text = String::with_capacity(R::HEADING.len() + rows.len() * 100);
        text.push_str(R::HEADING);
        for row in &rows {
            // Writing to a string does not fail.
            let _ = write!(text, "\n{row}");
        }
        text
    })
}

/// A line of a list. The field names are those of the JSON form.
trait Row: Serialize + fmt::Display {
    const NAME: &'static str;
    const HEADING: &'static str;
}

/// What is looked for.
struct Like(Option<Pattern>);

impl Like {
    fn read(glob: Option<&str>) -> Result<Like, Failure> {
        let pattern = glob.map(|glob| {
            Pattern::new(glob).map_err(|error| Failure::config(format!("pattern {glob}: {}", error.msg)))
        });
        pattern.transpose().map(Like)
    }

    fn is(&self, text: &str) -> bool {
        let options = MatchOptions { case_sensitive: false, ..MatchOptions::new() };
        self.0.as_ref().is_none_or(|pattern| pattern.matches_with(text, options))
    }
}

#[derive(Serialize)]
struct Mirror<'a> {
    id: i64,
    names: Vec<&'a str>,
    country: Option<String>,
    bandwidth: u32,
    directories: usize,
    /// Of how many of them it is a public mirror.
    public_directories: usize,
    #[serde(flatten)]
    known: Known,
    urls: Vec<&'a str>,
    #[serde(skip)]
    openness: &'static str,
}

impl<'a> Mirror<'a> {
    /// By number.
    fn all(view: &View<'a>, like: &Like) -> Vec<Mirror<'a>> {
        let mut rows: Vec<Mirror<'a>> = hosts::all(view)
            .zip(Carried::of_all(view))
            .map(|(host, carried)| {
                let urls = hosts::urls(view, host);
                Mirror {
                    id: view.host_source_id(host),
                    names: hosts::names(&urls),
                    country: hosts::code(view, view.host_country(host)),
                    bandwidth: view.bandwidth(host),
                    directories: carried.directories,
                    public_directories: carried.public,
                    known: Known::of(view, host),
                    urls,
                    openness: carried.openness(),
                }
            })
            .filter(|row| like.is(&row.id.to_string()) || row.names.iter().any(|name| like.is(name)))
            .collect();
        rows.sort_unstable_by_key(|row| row.id);
        rows
    }
}

impl Row for Mirror<'_> {
    const NAME: &'static str = "mirrors";
    const HEADING: &'static str = "    host  country  bandwidth  public   directories  URLs";
}

impl fmt::Display for Mirror<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Mirror { id, bandwidth, openness, directories, .. } = self;
        let country = self.country.as_deref().unwrap_or("-");
        let urls = self.urls.join(" ");
        write!(f, "{id:>8}  {country:<7}  {bandwidth:>9}  {openness:<7}  {directories:>11}  {urls}")
    }
}

#[derive(Serialize)]
struct Repository<'a> {
    repo: &'a str,
    arch: Option<&'a str>,
    /// Absent where no mirror carries it.
    directory: Option<String>,
    /// The repository that answers in its place.
    redirect: Option<&'a str>,
    disabled: bool,
}

impl<'a> Repository<'a> {
    /// By name and architecture; one without any is a line too.
    fn all(view: &View<'a>, like: &Like) -> Vec<Repository<'a>> {
        let mut rows = Vec::new();
        for id in (0..view.repository_count() as u32).map(RepositoryId) {
            let Some(repository) = view.repository(id).filter(|found| like.is(found.name)) else { continue };
            let redirect = repository.redirect.and_then(|to| view.repository(to)).map(|to| to.name);
            let row = |arch: Option<RepoArchId>| Repository {
                repo: repository.name,
                arch: arch.map(|arch| view.arch_of(arch)),
                directory: arch
                    .and_then(|arch| view.repo_arch(arch))
                    .and_then(|arch| arch.directory)
                    .map(|directory| path(view, directory)),
                redirect,
                disabled: repository.disabled,
            };
            rows.extend(view.repo_archs(id).map(|arch| row(Some(arch))));
            if view.repo_archs(id).len() == 0 && (redirect.is_some() || repository.disabled) {
                rows.push(row(None));
            }
        }
        rows
    }
}

impl Row for Repository<'_> {
    const NAME: &'static str = "repositories";
    const HEADING: &'static str = "repo                                 arch      directory";
}

impl fmt::Display for Repository<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arch = self.arch.unwrap_or("-");
        write!(f, "{:<36} {arch:<9} ", self.repo)?;
        match (&self.directory, self.disabled, self.redirect) {
            (directory, true, _) => write!(f, "{} (disabled)", directory.as_deref().unwrap_or("-")),
            (_, _, Some(to)) => write!(f, "- (redirect to {to})"),
            (Some(directory), ..) => f.write_str(directory),
            (None, ..) => f.write_str("- (no mirror carries it)"),
        }
    }
}

#[derive(Serialize)]
struct Directory {
    directory: String,
    mirrors: usize,
    /// Those whose hashes are known.
    files: u32,
}

impl Directory {
    /// By path.
    fn all(view: &View<'_>, like: &Like) -> Vec<Directory> {
        let mut files = vec![0; view.directory_count()];
        for file in (0..view.file_count() as u32).map(FileId) {
            let directory = view.file(file).map(|(directory, _)| directory.0 as usize);
            if let Some(count) = directory.and_then(|directory| files.get_mut(directory)) {
                *count += 1;
            }
        }
        let mut rows: Vec<Directory> = (0..)
            .map(DirectoryId)
            .zip(files)
            .map(|(directory, files)| (directory, path(view, directory), files))
            .filter(|(_, path, _)| like.is(path))
            .map(|(directory, path, files)| Directory {
                directory: path,
                mirrors: view.set(view.carriers(directory)).len(),
                files,
            })
            .collect();
        rows.sort_unstable_by(|a, b| a.directory.cmp(&b.directory));
        rows
    }
}

impl Row for Directory {
    const NAME: &'static str = "directories";
    const HEADING: &'static str = " mirrors     files  directory";
}

impl fmt::Display for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>8}  {:>8}  {}", self.mirrors, self.files, self.directory)
    }
}

fn path(view: &View<'_>, directory: DirectoryId) -> String {
    let mut path = Vec::new();
    view.directory_path(directory, &mut path);
    String::from_utf8_lossy(&path).into_owned()
}
