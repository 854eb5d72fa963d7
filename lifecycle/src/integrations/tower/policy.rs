//! Which requests are calls, and of which group.

use std::panic::Location;
use std::sync::{Arc, Mutex, PoisonError};

use ::http::request::Parts;

use crate::gate::{Gate, Site};

#[derive(Clone)]
pub(super) struct Policy {
    pub(super) site: &'static Site,
    pub(super) event_streams_end_early: bool,
    exempt: Vec<Exempt>,
}

#[derive(Clone)]
enum Exempt {
    Path(Arc<str>),
    If(Arc<dyn Fn(&Parts) -> bool + Send + Sync>),
}

/// A service that every gRPC server names the same, asked by whoever decides where calls go.
const GRPC_HEALTH: &str = "/grpc.health.v1.Health/";

impl Policy {
    pub(super) fn new(gate: fn() -> &'static Gate, at: &'static Location<'static>) -> Self {
        Policy { site: site(gate, at), event_streams_end_early: false, exempt: Vec::new() }
    }

    pub(super) fn exempt_path(&mut self, path: String) {
        self.exempt.push(Exempt::Path(path.into()));
    }

    pub(super) fn exempt_if(&mut self, is_exempt: Box<dyn Fn(&Parts) -> bool + Send + Sync>) {
        self.exempt.push(Exempt::If(is_exempt.into()));
    }

    pub(super) fn is_exempt(&self, request: &Parts) -> bool {
        let path = request.uri.path();
        path.starts_with(GRPC_HEALTH)
            || self.exempt.iter().any(|exempt| match exempt {
                Exempt::Path(exempt) => **exempt == *path,
                Exempt::If(is_exempt) => is_exempt(request),
            })
    }
}

/// The requests of the layers made at one place. Kept for ever, as the function's `static` is, and therefore made once.
fn site(gate: fn() -> &'static Gate, at: &'static Location<'static>) -> &'static Site {
    type Known = (&'static Gate, &'static Location<'static>, &'static Site);
    static KNOWN: Mutex<Vec<Known>> = Mutex::new(Vec::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let of = gate();
    let found = known.iter().find(|(gate, place, _)| std::ptr::eq(*gate, of) && *place == at);
    if let Some((_, _, site)) = found {
        return site;
    }
    let site: &'static Site =
        Box::leak(Box::new(Site::new("request", "", at.file(), at.line(), false).of(gate)));
    known.push((of, at, site));
    site
}
