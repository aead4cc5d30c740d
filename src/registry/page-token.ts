import { z } from "zod";
import {
  type Listing,
  type Page,
  type PageLinks,
  PageQuery,
  pageLinks,
  parsePage,
} from "#api/page.ts";
import { Problem } from "#problem.ts";

/** CONTRACT §1.2: `page_token` is opaque, and wins over `page`. */
export const TokenPageQuery = PageQuery.extend({ page_token: z.string().optional() });

type Links = z.output<typeof PageLinks>;

/** A place in a collection, as clients carry it from one page to the next. */
export function pageToken(offset: number): string {
  return Buffer.from(JSON.stringify({ offset })).toString("base64url");
}

const Token = z.object({ offset: z.int().min(0) });

/** @throws Problem("bad_request") for what was never given out */
export function parsePageToken(text: string): number {
  try {
    const { offset } = Token.parse(JSON.parse(Buffer.from(text, "base64url").toString("utf8")));
    if (pageToken(offset) === text) return offset;
  } catch {
    // Not JSON, or not such an object: the same as what follows.
  }
  throw new Problem("bad_request", "page_token: this is no token of this list");
}

/** As `listPage`, with a token in the links to the next page and the one before. */
export function listTokenPage<T>(
  url: URL,
  query: z.output<typeof TokenPageQuery>,
  read: (offset: number, limit: number) => { readonly rows: readonly T[]; readonly total: number },
): Listing<T> {
  const asked = parsePage(query);
  const token = query.page_token ?? "";
  const offset = token === "" ? (asked.page - 1) * asked.per_page : parsePageToken(token);
  const page: Page = { ...asked, page: Math.floor(offset / asked.per_page) + 1 };
  const { rows, total } = read(offset, page.per_page);
  const bare = new URL(url);
  bare.searchParams.delete("page_token");
  return { rows, links: withTokens(pageLinks(bare, page, total), page), meta: { total } };
}

function withTokens({ pages }: Links, { per_page: perPage }: Page): Links {
  if (pages === undefined) return {};
  const tokened = (href: string | undefined): string | undefined => {
    if (href === undefined) return undefined;
    const url = new URL(href);
    const number = Number(url.searchParams.get("page"));
    url.searchParams.set("page_token", pageToken((number - 1) * perPage));
    url.searchParams.set("per_page", String(perPage));
    return url.href;
  };
  const [prev, next] = [tokened(pages.prev), tokened(pages.next)];
  return {
    pages: {
      ...pages,
      ...(prev === undefined ? {} : { prev }),
      ...(next === undefined ? {} : { next }),
    },
  };
}
