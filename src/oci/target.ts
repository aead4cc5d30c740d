/** What a request is about, before anything in it has been checked. */
export type Target =
  | { readonly kind: "base" }
  | { readonly kind: "token" }
  | { readonly kind: "catalog" }
  | { readonly kind: "tags"; readonly name: string }
  | { readonly kind: "manifest"; readonly name: string; readonly reference: string }
  | { readonly kind: "blob"; readonly name: string; readonly digest: string }
  | { readonly kind: "uploads"; readonly name: string }
  | { readonly kind: "upload"; readonly name: string; readonly id: string }
  | { readonly kind: "referrers"; readonly name: string; readonly digest: string }
  | { readonly kind: "unknown" };

export type TargetKind = Target["kind"];

/** The methods of each, as `Allow` has them. */
export const METHODS: Readonly<Record<Exclude<TargetKind, "unknown">, readonly string[]>> = {
  base: ["GET", "HEAD"],
  token: ["GET", "HEAD", "POST"],
  catalog: ["GET", "HEAD"],
  tags: ["GET", "HEAD"],
  manifest: ["GET", "HEAD", "PUT", "DELETE"],
  blob: ["GET", "HEAD", "DELETE"],
  uploads: ["POST"],
  upload: ["GET", "HEAD", "PATCH", "PUT", "DELETE"],
  referrers: ["GET", "HEAD"],
};

const UNKNOWN: Target = { kind: "unknown" };

/** Tried in this order: a repository may be called `blobs` or `tags`, so what is last decides. */
const PATTERNS: readonly (readonly [RegExp, (a: string, b: string) => Target])[] = [
  [/^\/v2\/?$/, () => ({ kind: "base" })],
  [/^\/token$/, () => ({ kind: "token" })],
  [/^\/v2\/_catalog$/, () => ({ kind: "catalog" })],
  [/^\/v2\/(.+)\/tags\/list$/, (name) => ({ kind: "tags", name })],
  [/^\/v2\/(.+)\/blobs\/uploads\/?$/, (name) => ({ kind: "uploads", name })],
  [/^\/v2\/(.+)\/blobs\/uploads\/([^/]+)$/, (name, id) => ({ kind: "upload", name, id })],
  [/^\/v2\/(.+)\/blobs\/([^/]+)$/, (name, digest) => ({ kind: "blob", name, digest })],
  [
    /^\/v2\/(.+)\/manifests\/([^/]+)$/,
    (name, reference) => ({ kind: "manifest", name, reference }),
  ],
  [/^\/v2\/(.+)\/referrers\/([^/]+)$/, (name, digest) => ({ kind: "referrers", name, digest })],
];

/** @param path the request target without its query, as it was sent: escapes are decoded once here */
export function parseTarget(path: string): Target {
  const decoded = unescaped(path);
  if (decoded === undefined) return UNKNOWN;
  for (const [pattern, make] of PATTERNS) {
    const match = pattern.exec(decoded);
    if (match !== null) return make(match[1] ?? "", match[2] ?? "");
  }
  return UNKNOWN;
}

/** Some clients escape the colon of a digest, or a name's slashes. */
function unescaped(path: string): string | undefined {
  if (!path.includes("%")) return path;
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}
