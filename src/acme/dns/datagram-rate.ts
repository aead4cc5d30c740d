import type { Clock } from "#clock.ts";

/**
 * Answers to one network in a second: a CA looks from several places, each with a few questions. Whoever
 * has more sent to it has been named by somebody else.
 */
const ANSWERS_MAX = 50;
/** Past the former they are as small as the question, and past this there are none. */
const DATAGRAMS_MAX = 200;
const WINDOW_MS = 1_000;
/** Networks that are counted at a time; past it the window begins anew for all. */
const NETWORKS_MAX = 10_000;

/** RFC 1122 §3.2.1.3, RFC 4291 §2.5.3. */
const LOOPBACK = /^(?:::ffff:)?127\.|^::1$/;

/** Bounds what is sent to addresses that anyone may have written on a datagram. */
export class DatagramRate {
  readonly #clock: Clock;
  readonly #counts = new Map<string, number>();
  #windowEndsAt = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts a datagram, and says what may be sent back. */
  take(address: string): "answer" | "truncated" | "nothing" {
    // Nobody elsewhere can write that on a datagram that comes here.
    if (LOOPBACK.test(address)) return "answer";
    const now = this.#clock.now();
    if (now >= this.#windowEndsAt || this.#counts.size >= NETWORKS_MAX) {
      this.#counts.clear();
      this.#windowEndsAt = now + WINDOW_MS;
    }
    const network = prefixOf(address);
    const count = (this.#counts.get(network) ?? 0) + 1;
    this.#counts.set(network, count);
    if (count <= ANSWERS_MAX) return "answer";
    return count <= DATAGRAMS_MAX ? "truncated" : "nothing";
  }
}

/** Of IPv4 24 bits, of IPv6 48: what is attacked is a line, and not an address. */
function prefixOf(address: string): string {
  const mapped = address.replace(/^::ffff:(?=\d+\.)/i, "");
  if (!mapped.includes(":")) return mapped.slice(0, mapped.lastIndexOf("."));
  const [head = ""] = mapped.split("::");
  return head.split(":").slice(0, 3).join(":");
}
