import { digestIn } from "./blobs.ts";
import { answerJson, type Call, type RepositoryCall } from "./call.ts";
import { REFERRERS_PAGE } from "./limits.ts";
import { OCI_INDEX } from "./manifest.ts";
import { nextLink, parsePage } from "./page.ts";
import { Refusal } from "./refusal.ts";
import type { ContentReads, NamesPage, Referrer } from "./store.ts";

/** Distribution specification, "Listing tags". @throws Refusal when there is no repository */
export function listTags(store: ContentReads, call: RepositoryCall): void {
  const { name, caller, query } = call;
  const repositoryId = store.findRepository(caller.accountId, name);
  if (repositoryId === undefined) {
    const message = `There is no repository ${name.full}: it is made by the first push.`;
    throw new Refusal("NAME_UNKNOWN", message, { detail: { name: name.full } });
  }
  const { limit, after } = parsePage(query);
  const page = store.tags(repositoryId, after, limit);
  const fields = linkTo(`/v2/${name.full}/tags/list`, limit, page);
  answerJson(call, 200, fields, { name: name.full, tags: page.names });
}

/** The caller's own, and nobody else's. */
export function listRepositories(store: ContentReads, call: Call): void {
  const { limit, after } = parsePage(call.query);
  const page = store.repositories(call.caller.accountId, after, limit);
  answerJson(call, 200, linkTo("/v2/_catalog", limit, page), { repositories: page.names });
}

/** Distribution specification: with `n=0` there is no next page. */
function linkTo(path: string, limit: number, { names, more }: NamesPage) {
  const last = names.at(-1);
  return more && last !== undefined ? nextLink(path, { n: String(limit), last }) : {};
}

/**
 * Never a 404 for a subject that nothing refers to, or that is not there: a client would take it for
 * a registry without this API, and fall back to tags (distribution specification, "Listing referrers").
 */
export function listReferrers(store: ContentReads, call: RepositoryCall, text: string): void {
  const { name, caller, query } = call;
  const subject = digestIn(text);
  const artifactType = query.get("artifactType") || undefined;
  const repositoryId = store.findRepository(caller.accountId, name);
  const after = query.get("last") ?? "";
  const found =
    repositoryId === undefined
      ? []
      : store.referrers(repositoryId, subject, artifactType, after, REFERRERS_PAGE + 1);
  const page = found.slice(0, REFERRERS_PAGE);
  const last = page.at(-1)?.digest;
  const next = {
    ...(artifactType === undefined ? {} : { artifactType }),
    last: last ?? "",
  };
  answerJson(
    call,
    200,
    {
      "content-type": OCI_INDEX,
      ...(artifactType === undefined ? {} : { "oci-filters-applied": "artifactType" }),
      ...(found.length > page.length
        ? nextLink(`/v2/${name.full}/referrers/${subject}`, next)
        : {}),
    },
    { schemaVersion: 2, mediaType: OCI_INDEX, manifests: page.map(toDescriptor) },
  );
}

function toDescriptor({ sizeBytes, ...referrer }: Referrer) {
  return { ...referrer, size: sizeBytes };
}
