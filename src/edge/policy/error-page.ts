import type { EndpointSettings } from "#feed/entry.ts";
import { fieldOf } from "../fields.ts";
import type { RequestHead } from "../request.ts";

/** Whether an endpoint's error page stands in for the content of an answer, whose status stays. */
export type ErrorPage =
  | { readonly kind: "as-it-is"; readonly reason: "no-page" | "status" | "method" | "range" }
  | {
      readonly kind: "stand-in";
      /** Of the Space. */
      readonly key: string;
      /** RFC 9110 §9.3.2: to HEAD the page's fields are sent, and the page is not. */
      readonly hasContent: boolean;
    };

/** Decides for an answer with this status, whoever made it. */
export function decideErrorPage(
  settings: EndpointSettings | undefined,
  { method, fields }: Pick<RequestHead, "method" | "fields">,
  status: number,
): ErrorPage {
  const key = settings?.errorPage;
  if (key === undefined) return { kind: "as-it-is", reason: "no-page" };
  if (!isForPeople(status)) return { kind: "as-it-is", reason: "status" };
  if (method !== "GET" && method !== "HEAD") return { kind: "as-it-is", reason: "method" };
  // Who asks for a range puts pieces together, and does not look at a page.
  if (fieldOf(fields, "range") !== undefined) return { kind: "as-it-is", reason: "range" };
  return { kind: "stand-in", key, hasContent: method === "GET" };
}

/** The other errors tell a program what it did wrong. */
function isForPeople(status: number): boolean {
  return status === 403 || status === 404 || (status >= 500 && status <= 599);
}
