//! Every option of `mirrorlist-collect import`.

use clap::Args;
use program::failure::Failure;
use std::path::PathBuf;

/// What to make files of mirrors from.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// A folder of AlmaLinux' files of mirrors (*.yml), or a list of URLs with countries, one a line
    #[arg(value_name = "SOURCE")]
    pub source: PathBuf,
    /// The folder to put files of mirrors into; those that are there stay
    #[arg(value_name = "FOLDER")]
    pub folder: PathBuf,
    /// The category that the URLs are of
    #[arg(long, value_name = "NAME")]
    pub category: String,
    /// The category of a further module of AlmaLinux, such as kitten=Kitten
    #[arg(long, value_name = "MODULE=NAME", value_parser = module)]
    pub module: Vec<(String, String)>,
    /// Print the summary as JSON
    #[arg(long)]
    pub json: bool,
}

fn module(text: &str) -> Result<(String, String), Failure> {
    let pair = text.split_once('=').filter(|(module, name)| !module.is_empty() && !name.is_empty());
    let (module, name) =
        pair.ok_or_else(|| Failure::config("expected a module and a category, such as kitten=Kitten"))?;
    Ok((module.to_owned(), name.to_owned()))
}
