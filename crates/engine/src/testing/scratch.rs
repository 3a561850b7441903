//! [`Scratch`]: a book in memory, for as long as a test file is carried out.

use crate::{Codec, Engine, EngineError, KEY_BYTES, Observer, Outside, Pause, Secrets};
use contract::Clock;
use decide::{Entry, World};
use definition::TestRun;
use journal::memory::MemoryDisk;
use journal::{Book, Options, Reader, Writer};
use model::{Command, Digest, Event, Release, RunId, RunKind, RunOptions};
use std::sync::Arc;
use tokio::sync::watch;

/// Who acts in the book of a test.
const ACTOR: &str = "test";

/// A book in memory.
pub(super) struct Scratch {
    disk: MemoryDisk,
    writer: Arc<Writer>,
    clock: Arc<dyn Clock>,
    /// Nothing of the book is ever written to a disk, so its key need not be secret.
    secrets: Secrets,
    n_runs: u64,
}

/// The objects that some runs share.
pub(super) struct Stream<'a> {
    /// What they share them by.
    pub(super) key: String,
    /// Its name in the book.
    name: String,
    /// What applied last: the run, its release with the content it names, and its providers.
    pub(super) last: Option<Applied<'a>>,
}

/// What a run applied: with it, what it made is destroyed.
pub(super) struct Applied<'a> {
    pub(super) run: &'a TestRun,
    pub(super) release: Release,
    pub(super) content: Vec<Vec<u8>>,
    pub(super) outside: Outside,
}

/// How a run of the engine ended.
pub(super) struct Ended {
    pub(super) pause: Pause,
    /// Whether there was a plan.
    pub(super) planned: bool,
}

impl Stream<'_> {
    pub(super) fn new(key: String, number: usize) -> Self {
        Self {
            key,
            name: format!("test-{number}"),
            last: None,
        }
    }
}

/// Notes whether there was a plan.
struct Planned(bool);

impl Observer for Planned {
    fn entry(&mut self, entry: &Entry, _: &World) {
        self.0 |= matches!(entry.event, Event::Planned { .. });
    }
}

impl Scratch {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Result<Self, EngineError> {
        let disk = MemoryDisk::new();
        let now = clock.clone();
        let options = Options::new(Arc::new(move || now.now_ms()));
        let book = Book::over(Box::new(disk.connect()), &options)?;
        Ok(Self {
            writer: Arc::new(Writer::start(book)?),
            disk,
            clock,
            secrets: Secrets::new(&[0; KEY_BYTES]),
            n_runs: 0,
        })
    }

    /// Takes the pen of a stream.
    pub(super) async fn engine(
        &self,
        stream: &Stream<'_>,
        outside: Outside,
    ) -> Result<Engine, EngineError> {
        let codec = Codec {
            actor: ACTOR.to_owned(),
            secrets: self.secrets.clone(),
        };
        let reader = Reader::over(Box::new(self.disk.connect()));
        Engine::open(
            self.writer.clone(),
            reader,
            &stream.name,
            outside,
            self.clock.clone(),
            codec,
            env!("CARGO_PKG_VERSION"),
        )
        .await
    }

    /// Lets an engine plan and apply a release with the content that it names. Interrupted, it finishes what is under
    /// way and begins nothing more.
    pub(super) async fn carry_out(
        &mut self,
        engine: &mut Engine,
        (mut release, content): (Release, Vec<Vec<u8>>),
        options: RunOptions,
        interrupted: Option<watch::Receiver<bool>>,
    ) -> Result<Ended, EngineError> {
        self.n_runs += 1;
        engine.lend(self.secrets.seal_inputs(&mut release));
        let bytes = model::encode(&release);
        let run = RunId(self.n_runs.wrapping_add(options.seed));
        let event = Event::Submitted {
            run,
            kind: RunKind::Apply,
            release: Digest::of(&bytes),
            actor: ACTOR.to_owned(),
            options,
        };
        let mut observer = Planned(false);
        let content = std::iter::once(bytes).chain(content).collect();
        engine.submit(vec![event], content, &mut observer).await?;
        let orders = engine.handle_for_orders();
        let cancelling = async {
            if let Some(mut interrupted) = interrupted
                && interrupted.wait_for(|is| *is).await.is_ok()
            {
                let order = Command::Cancel { run };
                orders.command(ACTOR.to_owned(), order).await;
            }
            // Only the end of the run ends the waiting.
            std::future::pending::<()>().await;
        };
        let pause = tokio::select! {
            pause = engine.run(&mut observer) => pause?,
            () = cancelling => Pause::Over(None),
        };
        Ok(Ended {
            pause,
            planned: observer.0,
        })
    }
}
