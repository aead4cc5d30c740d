import type { Fields } from "./call.ts";
import { PAGE_DEFAULT, PAGE_MAX } from "./limits.ts";
import { Refusal } from "./refusal.ts";

/** Distribution specification, "Listing tags": how many, and after which. */
export interface PageQuery {
  readonly limit: number;
  /** The last that the client has; it need not be there any more. */
  readonly after: string;
}

/** @throws Refusal when `n` is no number; one beyond `PAGE_MAX` is as good as that */
export function parsePage(query: URLSearchParams): PageQuery {
  const after = query.get("last") ?? "";
  const text = query.get("n");
  if (text === null || text === "") return { limit: PAGE_DEFAULT, after };
  if (!/^\d{1,15}$/.test(text)) {
    const message = `Cannot list: n is a whole number, 0 or more, not ${JSON.stringify(text)}.`;
    throw new Refusal("PAGINATION_NUMBER_INVALID", message, { detail: { n: text } });
  }
  return { limit: Math.min(Number(text), PAGE_MAX), after };
}

/** RFC 8288: where the next page is. */
export function nextLink(path: string, query: Readonly<Record<string, string>>): Fields {
  return { link: `<${path}?${new URLSearchParams(query).toString()}>; rel="next"` };
}
