/** Every bound of the disk tier, each with its reason. */

/** A key in a file: the longest target, its endpoint and Host, and what tells slices apart. */
export const ENTRY_KEY_BYTES_MAX = 32 * 1024;

/** A head in a file: the largest that an origin may send, its request's fields, and their coding. */
export const ENTRY_HEAD_BYTES_MAX = 128 * 1024;

/** The first read of a file that is not open: most are whole with it, all others have their head. */
export const FIRST_READ_BYTES = 64 * 1024;

/** The same where only heads are wanted: a block, in which most keys and heads have room. */
export const HEAD_READ_BYTES = 4 * 1024;

/** What a file takes is counted in blocks of this size, as the common filesystems give them out. */
export const BLOCK_BYTES = 4 * 1024;

/**
 * Reads that the thread pool has at one time, of entries, and of pieces of bodies that stay in their
 * files. It has eight threads, which names, files and coding need too: a disk that hangs keeps four,
 * and names still resolve.
 */
export const DISK_READS_RUNNING_MAX = 2;
export const PIECE_READS_RUNNING_MAX = 2;

/** Reads in all, those that wait among them: at 0.1 ms a read the last one waits for 6 ms. */
export const DISK_READS_MAX = 128;

/** A read that takes longer, its wait included, is answered as a miss: most origins are faster. */
export const DISK_READ_TIMEOUT_MS = 2_000;

/** A read between two turns of the loop that takes longer than this may have come from a disk. */
export const QUICK_READ_MS_MAX = 5;

/** Such reads in one second, together, after which they are left to the pool: 60 would be a stall. */
export const QUICK_SLOW_MS_MAX = 20;

/** A read that takes this long may have waited for a disk, whatever the system says. */
export const QUICK_STALL_MS_MAX = 50;

/** The same where turns of the processor were taken from us meanwhile: they rarely take this long. */
export const QUICK_HANG_MS_MAX = 500;

/**
 * What a process may have had read from disks in a second, in blocks of 512 bytes, for the next one to
 * look for files between turns: a hundred of the smallest reads, 10 ms of an SSD.
 */
export const QUICK_INPUTS_MAX = 800;

/** For how long nothing is read between turns then. */
export const QUICK_REST_MS = 10_000;

/** And where the system does not say that it was the disk: on a busy machine it may have been a turn. */
export const QUICK_STALL_REST_MS = 1_000;

/**
 * Bytes that were checked against their checksum are not checked again for this long, as long as
 * nobody has touched the file: they come from the same pages of memory. 1 MiB takes 0.2 ms to check.
 */
export const CHECKED_FOR_MS = 10_000;

/** A change within one tick of the kernel's clock may leave ctime as it was: 10 ms at 100 Hz. */
export const CTIME_PRECISION_MS = 50;

/**
 * Files that a worker keeps open: what is not open costs more to serve. Each takes 2 to 3 KiB of ours, the
 * head that is served with it among them, on no budget: 48 MiB at most; and 1 KiB of the kernel's.
 */
export const OPEN_FILES_MAX = 16_384;

/** Of what a process may open, the rest is for connections. */
export const OPEN_FILES_SHARE_MAX = 2 / 5;

/** Where a process does not say what it may open: the share of 1,024, the least in use. */
export const OPEN_FILES_DEFAULT = 200;

/** An open file that nobody has read for this long is closed. */
export const OPEN_FILE_IDLE_MS = 60_000;

/**
 * Open files that are looked at per second, used or not: one that was removed takes its space until
 * it is closed, 8 s at most. 2.5 ms.
 */
export const OPEN_FILES_CHECKED_MAX = 2_048;

/** Errors in a row after which the disk is left alone for a while. */
export const DISK_FAILURES_MAX = 5;

/** The first such rest, and the last: each is twice the one before. One attempt ends it. */
export const DISK_REST_MS = 5_000;
export const DISK_REST_MS_MAX = 60_000;

/** What waits to be written in one worker: half a second of a disk that takes 64 MiB/s. */
export const WRITE_QUEUE_BYTES_MAX = 32 * 1024 * 1024;

/** Before it writes, the queue waits so long for others that can go with it. */
export const WRITE_PAUSE_MS = 10;

/** Orders that are carried out together: what is asked of a disk that then fails. */
export const WRITES_AT_ONCE = 128;

/** Of files for the writing thread at one time: room for the largest entry. */
export const FILE_BATCH_BYTES = 2 * 1024 * 1024;
export const FILE_BATCH_JOBS_MAX = 128;

/** What one waiting write or removal takes beside its bytes. */
export const WRITE_OVERHEAD_BYTES = 512;

/**
 * Removals that wait: 30,000. None may be dropped, or what was to be removed would be found again.
 * Past this all that the disk has from before counts as removed.
 */
export const REMOVALS_BYTES_MAX = 16 * 1024 * 1024;

/** A removal that failed is tried again after this. */
export const REMOVAL_RETRY_MS = 1_000;

/** How long a worker that stops goes on writing: what is lost is fetched again. */
export const WRITE_DRAIN_MS = 2_000;

/** Use is noted in the file once in this time, or each hit would be a write. */
export const TOUCH_INTERVAL_MS = 3_600_000;

/** Each kind of trouble is logged once in this time, with the count of the others. */
export const DISK_LOG_INTERVAL_MS = 10_000;

/** Above its limit the tier is brought down to this share of it: evictions come in batches. */
export const KEPT_SHARE = 0.95;

/** Past this share of its limit, or below half the free space that is left, writes are dropped. */
export const HELD_SHARE = 1.05;

/** What is left free on the filesystem: enough for logs and databases beside it, on small disks less. */
export const FREE_BYTES_MIN = 1024 * 1024 * 1024;
export const FREE_SHARE_MIN = 0.05;

/** Files among which the least recently used are found: a sample whose quartile is sure to 2 %. */
export const EVICTION_SAMPLE = 512;

/** The oldest part of a sample that is evicted: to free 5 % a fifth of all files is looked at. */
export const EVICTED_SHARE = 1 / 4;

/** Files that are looked at, or removed, before the keeper pauses: about 1.5 ms of its thread. */
export const KEEPER_BATCH = 128;

/** And for how long: 1 million files are counted in two minutes, at a tenth of a thread. */
export const KEEPER_PAUSE_MS = 10;

/** When all folders were counted, one after the other is again, all of them in 45 minutes. */
export const VISIT_INTERVAL_MS = 10_000;

/** Read to be checked: 1 TiB in twelve days, and nobody else notices. */
export const SCRUB_BYTES_PER_SECOND = 1024 * 1024;

/** Files that are scrubbed per second: small ones cost more than their bytes. */
export const SCRUB_FILES_PER_SECOND = 100;

/** Files whose heads are read at one time for a listing. */
export const LISTED_AT_ONCE = 4;
