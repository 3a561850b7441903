//! Every bound of this room, with its unit in its name.

/// Longest time for a connection to be made, the handshake of TLS included.
pub(crate) const CONNECT_MS_MAX: u64 = 10_000;

/// Longest silence of a server: until the head of its answer, and between two parts of its body.
pub(crate) const SILENCE_MS_MAX: u64 = 30_000;

/// Attempts at one request, when the server cannot be reached or says that it is overloaded.
pub(crate) const ATTEMPTS_MAX: u32 = 3;

/// Wait before the second attempt; it doubles each time.
pub(crate) const BACKOFF_MS: u64 = 200;

/// Redirects that are followed for one request.
pub(crate) const REDIRECTS_MAX: usize = 10;

/// Largest document of a registry: its services, the versions of a module.
pub(crate) const DOCUMENT_BYTES_MAX: u64 = 16 << 20;

/// Largest archive that is downloaded.
pub(crate) const ARCHIVE_BYTES_MAX: u64 = 2 << 30;

/// Most that an archive may become when it is unpacked.
pub(crate) const UNPACKED_BYTES_MAX: u64 = 8 << 30;

/// Most files and directories in one package.
pub(crate) const PACKAGE_ENTRIES_MAX: usize = 200_000;

/// Longest path inside of a package, in bytes.
pub(crate) const PACKAGE_PATH_BYTES_MAX: usize = 1_024;

/// Packages that are fetched at the same time. They mostly wait.
pub(crate) const FETCHES_AT_ONCE: usize = 8;

/// How often a module may lead to modules that are not there yet: each time, they are fetched together.
pub(crate) const ROUNDS_MAX: usize = 64;

/// Addresses that may lead to other addresses, one after the other.
pub(crate) const FORWARDS_MAX: usize = 8;

/// Longest time for one command of Git.
pub(crate) const GIT_MS_MAX: u64 = 900_000;

/// How much of what Git says is shown, from the end.
pub(crate) const GIT_SAYS_BYTES_MAX: usize = 2_048;

/// Largest file of ours or of Terraform that is read: lock file, list of modules, configuration of the command line.
pub(crate) const FILE_BYTES_MAX: u64 = 16 << 20;

/// Largest state of another project.
pub(crate) const STATE_BYTES_MAX: u64 = 256 << 20;

/// Longest time for a program that opens something: `kubectl`, `az`.
pub(crate) const PROGRAM_MS_MAX: u64 = 120_000;

/// How much such a program may say beside what it prints.
pub(crate) const PROGRAM_STDERR_BYTES_MAX: u64 = 1 << 20;

/// How much of that is shown.
pub(crate) const PROGRAM_SAYS_CHARS_MAX: usize = 1_000;

/// Largest configuration of `kubectl`.
pub(crate) const KUBE_CONFIG_BYTES_MAX: u64 = 16 << 20;

/// How much may be printed for each byte of a state that is in Secrets: most often far less, because it is packed, but
/// it may be random, and is in Base64.
pub(crate) const SECRETS_PER_BYTE: u64 = 2;

/// Largest answer of who hands out tokens and keys.
pub(crate) const TOKEN_BYTES_MAX: u64 = 1 << 20;

/// How much of what such a service says is shown.
pub(crate) const TOKEN_SAYS_CHARS_MAX: usize = 200;

/// Longest time for one question to a database, the answer included.
pub(crate) const QUERY_MS_MAX: u64 = 120_000;
