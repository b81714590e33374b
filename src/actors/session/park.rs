//! A form that meets a session which has to log in first waits here, and is handed out once: to its own user alone.

use std::rc::Rc;

use super::Session;
use super::message::{Denied, Park, Parked, TakeParked};

impl Session {
    pub(super) async fn park(self: &Rc<Self>, park: Park) -> Result<(), Denied> {
        let Park { secret, ticket, request } = park;
        self.ready().await?;
        let user =
            self.kept.state().as_ref().filter(|state| state.knows(&secret.hash())).and_then(|state| state.user());
        let user = user.ok_or(Denied::Unknown)?;
        self.parked.keep(ticket, user, request, self.now())?;
        Ok(self.schedule_next().await?)
    }

    pub(super) async fn take_parked(self: &Rc<Self>, take: TakeParked) -> Result<Parked, Denied> {
        let TakeParked { ticket, user } = take;
        self.ready().await?;
        Ok(self.parked.take(&ticket, &user, self.now())?)
    }
}
