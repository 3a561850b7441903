//! Clients of the delivered services: no request may be lost on a good version.

use crate::FAILS;
use crate::outside::Broken;
use crate::trial::{Happening, Trial};
use contract::fake::FakeRequest;
use model::{InstanceId, InstanceSpec};
use std::collections::BTreeMap;

/// Time between two requests to a service, in milliseconds.
const ARRIVAL_MS_MAX: u64 = 50;

/// The same while no engine is alive.
const ARRIVAL_ALONE_MS_MAX: u64 = 1_000;

/// Requests that are under way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Traffic {
    under_way: BTreeMap<u64, FakeRequest>,
    begun: u64,
}

impl Trial<'_> {
    fn spec(&self, instance: &InstanceId) -> Option<InstanceSpec> {
        self.outside
            .runtime
            .instances()
            .into_iter()
            .find(|spec| spec.instance == *instance)
    }

    /// A client sends a request.
    pub(crate) fn arrive(&mut self, service: &'static str) {
        if self.operator.done {
            return;
        }
        // While nobody is there to act, few clients see as much as many.
        let longest_ms = if self.leader.is_some() {
            ARRIVAL_MS_MAX
        } else {
            ARRIVAL_ALONE_MS_MAX
        };
        let at_ms = self.soon(longest_ms);
        self.agenda.at(at_ms, Happening::Arrive(service));
        let draw = self.draws.draw() >> 8;
        let Some(request) = self.outside.router.begin(service, draw) else {
            // A version that was not accepted yet may go without leaving anything behind.
            let live = self.ledger.world().services.get(service);
            if live.is_some_and(|service| service.live.is_some()) {
                self.violate("traffic", format!("{service} has no route any more"));
            }
            return;
        };
        self.hit("request");
        let Some(instance) = &request.instance else {
            return self.violate(
                "traffic",
                format!("a request to {service} found no instance to answer it"),
            );
        };
        let Some(spec) = self.spec(instance) else {
            if self.outside.broken.contains_key(instance) {
                return self.outside.router.end(request, true);
            }
            return self.violate(
                "traffic",
                format!("a request to {service} was sent to {instance}, which does not run"),
            );
        };
        if spec.version != request.version {
            self.violate(
                "traffic",
                format!("{instance} runs another version than its arm"),
            );
        }
        let long = self.draws.chance(30);
        let longest_ms = self.scenario.request_ms_max();
        let at_ms = self.soon(if long { longest_ms } else { 200 });
        self.traffic.begun += 1;
        let number = self.traffic.begun;
        self.traffic.under_way.insert(number, request);
        self.agenda.at(at_ms, Happening::Leave(number));
    }

    /// A client's request ends: with an answer of the instance, if that is still there.
    pub(crate) fn leave(&mut self, number: u64) {
        let Some(request) = self.traffic.under_way.remove(&number) else {
            return;
        };
        let spec = request
            .instance
            .as_ref()
            .and_then(|instance| self.spec(instance));
        let Some(spec) = spec else {
            if request
                .instance
                .as_ref()
                .is_some_and(|one| self.outside.broken.contains_key(one))
            {
                return self.outside.router.end(request, true);
            }
            let what = format!(
                "{:?} was stopped in the middle of a request to {}",
                request.instance, request.service
            );
            return self.violate("traffic", what);
        };
        let fails = spec
            .env
            .iter()
            .find(|(name, _)| &***name == FAILS)
            .and_then(|(_, text)| text.parse().ok());
        let ended = self.outside.broken.get(&spec.instance) == Some(&Broken::Ended);
        let failed = ended || self.draws.chance(fails.unwrap_or(0));
        if failed {
            self.hit("request failed by a bad version");
        }
        self.outside.router.end(request, failed);
    }
}
