//! Opens the database of a home, and makes it from genesis where there is none yet.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use dalil_ledger::genesis::Genesis;
use dalil_ledger::store::{Create, Family, Kv, Ledger, RocksKv, StoreError};

use super::home::{Home, sync_folder};

/// Stands in a database's folder until genesis is durable there. A first start that is cut short leaves it behind, and the
/// next one begins anew: nothing but genesis can have been written.
const UNFINISHED: &str = "UNFINISHED";

/// What an operator does about a database that cannot be read.
pub fn remedy(data: &Path) -> String {
    format!(
        "if the files in {} are damaged, move the folder away and start again: the node fetches the chain from its peers. \
         Leave the sign record where it is",
        data.display()
    )
}

/// Opens the ledger of `home`, whose genesis is given, making it where there is none yet.
pub fn open_ledger(home: &Home, genesis: &Genesis) -> anyhow::Result<Ledger> {
    let data = home.data();
    let marker = data.join(UNFINISHED);
    if marker.exists() {
        empty(&data, &marker).with_context(|| format!("cannot empty {}", data.display()))?;
    }
    // A folder with files but without the one that names the newest version is damaged, not fresh.
    let fresh = !data.exists() || std::fs::read_dir(&data)?.next().is_none();
    if fresh {
        mark(home.path(), &data, &marker).with_context(|| format!("cannot make {}", data.display()))?;
    }
    let create = if fresh { Create::IfMissing } else { Create::Never };
    let opened = RocksKv::open(&data, create);
    let kv: Arc<dyn Kv> = Arc::new(opened.with_context(|| format!("cannot open the database: {}", remedy(&data)))?);
    // Empty but not fresh: the whole write-ahead log was lost. The chain comes from the peers.
    let ledger = if kv.snapshot().last(Family::Meta)?.is_none() {
        Ledger::create(kv, genesis)
    } else {
        Ledger::open(kv, Some(&genesis.chain_id()))
    };
    let ledger = ledger.map_err(|error| match error {
        StoreError::Kv(_) => anyhow::Error::new(error).context(format!("cannot read the database: {}", remedy(&data))),
        other => anyhow::Error::new(other).context(format!("ledger in {}", data.display())),
    })?;
    if fresh {
        std::fs::remove_file(&marker)?;
        sync_folder(&data)?;
    }
    Ok(ledger)
}

fn mark(home: &Path, data: &Path, marker: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(data)?;
    std::fs::File::create(marker)?.sync_all()?;
    sync_folder(data)?;
    sync_folder(home)
}

/// Removes everything, and the marker last.
fn empty(data: &Path, marker: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(data)? {
        let path = entry?.path();
        if path != marker {
            std::fs::remove_file(&path)?;
        }
    }
    sync_folder(data)?;
    std::fs::remove_file(marker)
}
