//! Connections that change their protocol: WebSocket and whatever else a backend agrees to.
//!
//! After a 101 the proxy copies bytes both ways and looks at none of them. The request that asked for it stays in
//! flight, and is counted as upgraded, until either side has closed; a drain therefore sees it.

use crate::body::ResponseBody;
use crate::counts::{Flight, Upgraded, Visit};
use crate::forward::{Client, refuse, sign};
use crate::tasks::TaskKind;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue};
use hyper::upgrade::OnUpgrade;
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::sync::atomic::Ordering;

/// Passes a 101 on and joins the two connections when both have changed.
pub(crate) fn relay(
    client: &Client,
    client_side: OnUpgrade,
    mut response: Response<Incoming>,
    flight: Flight,
    visit: Visit,
) -> Response<ResponseBody> {
    flight.answered();
    visit.answered();
    let backend_side = hyper::upgrade::on(&mut response);
    let (mut head, _) = response.into_parts();
    sign(&mut head.headers, &flight);
    head.headers
        .insert(CONNECTION, HeaderValue::from_static("upgrade"));
    if !head.headers.contains_key(hyper::header::UPGRADE) {
        let why = format!(
            "instance {} changed the protocol without saying to which",
            flight.backend().instance
        );
        return refuse(Some(flight), Some(visit), StatusCode::BAD_GATEWAY, why);
    }
    let upgraded = Upgraded::begin(flight, visit);
    client.is_upgraded.store(true, Ordering::Relaxed);
    client
        .plane
        .tasks
        .spawn(TaskKind::Upgrade, join(client_side, backend_side, upgraded));
    Response::from_parts(head, ResponseBody::empty())
}

/// Copies until both directions are closed. Counted until then, in whatever way it ends.
async fn join(client_side: OnUpgrade, backend_side: OnUpgrade, _counted: Upgraded) {
    let (Ok(client), Ok(backend)) = (client_side.await, backend_side.await) else {
        return;
    };
    // A broken connection is how many upgraded connections end; it is nobody's failure.
    let _ =
        tokio::io::copy_bidirectional(&mut TokioIo::new(client), &mut TokioIo::new(backend)).await;
}
