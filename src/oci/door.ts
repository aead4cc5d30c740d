import type { IncomingMessage, ServerResponse } from "node:http";
import { hasSecondHost } from "#api/second-host.ts";
import type { Logger } from "#log.ts";
import { Problem } from "#problem.ts";
import { type BlobParts, deleteBlob, digestIn, getBlob, headBlob } from "./blobs.ts";
import { answerJson, type Call, field, type RepositoryCall } from "./call.ts";
import { bearerChallenge, insufficientScope, reached } from "./challenge.ts";
import { writeRefusal } from "./error-writer.ts";
import { listReferrers, listRepositories, listTags } from "./listings.ts";
import { deleteManifest, getManifest, headManifest, putManifest } from "./manifests.ts";
import { parseName, type RepositoryName } from "./name.ts";
import { isCut } from "./receive.ts";
import { Refusal } from "./refusal.ts";
import { unknownRegistry } from "./refused-write.ts";
import { type Action, CATALOG, type Grant, repositoryGrant } from "./scope.ts";
import type { Caller, SignIn } from "./sign-in.ts";
import { METHODS, parseTarget, type Target } from "./target.ts";
import { answerToken, type TokenParts } from "./token-endpoint.ts";
import type { UploadParts } from "./upload-finish.ts";
import { addToUpload, cancelUpload, finishUpload, startUpload, uploadStatus } from "./uploads.ts";

export interface DoorParts extends BlobParts, UploadParts, TokenParts {
  readonly signIn: SignIn;
  readonly log: Logger;
}

type RepositoryTarget = Extract<Target, { readonly name: string }>;

/** What every request passes, in this order: target, method, name, sign-in, scope, registry. */
export class RegistryDoor {
  readonly #parts: DoorParts;

  constructor(parts: DoorParts) {
    this.#parts = parts;
  }

  /** Answers, whatever happens; resolves when it has. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { clock, log } = this.#parts;
    const startedAt = clock.now();
    const [path, search] = splitTarget(request.url ?? "");
    const target = parseTarget(path);
    let failure: unknown;
    response.setHeader("docker-distribution-api-version", "registry/2.0");
    response.setHeader("x-content-type-options", "nosniff");
    try {
      await this.#answer(target, { request, response, query: new URLSearchParams(search) });
    } catch (error) {
      const refusal = toRefusal(error);
      failure = refusal.status >= 500 && !hasLeft(error, request) ? error : undefined;
      await writeRefusal(refusal, { request, response }).catch((cause: unknown) => {
        failure = cause;
        response.destroy();
      });
    }
    const event = {
      method: request.method,
      target: target.kind,
      status: response.headersSent ? response.statusCode : CLIENT_CLOSED_REQUEST,
      duration_ms: clock.now() - startedAt,
    };
    if (failure === undefined) log.info(event, "registry request finished");
    else log.error({ ...event, err: failure }, "registry request failed");
  }

  async #answer(target: Target, bare: Pick<Call, "request" | "response" | "query">): Promise<void> {
    if (hasSecondHost(bare.request.rawHeaders)) {
      throw new Refusal("UNSUPPORTED", "The request has two Hosts.", { status: 400 });
    }
    if (target.kind === "unknown") {
      throw new Refusal("UNSUPPORTED", "The registry's API has no such path.", { status: 404 });
    }
    const allowed = METHODS[target.kind];
    const method = bare.request.method ?? "";
    if (!allowed.includes(method)) {
      const allow = allowed.join(", ");
      const message = `${method} is not a method of this resource: ${allow} are.`;
      throw new Refusal("UNSUPPORTED", message, { fields: { allow } });
    }
    if (target.kind === "token") return answerToken(this.#parts, bare);
    if (target.kind === "base") {
      await this.#signIn(bare.request, []);
      return answerJson(bare, 200, {}, {});
    }
    if (target.kind === "catalog") {
      const caller = await this.#admit(bare.request, CATALOG, "pull");
      return listRepositories(this.#parts.store, { ...bare, caller });
    }
    const name = nameIn(target.name);
    const action = actionOf(target, method);
    const needed = repositoryGrant(name.full, action === "push" ? ["pull", "push"] : [action]);
    const caller = await this.#admit(bare.request, needed, action);
    if (!this.#parts.store.hasRegistry(caller.accountId, name.registry)) {
      throw unknownRegistry(name.registry);
    }
    await this.#dispatch(target, method, { ...bare, caller, name });
  }

  async #dispatch(target: RepositoryTarget, method: string, call: RepositoryCall): Promise<void> {
    const parts = this.#parts;
    const { store } = parts;
    switch (target.kind) {
      case "tags":
        return listTags(store, call);
      case "referrers":
        return listReferrers(store, call, target.digest);
      case "manifest":
        if (method === "PUT") return putManifest(store, call, target.reference);
        if (method === "DELETE") return deleteManifest(store, call, target.reference);
        if (method === "HEAD") return headManifest(parts, call, target.reference);
        return getManifest(store, call, target.reference);
      case "blob": {
        const digest = digestIn(target.digest);
        if (method === "DELETE") return deleteBlob(parts, call, digest);
        return method === "HEAD" ? headBlob(parts, call, digest) : getBlob(parts, call, digest);
      }
      case "uploads":
        return startUpload(parts, call);
      case "upload":
        if (method === "PATCH") return addToUpload(parts, call, target.id);
        if (method === "PUT") return finishUpload(parts, call, target.id);
        if (method === "DELETE") return cancelUpload(parts, call, target.id);
        return uploadStatus(parts, call, target.id);
    }
  }

  /** Who asks, and may: what a session lacks can be asked for, what a token lacks cannot. */
  async #admit(request: IncomingMessage, needed: Grant, action: Action): Promise<Caller> {
    const caller = await this.#signIn(request, [needed]);
    if (!caller.allows(action)) {
      const message = `The token's scopes do not allow to ${action}.`;
      throw new Refusal("DENIED", message, { detail: { action } });
    }
    if (caller.covers({ ...needed, actions: action === "pull" ? needed.actions : [action] })) {
      return caller;
    }
    throw insufficientScope(request, [needed]);
  }

  async #signIn(request: IncomingMessage, needed: readonly Grant[]): Promise<Caller> {
    const reachedAt = reached(request);
    const address = request.socket.remoteAddress ?? "unknown";
    const authorization = field({ request }, "authorization");
    const signedIn = await this.#parts.signIn.byField(authorization, address);
    if (signedIn.kind === "caller") return signedIn.caller;
    const error = signedIn.kind === "nobody" ? undefined : "invalid_token";
    const message = {
      nobody: "Sign in first (docker login): any user, with an API token as the password.",
      "session-over": "The session has ended: get another one.",
      "wrong-credential": "This is no valid API token: it may have expired or been revoked.",
    }[signedIn.kind];
    throw new Refusal("UNAUTHORIZED", message, {
      fields: { "www-authenticate": bearerChallenge(reachedAt, needed, error) },
    });
  }
}

