import { answerJson, type Call, field, readContent } from "./call.ts";
import { FORM_BYTES_MAX, SESSION_SCOPES_MAX, SESSION_SECONDS } from "./limits.ts";
import { Refusal } from "./refusal.ts";
import { type Grant, grantable, parseScope } from "./scope.ts";
import type { Sessions } from "./session.ts";
import type { Caller, SignedIn, SignIn } from "./sign-in.ts";

export interface TokenParts {
  readonly signIn: SignIn;
  readonly sessions: Sessions;
}

type TokenCall = Pick<Call, "request" | "response" | "query">;

/** Docker's token endpoint: GET with Basic, or POST of OAuth2's form (RFC 6749 §4.3, §6). */
export async function answerToken(parts: TokenParts, call: TokenCall): Promise<void> {
  if (call.request.method === "POST") await answerForm(parts, call);
  else await answerQuery(parts, call);
}

async function answerQuery({ signIn, sessions }: TokenParts, call: TokenCall): Promise<void> {
  const address = addressOf(call);
  const caller = admitted(await signIn.byField(field(call, "authorization"), address));
  const { token, issuedAt } = await issue(sessions, caller, scopesOf(call.query));
  answerJson(call, 200, UNCACHED, {
    token,
    access_token: token,
    expires_in: SESSION_SECONDS,
    issued_at: new Date(issuedAt).toISOString(),
  });
}

async function answerForm({ signIn, sessions }: TokenParts, call: TokenCall): Promise<void> {
  const content = await readContent(call, FORM_BYTES_MAX, "The form");
  const form = new URLSearchParams(content.toString("utf8"));
  const secret = secretOf(form);
  const caller = admitted(signIn.bySecret(secret, addressOf(call)));
  const asked = scopesOf(form);
  const { token, issuedAt } = await issue(sessions, caller, asked);
  const isOffline = form.get("access_type") === "offline" || form.has("refresh_token");
  answerJson(call, 200, UNCACHED, {
    access_token: token,
    token,
    expires_in: SESSION_SECONDS,
    issued_at: new Date(issuedAt).toISOString(),
    scope: form.getAll("scope").join(" "),
    // The API token is what lasts: there is no second kind of long-lived credential.
    ...(isOffline ? { refresh_token: secret } : {}),
  });
}

function secretOf(form: URLSearchParams): string {
  const grantType = form.get("grant_type");
  if (grantType === "password") return form.get("password") ?? "";
  if (grantType === "refresh_token") return form.get("refresh_token") ?? "";
  throw new Refusal("UNSUPPORTED", "grant_type is password or refresh_token.", { status: 400 });
}

async function issue(sessions: Sessions, caller: Caller, asked: readonly Grant[]) {
  const { accountId, tokenId, scopes } = caller;
  return sessions.issue({ accountId, tokenId, grants: grantable(asked, scopes) });
}

/** Several parameters, or several in one with spaces between; what is no scope grants nothing. */
function scopesOf(parameters: URLSearchParams): Grant[] {
  const texts = parameters.getAll("scope").flatMap((text) => text.split(" "));
  if (texts.length > SESSION_SCOPES_MAX) {
    const message = `A session is for at most ${SESSION_SCOPES_MAX} scopes.`;
    throw new Refusal("UNSUPPORTED", message, { status: 400 });
  }
  return texts.map(parseScope).filter((scope) => scope !== undefined);
}

function admitted(signedIn: SignedIn): Caller {
  if (signedIn.kind === "caller") return signedIn.caller;
  throw new Refusal(
    "UNAUTHORIZED",
    signedIn.kind === "nobody"
      ? "Sign in first (docker login): any user, with an API token as the password."
      : "The password is no valid API token: it may have expired or been revoked.",
    { fields: { "www-authenticate": 'Basic realm="Atoll registry", charset="UTF-8"' } },
  );
}

function addressOf({ request }: TokenCall): string {
  return request.socket.remoteAddress ?? "unknown";
}

const UNCACHED = { "cache-control": "no-store" };
