//! The seam: a handle that digests are given, and that is saved after them.

use std::path::PathBuf;
use std::sync::Arc;

use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;

use super::Index;
use crate::task::{Job, spawn};

/// What the files of one context hold, kept in a file between builds.
#[napi]
pub struct StatIndex(Arc<Index>);

#[napi]
impl StatIndex {
    /// Nothing is read yet.
    #[napi(constructor)]
    pub fn new(path: String) -> Self {
        Self(Arc::new(Index::new(PathBuf::from(path))))
    }

    /// Writes it through `temporary` when something is new: whether it was written.
    #[napi(ts_return_type = "Promise<boolean>")]
    pub fn save(&self, temporary: String) -> AsyncTask<Job<bool>> {
        let index = self.0.clone();
        spawn(move || index.save(&temporary))
    }
}

impl StatIndex {
    pub fn index(&self) -> Arc<Index> {
        self.0.clone()
    }
}
