//! The one thread that owns a book, and the queue in front of it.
//! While a commit syncs, appends gather; the next commit takes them together. Nothing lingers:
//! an append that finds the writer idle is committed at once.

use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::book::{Append, Book};
use crate::digest::StreamId;
use crate::error::JournalError;
use crate::limits;
use crate::record::{Blob, Head, Record};
use crate::reserve::Reserve;

/// Told once what became of an append: the new head when it is durable, or why it is not.
pub type Acknowledge = Box<dyn FnOnce(Result<Head, JournalError>) + Send>;

type Visit = Box<dyn FnOnce(&mut Book) + Send>;

/// The pen of a process. Its methods may be called from any thread.
pub struct Writer {
    inner: Inner,
    reserve: Reserve,
}

enum Inner {
    Thread {
        shared: Arc<Shared>,
        thread: Option<JoinHandle<Result<(), JournalError>>>,
    },
    /// Commits on the caller's thread: for the simulator, where threads would be chance.
    Inline(Mutex<Option<Book>>),
}

struct Shared {
    queue: Mutex<Queue>,
    /// Something was put in, or the writer was told to stop.
    filled: Condvar,
    /// Something was taken out.
    drained: Condvar,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    n_records: usize,
    n_bytes: usize,
    is_closed: bool,
}

enum Job {
    Append(Append, Acknowledge),
    Visit(Visit),
}

/// What the thread does next.
enum Work {
    Appends(Vec<(Append, Acknowledge)>),
    Visit(Visit),
    Idle,
    Stop,
}

