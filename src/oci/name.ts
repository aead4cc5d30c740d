import { type Digest, parseDigest } from "./digest.ts";

/** What Docker's reference grammar allows in all, and file systems and proxies bear. */
const NAME_CHARACTERS_MAX = 255;

/** Distribution specification, "Pulling manifests": a name's components. */
const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;

const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;

/** `<registry>/<repository…>`: what is before the first slash says whose it is. */
export interface RepositoryName {
  readonly registry: string;
  readonly repository: string;
  /** As clients write it. */
  readonly full: string;
}

export type ParsedName =
  | { readonly kind: "name"; readonly name: RepositoryName }
  /** Well formed, but with nothing after the registry. */
  | { readonly kind: "registry-only"; readonly registry: string }
  | { readonly kind: "invalid" };

/** The name of a repository, as it stands between `/v2/` and what is asked of it. */
export function parseName(text: string): ParsedName {
  if (text.length > NAME_CHARACTERS_MAX) return { kind: "invalid" };
  const components = text.split("/");
  if (!components.every((component) => COMPONENT.test(component))) return { kind: "invalid" };
  const [registry = "", ...rest] = components;
  if (rest.length === 0) return { kind: "registry-only", registry };
  return { kind: "name", name: { registry, repository: rest.join("/"), full: text } };
}

/** Whether a tag may be called that. */
export function isTag(text: string): boolean {
  return TAG.test(text);
}

/** What a manifest is asked for by. */
export type Reference =
  | { readonly kind: "digest"; readonly digest: Digest }
  | { readonly kind: "tag"; readonly tag: string };

/** A colon is in no tag: what has one is a digest, or wrong. */
export function parseReference(text: string): Reference | undefined {
  if (!text.includes(":")) return isTag(text) ? { kind: "tag", tag: text } : undefined;
  const digest = parseDigest(text);
  return digest === undefined ? undefined : { kind: "digest", digest };
}