/** For the log alone, as other servers have it: nobody is there to read a status. */
const CLIENT_CLOSED_REQUEST = 499;

/** RFC 9112 §3.2.2: a target may also be a whole URL. */
function splitTarget(target: string): readonly [string, string] {
  const url = target.replace(/^https?:\/\/[^/?]*/i, "");
  const at = url.indexOf("?");
  return at === -1 ? [url, ""] : [url.slice(0, at), url.slice(at + 1)];
}

function nameIn(text: string): RepositoryName {
  const parsed = parseName(text);
  if (parsed.kind === "name") return parsed.name;
  if (parsed.kind === "registry-only") {
    const message = `An image's name is <registry>/<repository>: ${parsed.registry}/something.`;
    throw new Refusal("NAME_UNKNOWN", message, { detail: { name: text } });
  }
  const message =
    "A name is of lower-case letters and digits, with single dots, underscores or dashes between " +
    "them and slashes between its parts, 255 characters at most.";
  throw new Refusal("NAME_INVALID", message, { detail: { name: text.slice(0, 300) } });
}

function actionOf(target: RepositoryTarget, method: string): Action {
  if (target.kind === "uploads" || target.kind === "upload" || method === "PUT") return "push";
  return method === "DELETE" ? "delete" : "pull";
}

/** A client that is not there any more is nobody's fault. */
function hasLeft(error: unknown, request: IncomingMessage): boolean {
  return isCut(error) || request.socket.destroyed;
}

function toRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof Problem && error.id === "too_many_requests") {
    return new Refusal("TOOMANYREQUESTS", error.message, { fields: error.fields, cause: error });
  }
  // A full disk has its own words, which its owner needs; everything else is our own business.
  const message = error instanceof Problem ? error.message : "Unexpected error of the registry.";
  return new Refusal("UNKNOWN", message, { cause: error });
}
