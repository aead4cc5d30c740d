/** Bounds of what workers ask one another, each with its reason. */
import { HEAD_BYTES_MAX, ORIGIN_HEAD_BYTES_MAX } from "../limits.ts";

/** To a process of this host: it is the kernel that answers, unless its queue is full. */
export const SIBLING_CONNECT_TIMEOUT_MS = 500;

/** What takes longer to answer is accepted first: most origins answer within it. */
export const SIBLING_ACCEPT_MS = 50;

/** A sibling that has neither answered nor accepted by then is stuck. */
export const SIBLING_SILENCE_MS_MAX = 1_000;

/** One that was silent is not asked for so long; by then its parent has seen it, or it is well. */
export const SIBLING_AVOIDED_MS = 2_000;

/** What the asker knows reaches its sibling in a moment; a worker that takes longer is being killed. */
export const SIBLING_FEED_WAIT_MS = 1_000;

/**
 * From the question to the head of the answer. Above all that an origin may take, and the queue for
 * it: whose answer is late is told by the sibling, who knows it.
 */
export const SIBLING_HEAD_TIMEOUT_MS = 60_000;

/** Questions in flight to one sibling, a connection each; beyond it the origin is asked. */
export const SIBLING_QUESTIONS_MAX = 1_024;

/** For the next question; far less than the sibling keeps them, so that none is closed as it is used. */
export const SIBLING_IDLE_MS = 10_000;

/** A question beside what goes around it is a request head. One that is longer goes to the origin. */
export const QUESTION_BYTES_MAX = HEAD_BYTES_MAX - 1_024;

/** An origin's head as JSON: each octet may be escaped. */
export const ANSWER_BYTES_MAX = 2 * ORIGIN_HEAD_BYTES_MAX;

/** All siblings have forgotten by then, or are stuck and will be killed. */
export const SIBLING_FORGET_MS_MAX = 1_000;