impl Writer {
    /// Starts the thread that owns `book` from now on.
    ///
    /// # Errors
    /// `Io` if the system gives no thread.
    pub fn start(book: Book) -> Result<Self, JournalError> {
        let reserve = book.reserve().clone();
        let shared = Arc::new(Shared {
            queue: Mutex::new(Queue::default()),
            filled: Condvar::new(),
            drained: Condvar::new(),
        });
        let theirs = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || write_all(book, &theirs))
            .map_err(|error| {
                JournalError::io("start the thread that writes", "journal".as_ref(), error)
            })?;
        Ok(Self {
            inner: Inner::Thread {
                shared,
                thread: Some(thread),
            },
            reserve,
        })
    }

    /// Keeps no thread: each call commits before it returns.
    #[must_use]
    pub fn inline(book: Book) -> Self {
        let reserve = book.reserve().clone();
        Self {
            inner: Inner::Inline(Mutex::new(Some(book))),
            reserve,
        }
    }

    /// Queues an append. `done` is called exactly once, from the writer's thread, and must be
    /// quick; appends to one stream are acknowledged in the order they were queued. Blocks while
    /// the queue is full, which is at most as long as one commit takes.
    pub fn append(
        &self,
        stream: StreamId,
        epoch: u64,
        records: Vec<Record>,
        blobs: Vec<Blob>,
        done: Acknowledge,
    ) {
        let append = Append {
            stream,
            epoch,
            records,
            blobs,
        };
        match &self.inner {
            Inner::Thread { shared, .. } => shared.put(Job::Append(append, done)),
            Inner::Inline(book) => {
                let mut book = book.lock().unwrap_or_else(PoisonError::into_inner);
                let result = book.as_mut().map_or(Err(JournalError::Closed), |book| {
                    book.append_group(vec![append])
                        .pop()
                        .unwrap_or(Err(JournalError::Closed))
                });
                drop(book);
                done(result);
            }
        }
    }

    /// Appends and waits until it is durable.
    ///
    /// # Errors
    /// As [`Book::append`]; `Closed` if the writer has ended.
    pub fn append_and_wait(
        &self,
        stream: StreamId,
        epoch: u64,
        records: Vec<Record>,
        blobs: Vec<Blob>,
    ) -> Result<Head, JournalError> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let done: Acknowledge = Box::new(move |result| drop(sender.send(result)));
        self.append(stream, epoch, records, blobs, done);
        receiver.recv().unwrap_or(Err(JournalError::Closed))
    }

    /// Runs `visit` on the book after everything queued before it, and waits for its answer:
    /// for leases, snapshots, barriers and reading.
    ///
    /// # Errors
    /// `Closed` if the writer has ended; otherwise whatever `visit` returns.
    pub fn with_book<T: Send + 'static>(
        &self,
        visit: impl FnOnce(&mut Book) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, JournalError> {
        match &self.inner {
            Inner::Thread { shared, .. } => {
                let (sender, receiver) = mpsc::sync_channel(1);
                let visit: Visit = Box::new(move |book| drop(sender.send(visit(book))));
                shared.put(Job::Visit(visit));
                receiver.recv().unwrap_or(Err(JournalError::Closed))
            }
            Inner::Inline(book) => {
                let mut book = book.lock().unwrap_or_else(PoisonError::into_inner);
                book.as_mut().map_or(Err(JournalError::Closed), visit)
            }
        }
    }

    /// Whether there is room on the disk for one more action while `open_actions` are open.
    ///
    /// # Errors
    /// `LowSpace`, or `Io` if the file system does not answer.
    pub fn can_start(&self, open_actions: u64) -> Result<(), JournalError> {
        self.reserve.can_start(open_actions)
    }

    /// Commits what is queued, ends the thread and closes the book.
    ///
    /// # Errors
    /// As [`Book::close`].
    pub fn close(mut self) -> Result<(), JournalError> {
        self.end()
    }

    fn end(&mut self) -> Result<(), JournalError> {
        match &mut self.inner {
            Inner::Thread { shared, thread } => {
                shared.close();
                match thread.take().map(JoinHandle::join) {
                    None => Ok(()),
                    Some(Ok(result)) => result,
                    Some(Err(_)) => Err(JournalError::Poisoned {
                        why: "the thread that writes panicked".into(),
                    }),
                }
            }
            Inner::Inline(book) => {
                let book = book
                    .get_mut()
                    .unwrap_or_else(PoisonError::into_inner)
                    .take();
                book.map_or(Ok(()), Book::close)
            }
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Who wants to know how it ended calls `close`.
        let _ = self.end();
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Nothing that can panic runs while it is held.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, job: Job) {
        let (n_records, n_bytes) = job.size();
        let mut queue = self.lock();
        while !queue.is_closed && !queue.has_room(n_records, n_bytes) {
            queue = self
                .drained
                .wait(queue)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if queue.is_closed {
            drop(queue);
            if let Job::Append(_, done) = job {
                done(Err(JournalError::Closed));
            }
            return;
        }
        queue.n_records += n_records;
        queue.n_bytes += n_bytes;
        queue.jobs.push_back(job);
        drop(queue);
        self.filled.notify_one();
    }

    fn close(&self) {
        self.lock().is_closed = true;
        self.filled.notify_all();
        self.drained.notify_all();
    }

    /// Waits for work. The queue is emptied before the writer stops.
    fn take(&self) -> Work {
        let mut queue = self.lock();
        if queue.jobs.is_empty() && !queue.is_closed {
            let wait = Duration::from_millis(limits::IDLE_TEND_MS);
            let waited = self.filled.wait_timeout_while(queue, wait, |queue| {
                queue.jobs.is_empty() && !queue.is_closed
            });
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let work = queue.take();
        drop(queue);
        self.drained.notify_all();
        work
    }
}

impl Queue {
    /// An empty queue takes anything, or an append above its limits would wait for ever.
    fn has_room(&self, n_records: usize, n_bytes: usize) -> bool {
        self.jobs.is_empty()
            || (self.n_records + n_records <= limits::QUEUE_RECORDS_MAX
                && self.n_bytes + n_bytes <= limits::QUEUE_BYTES_MAX)
    }

    fn take(&mut self) -> Work {
        let mut group = Vec::new();
        let (mut n_records, mut n_bytes) = (0, 0);
        while let Some(job) = self.jobs.pop_front() {
            let (records, bytes) = job.size();
            let is_full = n_records + records > limits::GROUP_RECORDS_MAX
                || n_bytes + bytes > limits::GROUP_BYTES_MAX;
            match job {
                Job::Append(append, done) if group.is_empty() || !is_full => {
                    (n_records, n_bytes) = (n_records + records, n_bytes + bytes);
                    self.n_records -= records;
                    self.n_bytes -= bytes;
                    group.push((append, done));
                }
                Job::Visit(visit) if group.is_empty() => {
                    self.n_records -= records;
                    return Work::Visit(visit);
                }
                later @ (Job::Append(..) | Job::Visit(_)) => {
                    self.jobs.push_front(later);
                    break;
                }
            }
        }
        match (group.is_empty(), self.is_closed) {
            (false, _) => Work::Appends(group),
            (true, true) => Work::Stop,
            (true, false) => Work::Idle,
        }
    }
}

impl Job {
    fn size(&self) -> (usize, usize) {
        match self {
            Self::Append(append, _) => (append.records.len().max(1), append.size_bytes()),
            Self::Visit(_) => (1, 0),
        }
    }
}

/// Should the thread die, whoever waits must not wait for ever.
struct CloseOnDrop<'a>(&'a Shared);

impl Drop for CloseOnDrop<'_> {
    fn drop(&mut self) {
        self.0.close();
        let jobs = mem::take(&mut self.0.lock().jobs);
        for job in jobs {
            if let Job::Append(_, done) = job {
                done(Err(JournalError::Closed));
            }
        }
    }
}

fn write_all(mut book: Book, shared: &Shared) -> Result<(), JournalError> {
    let _closes = CloseOnDrop(shared);
    loop {
        match shared.take() {
            Work::Appends(group) => {
                let (appends, waiters): (Vec<_>, Vec<_>) = group.into_iter().unzip();
                let results = book.append_group(appends);
                for (done, result) in waiters.into_iter().zip(results) {
                    done(result);
                }
                // A failure poisons the book, and the next append tells it.
                let _ = book.tend(false);
            }
            Work::Visit(visit) => visit(&mut book),
            Work::Idle => drop(book.tend(true)),
            Work::Stop => return book.close(),
        }
    }
}
