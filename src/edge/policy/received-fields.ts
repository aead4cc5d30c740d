import type { EdgeEndpoint } from "#feed/entry.ts";
import { withoutCorsFields } from "./cors.ts";

/**
 * The fields of an origin's head that may be stored and passed on: to be applied before anything else
 * looks at them. Where a Space has rules, they alone say what other origins may read.
 */
export function receivedFields(
  fields: readonly string[],
  { cors }: Pick<EdgeEndpoint, "cors">,
): readonly string[] {
  return cors === undefined || cors.length === 0 ? fields : withoutCorsFields(fields);
}
