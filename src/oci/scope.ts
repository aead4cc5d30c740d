import { scopesAllow } from "#account/scope.ts";

const ACTIONS = ["pull", "push", "delete"] as const;

export type Action = (typeof ACTIONS)[number];

/** Scopes of an API token that allow it, any of them (CONTRACT §4). */
const TOKEN_SCOPES: Readonly<Record<Action, readonly string[]>> = {
  pull: ["registry:read"],
  push: ["registry:create", "registry:update"],
  delete: ["registry:delete"],
};

/** What an API token with these scopes may do in its account's repositories. */
export function tokenAllows(scopes: readonly string[], action: Action): boolean {
  return TOKEN_SCOPES[action].some((scope) => scopesAllow(scopes, scope));
}

/** Docker's token specification: `repository:<name>:pull,push`, or `registry:catalog:*`. */
export interface Grant {
  readonly type: string;
  readonly name: string;
  readonly actions: readonly string[];
}

/** What a grant has to say for the list of all repositories. */
export const CATALOG: Grant = { type: "registry", name: "catalog", actions: ["*"] };

/** What it takes to do that in a repository, named with its registry. */
export function repositoryGrant(name: string, actions: readonly Action[]): Grant {
  return { type: "repository", name, actions };
}

/** As challenges and requests for a session have it. */
export function scopeText({ type, name, actions }: Grant): string {
  return `${type}:${name}:${actions.join(",")}`;
}

/** One scope of a request for a session. A type may have a class, as `repository(plugin)`. */
export function parseScope(text: string): Grant | undefined {
  const match = /^([a-z0-9]+)(?:\([a-z0-9]+\))?:(.*):([a-z*,]*)$/.exec(text);
  if (match === null) return undefined;
  const [, type = "", name = "", actions = ""] = match;
  return { type, name, actions: actions.split(",").filter((action) => action !== "") };
}

/**
 * Of what is asked for, what the token may. A repository's name is not looked at: whether it is the
 * account's is found out, and said, where it is used.
 */
export function grantable(asked: readonly Grant[], scopes: readonly string[]): Grant[] {
  const granted = asked.map((grant): Grant => {
    if (grant.type === "repository") {
      const wanted = ACTIONS.filter((action) => covers(grant.actions, action));
      return { ...grant, actions: wanted.filter((action) => tokenAllows(scopes, action)) };
    }
    const isCatalog = grant.type === CATALOG.type && grant.name === CATALOG.name;
    return { ...grant, actions: isCatalog && tokenAllows(scopes, "pull") ? ["*"] : [] };
  });
  return granted.filter(({ actions }) => actions.length > 0);
}

/** Whether what was granted covers each action that is needed. */
export function grantsCover(granted: readonly Grant[], needed: Grant): boolean {
  return needed.actions.every((action) =>
    granted.some(
      ({ type, name, actions }) =>
        type === needed.type && name === needed.name && covers(actions, action),
    ),
  );
}

function covers(actions: readonly string[], action: string): boolean {
  return actions.includes(action) || actions.includes("*");
}
