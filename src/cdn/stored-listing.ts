import type { StoredFound } from "#feed/message.ts";

/** Port: what is stored, as every live edge sees it at one moment. */
export interface StoredListing {
  /**
   * Asks for what patterns in canonical form match. It changes nothing, takes seconds at most, and
   * what is stored meanwhile may be missing.
   * @throws Problem("too_many_requests") while others are under way
   */
  list(endpointId: string, patterns: readonly string[], limit: number): Promise<StoredFound>;
}
