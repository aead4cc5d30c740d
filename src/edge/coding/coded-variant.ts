import { keyOfVariant } from "../cache/key.ts";
import { ownedText } from "../cache/owned.ts";
import type { StoredBody } from "../cache/stored-body.ts";
import { StoredResponse } from "../cache/stored-response.ts";
import { fieldSection } from "../fields.ts";
import type { Wanted } from "../tiers/tiers.ts";
import { codedHead } from "./coded-head.ts";
import type { Coding } from "./negotiation.ts";

/** In the place of a field that selects: what a variant was made of. No field has such a name. */
const MADE_OF = ":octets";
const NO_FIELDS: readonly string[] = [];

/** What a Vary tells apart has no such key: that goes on with a field's name, or with `=`. */
export function wantedVariant({ key }: StoredResponse, coding: Coding): Wanted {
  return { key: keyOfVariant(key, `:${coding}`), fields: NO_FIELDS };
}

/** The stored response that has these coded octets, and goes with this identity. */
export function variantOf(
  identity: StoredResponse,
  made: { readonly coding: Coding; readonly body: StoredBody; readonly digest: string },
): StoredResponse {
  const { status, section, freshness, tags, purgesCheckedAt, softPurged } = identity;
  const { coding, body, digest } = made;
  const { text } = fieldSection(codedHead(section.fields(), coding));
  return new StoredResponse({
    key: ownedText(wantedVariant(identity, coding).key),
    status,
    section: { text: ownedText(text) },
    selecting: [MADE_OF, digest],
    freshness,
    body,
    contentLength: body.sizeBytes,
    tags,
    purgesCheckedAt,
    softPurged,
  });
}

/** Of the octets that it was made of; empty: it is no variant. */
export function digestIn({ selecting }: StoredResponse): string {
  return selecting[0] === MADE_OF ? (selecting[1] ?? "") : "";
}

/** What is said of it, and when it was said. */
export function isSameHead(one: StoredResponse, other: StoredResponse): boolean {
  const { section, freshness } = one;
  return (
    section.text === other.section.text &&
    freshness.responseTime === other.freshness.responseTime &&
    freshness.correctedInitialAgeMs === other.freshness.correctedInitialAgeMs
  );
}
