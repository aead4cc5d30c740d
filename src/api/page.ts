import { z } from "zod";
import { PER_PAGE_MAX } from "#limits.ts";

export interface Page {
  readonly page: number;
  readonly per_page: number;
}

/** Past the end of every collection, and its offset is still an exact integer. */
const PAGE_MAX = 1_000_000_000;

const EXPECTED = "expected a whole number of at least 1";

/** Text of a query string on its way in, a number from there on, and an integer to OpenAPI. */
const positive = z
  .string()
  .regex(/^[0-9]{1,100}$/, EXPECTED)
  .transform((text) => Math.min(Number(text), PAGE_MAX))
  .pipe(z.int().min(1, EXPECTED))
  .optional();

/** A page of a collection as a store hands it over, and how many there are in all. */
export interface Listed<T> {
  readonly rows: readonly T[];
  readonly total: number;
}

/** CONTRACT §1.2: what cannot be a page number is 422, what is too large is clamped. */
export const PageQuery = z.object({
  page: positive,
  per_page: positive,
});

export function parsePage(query: z.output<typeof PageQuery>): Page {
  return {
    page: query.page ?? 1,
    per_page: Math.min(query.per_page ?? 20, PER_PAGE_MAX),
  };
}

/** The shape of `links` and `meta` in every list (CONTRACT §1.2). */
export const PageLinks = z.object({
  pages: z
    .object({
      first: z.url().optional(),
      prev: z.url().optional(),
      next: z.url().optional(),
      last: z.url().optional(),
    })
    .optional(),
});
export const PageMeta = z.object({ total: z.int().min(0) });

/**
 * The links of a page: `{}` when everything fits on one; else those that lead somewhere, absolute,
 * with every parameter of the request kept.
 */
export function pageLinks(url: URL, page: Page, total: number): z.output<typeof PageLinks> {
  const last = Math.max(1, Math.ceil(total / page.per_page));
  if (last === 1 && page.page === 1) return {};
  const to = (number: number): string => {
    const target = new URL(url);
    target.searchParams.set("page", String(number));
    if (url.searchParams.has("per_page")) {
      target.searchParams.set("per_page", String(page.per_page));
    }
    return target.href;
  };
  const back = page.page > 1 ? { first: to(1), prev: to(Math.min(page.page - 1, last)) } : {};
  const forward = page.page < last ? { next: to(page.page + 1), last: to(last) } : {};
  return { pages: { ...back, ...forward } };
}

/** What every list replies beside its rows. */
export interface Listing<T> {
  readonly rows: readonly T[];
  readonly links: z.output<typeof PageLinks>;
  readonly meta: z.output<typeof PageMeta>;
}

/** The page that a request asks for, read from a store. */
export function listPage<T>(
  url: URL,
  query: z.output<typeof PageQuery>,
  read: (offset: number, limit: number) => Listed<T>,
): Listing<T> {
  const page = parsePage(query);
  const { rows, total } = read((page.page - 1) * page.per_page, page.per_page);
  return { rows, links: pageLinks(url, page, total), meta: { total } };
}
