//! Labels as files for others.

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use entity::labels::own;
use entity::standing;
use model::{Label, Standing};

use crate::cli::{LabelExportArgs, LabelExportFormat};
use crate::home::Home;
use crate::out::Out;

pub fn run(home: &Home, args: &LabelExportArgs, out: &Out) -> Result<ExitCode> {
    let store = home.open_existing()?;
    let mut labels = store.labels()?;
    standing::apply(&mut labels, &store.label_events()?);
    labels.retain(|label| match args.collection.as_slice() {
        [] => label.tag.is_own,
        names => names.contains(&label.collection),
    });
    if labels.is_empty() {
        bail!("there is no such label: `interdict labels status` says which collections there are");
    }
    let before = labels.len();
    labels.retain(|label| label.tag.standing == Standing::Undisputed);
    if labels.len() < before {
        out.note(&format!("{} disputed labels are left out", before - labels.len()));
    }
    let text = match args.format {
        LabelExportFormat::OwnCsv => own::to_csv(&labels),
        LabelExportFormat::Tagpack => {
            let bounded = labels.iter().filter(|l: &&Label| l.tag.valid_until.is_some()).count();
            if bounded > 0 {
                out.note(&format!(
                    "{bounded} labels have a last day, which a TagPack cannot say: it stays behind"
                ));
            }
            own::to_tagpack(&labels, &args.title, &args.creator)
        }
    };
    match &args.out {
        Some(path) => {
            fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
            out.note(&format!("{}: {} labels", path.display(), labels.len()));
        }
        None => out.print(&text)?,
    }
    Ok(ExitCode::SUCCESS)
}
