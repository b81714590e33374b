//! `/events`: a page listens to its session. The WebSocket ends in the session's actor; the gateway is not between them afterwards.

use crate::actors::session::message::IsAlive;
use crate::gateway::ask_session::ask_session;
use crate::gateway::context::Gateway;
use crate::gateway::forward::reply::Reply;
use crate::gateway::problem::Problem;
use crate::gateway::request::Incoming;

/// Lets a page listen, if the request has the session's cookie, and its device's proof where it is bound.
pub(crate) async fn serve(gateway: &Gateway, request: &Incoming<'_>) -> Result<Reply, Problem> {
    if !request.is_web_socket {
        return Err(Problem::BadRequest("This address is for WebSockets: open it with new WebSocket()."));
    }
    ask_session(gateway, request, |secret| IsAlive { secret: secret.clone() }).await??;
    let actor = request.session_actor().ok_or(Problem::LoginRequired)?;
    // A session in the grace of a move is not listened to any more: the browser is getting another cookie.
    let accepted = gateway.actors.let_listen(&actor).await.map_err(|_| Problem::StoreUnavailable)?;
    Ok(Reply::Accepted(accepted))
}
