//! `dhtsim init`: writes a small scenario to begin with.
//!
//! The scenarios stand in the folder of this name, each with comments. Beside the one that is
//! written its JSON Schema is put, which it names, for editors.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::scenario;

use super::output::say;
use super::save::{save, save_new};
use super::{Ending, Failure};

/// Write a small scenario with comments, to begin with.
///
/// It runs as it stands, within seconds. The JSON Schema of scenarios is put beside it, in
/// `.dhtsim/schema.json`, so that editors complete and explain every field.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dhtsim init chord
  dhtsim init churn my-churn.json && dhtsim run my-churn.json")]
pub(super) struct Init {
    /// What it is about
    #[arg(value_enum, value_name = "KIND")]
    kind: Kind,
    /// The file to write; it must not be there yet [default: KIND.json]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Kind {
    /// Chord with fingers: hops against the number of nodes
    Chord,
    /// Chord's base version of joining: messages of a join
    ChordBase,
    /// A ring whose nodes know their successors only
    SuccessorRing,
    /// Everybody knows everybody, by gossip
    FullMembership,
    /// A store with copies on full membership, as Dynamo
    Dynamo,
    /// A tracker that names owners of files
    Tracker,
    /// A swarm that downloads a file, as BitTorrent
    Swarm,
    /// Chord while hosts come and go
    Churn,
}

impl Kind {
    /// Its name, and the scenario.
    fn template(self) -> (&'static str, &'static str) {
        match self {
            Kind::Chord => ("chord", include_str!("init/chord.json")),
            Kind::ChordBase => ("chord-base", include_str!("init/chord-base.json")),
            Kind::SuccessorRing => ("successor-ring", include_str!("init/successor-ring.json")),
            Kind::FullMembership => ("full-membership", include_str!("init/full-membership.json")),
            Kind::Dynamo => ("dynamo", include_str!("init/dynamo.json")),
            Kind::Tracker => ("tracker", include_str!("init/tracker.json")),
            Kind::Swarm => ("swarm", include_str!("init/swarm.json")),
            Kind::Churn => ("churn", include_str!("init/churn.json")),
        }
    }
}

/// Where the schema stands, as the scenarios name it.
const SCHEMA: &str = ".dhtsim/schema.json";

impl Init {
    pub(super) fn run(&self) -> Result<Ending, Failure> {
        let (name, text) = self.kind.template();
        let file = self.file.clone().unwrap_or_else(|| PathBuf::from(format!("{name}.json")));
        let text = named(text, name, &file);
        save_new(&file, text.as_bytes())?;
        let schema = file.parent().unwrap_or(Path::new("")).join(SCHEMA);
        save(&schema, format!("{:#}\n", scenario::schema()).as_bytes())?;
        let shown = file.display();
        say(&format!("{shown}: written, with {}; run it: dhtsim run {shown}", schema.display()));
        Ok(Ending::Good)
    }
}

/// The scenario under the name of its file, so that two of one kind have folders of results of
/// their own; under that of its kind where the file's is none.
fn named(text: &str, name: &str, file: &Path) -> String {
    let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let renamed =
        text.replacen(&format!("\"name\": \"{name}\""), &format!("\"name\": {stem:?}"), 1);
    let is_good = scenario::parse("", &renamed, &scenario::Overrides::default()).is_ok();
    if is_good { renamed } else { text.to_owned() }
}
