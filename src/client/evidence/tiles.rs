//! The public tiles of the case log, read from the broker: anybody can compute a proof from them.

use crate::{
    client::remote::{As, Remote, RemoteError},
    tlog::{HASH_BYTES, Hash, TILE_WIDTH, TileId, Tiles, decode_tile, tile_path},
};
use std::{cell::RefCell, collections::BTreeMap, io::Read as _};

/// Tiles of a published state. What they say is believed only as far as a proof made from them holds.
pub(super) struct PublicTiles<'a> {
    remote: &'a Remote,
    size: u64,
    read: RefCell<BTreeMap<TileId, Vec<Hash>>>,
}

impl<'a> PublicTiles<'a> {
    /// Of the case log at a published size.
    pub(super) fn new(remote: &'a Remote, size: u64) -> Self {
        Self { remote, size, read: RefCell::default() }
    }

    fn fetch(&self, id: TileId) -> Result<Vec<Hash>, RemoteError> {
        let answer = |words: String| RemoteError::Answer(words);
        let width =
            id.width_at(self.size).ok_or_else(|| answer(format!("tile {id} lies outside the published log")))?;
        let path = format!("/log/case/{}", tile_path(id, width));
        let response = self.remote.stream(&path, &[], As::Anybody)?;
        let mut bytes = Vec::new();
        let most = (TILE_WIDTH * HASH_BYTES) as u64 + 1;
        let read = response.into_body().into_reader().take(most).read_to_end(&mut bytes);
        read.map_err(|e| answer(e.to_string()))?;
        decode_tile(&bytes).map_err(|e| answer(e.to_string()))
    }
}

impl Tiles for PublicTiles<'_> {
    type Error = RemoteError;

    fn tile(&self, id: TileId) -> Result<Vec<Hash>, RemoteError> {
        if let Some(tile) = self.read.borrow().get(&id) {
            return Ok(tile.clone());
        }
        let tile = self.fetch(id)?;
        self.read.borrow_mut().insert(id, tile.clone());
        Ok(tile)
    }
}
