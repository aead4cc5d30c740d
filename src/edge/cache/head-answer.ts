import type { EdgeEndpoint } from "#feed/entry.ts";
import { fieldOf } from "../fields.ts";
import { decideHeadUpdate } from "./head-update.ts";
import { decideStorage, outdatesStored } from "./storage-decision.ts";
import {
  freshenedHead,
  type ReceivedHead,
  type StoredResponse,
  storedResponse,
} from "./stored-response.ts";
import { partFields } from "./withheld.ts";

/** What an answer to HEAD is judged with. */
export interface HeadAnswerInput {
  readonly endpoint: Pick<EdgeEndpoint, "role" | "ttl">;
  /** What the origin was sent of the client's. */
  readonly requestFields: readonly string[];
}

/** What becomes of a stored response by an answer to HEAD. */
export type HeadAnswer =
  | { readonly kind: "freshened"; readonly response: StoredResponse }
  /** It is not what the origin would answer any more, or may not be kept. */
  | { readonly kind: "outdated" }
  | { readonly kind: "as-it-was" };

const OUTDATED: HeadAnswer = { kind: "outdated" };
const AS_IT_WAS: HeadAnswer = { kind: "as-it-was" };

/**
 * RFC 9111 §4.3.5, of what is stored for a GET that the same request could have been answered with.
 * Like a 304 it may say that nothing is to be kept any more; unlike one, it asked for no confirmation,
 * and what a purge has made stale stays so.
 */
export function applyHeadAnswer(
  stored: StoredResponse,
  answer: ReceivedHead,
  { endpoint, requestFields }: HeadAnswerInput,
): HeadAnswer {
  const { validators, contentLength, status } = stored;
  const update = decideHeadUpdate({ status, validators, contentLength }, answer);
  if (update === "leave") return AS_IT_WAS;
  const head = freshenedHead(stored, answer);
  const storage = decideStorage({
    ...head,
    length: stored.body.sizeBytes,
    // It is kept already, however long it is.
    bodyBytesMax: Infinity,
    endpoint,
    authorized: fieldOf(requestFields, "authorization") !== undefined,
    replaces: true,
  });
  if (!outdatesStored(answer.status, storage)) return AS_IT_WAS;
  const varied = fieldOf(stored.section.fields(), "vary") !== fieldOf(head.fields, "vary");
  // What selects it now is not known of the request that it was stored for.
  if (update === "invalidate" || storage.kind === "pass" || varied) return OUTDATED;
  const { body, key, purgesCheckedAt, selecting } = stored;
  const role = endpoint.role ?? "space";
  const { shared } = partFields(head.fields, storage.withheld);
  const as = { key, body, contentLength, purgesCheckedAt, selecting, role };
  const response = storedResponse({ ...head, fields: shared }, as);
  response.softPurged = stored.softPurged;
  return { kind: "freshened", response };
}
