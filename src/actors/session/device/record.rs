//! What an actor keeps of its session's device: a row of its own SQLite, whatever store has the session's record.
//!
//! ```sql
//! CREATE TABLE device (id INTEGER PRIMARY KEY CHECK (id = 1), device BLOB NOT NULL)   -- wire bytes of DeviceV1
//! ```
//!
//! A device is written in its own row, so that no store outside is asked for an offer, and none that is stale can undo a binding.
//!
//! Architecture Invariant: a row that cannot be read is no unbound session: nothing passes.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::{Bound, Device, Offers};
use crate::actors::session::state::DoesNotApply;
use crate::actors::wire;
use crate::device::Challenge;
use crate::runtime::{SqlValue, Storage};
use crate::store::StoreError;

/// How long the same challenge is given again, so that a browser need not sign twice.
const CHALLENGE_REPEATS: Duration = Duration::seconds(60);
/// How soon another refusal is worth a line, and how soon the same one.
const ANOTHER_REFUSAL: Duration = Duration::seconds(10);
const SAME_REFUSAL: Duration = Duration::minutes(1);

/// A device that nothing was written of: the callback made the first offer.
const FIRST_OFFER: Device = Device::Unbound(Offers { made: 1, last_at: None });

/// [`Device`] as it is stored, and as it moves to another actor.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum DeviceV1 {
    /// [`Device::Unbound`].
    Unbound(Offers),
    /// [`Device::Bound`].
    Bound(Bound),
}

impl From<&Device> for DeviceV1 {
    fn from(device: &Device) -> Self {
        match device {
            Device::Unbound(offers) => Self::Unbound(*offers),
            Device::Bound(bound) => Self::Bound(bound.clone()),
        }
    }
}

impl From<DeviceV1> for Device {
    fn from(stored: DeviceV1) -> Self {
        match stored {
            DeviceV1::Unbound(offers) => Self::Unbound(offers),
            DeviceV1::Bound(bound) => Self::Bound(bound),
        }
    }
}

/// The device's record.
pub(in crate::actors::session) struct DeviceRecord {
    storage: Rc<dyn Storage>,
    device: RefCell<Option<Device>>,
    /// The challenge that was given last, and when.
    challenge: RefCell<Option<(Challenge, OffsetDateTime)>>,
    /// The last refusal in the ledger.
    refused: RefCell<Option<(String, OffsetDateTime)>>,
    has_table: Cell<bool>,
}

impl DeviceRecord {
    /// One that has not been read.
    pub fn new(storage: &Rc<dyn Storage>) -> Self {
        Self {
            storage: Rc::clone(storage),
            device: RefCell::default(),
            challenge: RefCell::default(),
            refused: RefCell::default(),
            has_table: Cell::default(),
        }
    }

    /// What `read` makes of the device. The first question reads the row.
    pub fn read<T>(&self, read: impl FnOnce(&Device) -> T) -> Result<T, StoreError> {
        if let Some(device) = &*self.device.borrow() {
            return Ok(read(device));
        }
        let device = self.load()?;
        let answer = read(&device);
        self.device.replace(Some(device));
        Ok(answer)
    }

    fn load(&self) -> Result<Device, StoreError> {
        let table = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'device'";
        // An actor that never began writes nothing, not even an empty table.
        if self.storage.query(table, Vec::new())?.is_empty() {
            return Ok(FIRST_OFFER);
        }
        self.has_table.set(true);
        let rows = self.storage.query("SELECT device FROM device WHERE id = 1", Vec::new())?;
        match rows.into_iter().next().and_then(|row| row.into_iter().next()) {
            None => Ok(FIRST_OFFER),
            Some(SqlValue::Blob(bytes)) => {
                wire::decode::<DeviceV1>(&bytes).map(Device::from).map_err(|_| StoreError::Corrupt)
            }
            Some(_) => Err(StoreError::Corrupt),
        }
    }

    /// Changes the device, and writes it. No call and no reply leaves the actor before it is durable.
    pub fn change(
        &self,
        change: impl FnOnce(Device) -> Result<Device, DoesNotApply>,
    ) -> Result<Result<(), DoesNotApply>, StoreError> {
        let device = match change(self.read(Device::clone)?) {
            Ok(device) => device,
            Err(error) => return Ok(Err(error)),
        };
        if !self.has_table.get() {
            let schema =
                "CREATE TABLE IF NOT EXISTS device (id INTEGER PRIMARY KEY CHECK (id = 1), device BLOB NOT NULL)";
            self.storage.exec(schema, Vec::new())?;
            self.has_table.set(true);
        }
        let bytes = wire::encode(&DeviceV1::from(&device)).map_err(|_| StoreError::Corrupt)?;
        self.storage.exec("INSERT OR REPLACE INTO device (id, device) VALUES (1, ?)", vec![bytes.into()])?;
        self.device.replace(Some(device));
        Ok(Ok(()))
    }

    /// The browser was offered to bind a session that begins now. It is not written: the offer is over long before this object is.
    pub fn begins_with_offer(&self, now: OffsetDateTime) {
        self.device.replace(Some(Device::Unbound(Offers { made: 1, last_at: Some(now) })));
    }

    /// Everything was deleted.
    pub fn forget(&self) {
        self.device.take();
        self.has_table.set(false);
    }

    /// The challenge for the next proof: the last one for a while, else what `issue` gives.
    pub fn challenge(&self, now: OffsetDateTime, issue: impl FnOnce() -> Option<Challenge>) -> Option<Challenge> {
        let mut last = self.challenge.borrow_mut();
        match &*last {
            Some((challenge, at)) if now < at.saturating_add(CHALLENGE_REPEATS) => Some(challenge.clone()),
            _ => {
                let challenge = issue()?;
                *last = Some((challenge.clone(), now));
                Some(challenge)
            }
        }
    }

    /// Remembers a refusal, and says whether it is worth a line. Who has a stolen cookie must not be able to fill the ledger.
    pub fn is_new_refusal(&self, now: OffsetDateTime, whose: &str) -> bool {
        let mut last = self.refused.borrow_mut();
        let is_new = last.as_ref().is_none_or(|(known, at)| {
            now >= at.saturating_add(if known == whose { SAME_REFUSAL } else { ANOTHER_REFUSAL })
        });
        if is_new {
            *last = Some((whose.to_owned(), now));
        }
        is_new
    }
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
