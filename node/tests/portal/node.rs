//! A whole node's interface over a small ledger, for what a chain of documents alone cannot answer.

use tokio::runtime::Runtime;

use crate::site::Site;

pub(crate) struct Node {
    site: Site,
    _runtime: Runtime,
}

impl Node {
    pub(crate) fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let site = runtime.block_on(Site::open());
        Self { site, _runtime: runtime }
    }

    pub(crate) fn page(&self, path: &str) -> String {
        self.site.url(path)
    }

    pub(crate) fn site(&self) -> &Site {
        &self.site
    }
}
