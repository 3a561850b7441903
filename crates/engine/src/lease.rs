//! [`Leases`]: ephemeral resources that are held open, each by a task that renews it in time and lets go of it at the
//! end.
//!
//! What they hold is not here: it is with whoever had them opened. What keeps them open is written down nowhere; when
//! this process dies, they run out by themselves.

use crate::limits::RENEWALS_APART_MS_MIN;
use crate::task::{TaskKind, spawn};
use crate::{Sensitive, SystemClock};
use contract::{Clock, Lease, Provider};
use model::Address;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use value::Diagnostics;

/// See the module's header.
pub struct Leases {
    clock: Arc<dyn Clock>,
    /// In the order in which they were opened: each may need those before it.
    held: Mutex<Vec<(Address, Keeper)>>,
    /// What went wrong with renewing and letting go, until somebody tells it.
    trouble: Mutex<Diagnostics>,
}

struct Keeper {
    end: oneshot::Sender<()>,
    keeping: JoinHandle<Diagnostics>,
}

impl Default for Leases {
    fn default() -> Self {
        Self::new(Arc::new(SystemClock::new()))
    }
}

impl Leases {
    /// None yet; they are renewed by this clock.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            held: Mutex::default(),
            trouble: Mutex::default(),
        }
    }

    /// Holds what was opened.
    pub(crate) fn hold(
        &self,
        address: Address,
        provider: Arc<dyn Provider>,
        lease: Lease,
        sensitive: Sensitive,
    ) {
        let (end, ended) = oneshot::channel();
        let clock = self.clock.clone();
        let keeping = spawn(TaskKind::Lease, async move {
            let found = kept(clock, provider, lease, ended).await;
            sensitive.said(found)
        });
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.push((address, Keeper { end, keeping }));
    }

    /// Lets go of one, if it is held.
    pub(crate) async fn let_go(&self, address: &Address) {
        let found = {
            let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            let at = held.iter().position(|(of, _)| of == address);
            at.map(|at| held.remove(at))
        };
        if let Some((address, keeper)) = found {
            self.end(&address, keeper).await;
        }
    }

    /// Lets go of all, the newest first.
    pub async fn let_go_of_all(&self) {
        // Ends: nothing is opened any more by whoever lets go of everything.
        while let Some((address, keeper)) = self.newest() {
            self.end(&address, keeper).await;
        }
    }

    fn newest(&self) -> Option<(Address, Keeper)> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.pop()
    }

    async fn end(&self, address: &Address, keeper: Keeper) {
        // A keeper that broke has nothing to end.
        let _ = keeper.end.send(());
        let mut found = keeper.keeping.await.unwrap_or_else(|panic| {
            Diagnostics::from(crate::diag::provider_broke(&panic.to_string()))
        });
        for one in &mut found.0 {
            one.address.get_or_insert_with(|| address.to_string());
        }
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.extend(found);
    }

    /// What went wrong with renewing and letting go since this was last called.
    pub fn take_trouble(&self) -> Diagnostics {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *trouble)
    }
}

/// Keeps a lease until it is to end, and what went wrong.
async fn kept(
    clock: Arc<dyn Clock>,
    provider: Arc<dyn Provider>,
    mut lease: Lease,
    mut ended: oneshot::Receiver<()>,
) -> Diagnostics {
    let mut found = Diagnostics::new();
    let mut not_before_ms = i64::MIN;
    loop {
        // Ends when whoever holds the other side lets go, or is gone.
        let Some(renew_at_ms) = lease.renew_at_ms else {
            let _ = ended.await;
            break;
        };
        tokio::select! {
            _ = &mut ended => break,
            () = clock.sleep_until(renew_at_ms.max(not_before_ms)) => {}
        }
        not_before_ms = clock.now_ms().saturating_add(RENEWALS_APART_MS_MIN);
        let (renewed, said) = provider.renew(&lease).await;
        if said.has_errors() {
            // It stays open for as long as it does; that it could not be renewed is told when it is let go of.
            lease.renew_at_ms = None;
        } else {
            lease = renewed;
        }
        found.extend(said);
    }
    found.extend(provider.let_go(&lease).await);
    found
}
