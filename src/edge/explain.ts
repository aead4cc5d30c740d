import type { ExplainAnswer } from "#feed/explained.ts";
import type { Decisions } from "./explain/decisions.ts";
import { forwardSteps } from "./explain/forward-words.ts";
import { requestSteps } from "./explain/request-words.ts";
import { storageStep, storedStep } from "./explain/stored-words.ts";

/** Puts into words what was decided of a request, and why, in the order in which it is decided. */
export function explain(decisions: Decisions): ExplainAnswer {
  const { live, looking, now } = decisions;
  const endpoint = live?.endpoint;
  return {
    ...(endpoint === undefined ? {} : { endpointId: endpoint.id }),
    ...(decisions.handover.kind === "none" ? {} : { isPlatform: true }),
    decided: requestSteps(decisions),
    found: looking === undefined ? [] : foundSteps(decisions, looking, now),
  };
}

function foundSteps(
  decisions: Decisions,
  looking: NonNullable<Decisions["looking"]>,
  now: number,
): ExplainAnswer["found"] {
  const { found, live } = looking;
  const answered = forwardSteps(decisions, looking);
  if (found === undefined) return answered;
  const stored = storedStep(found, live.endpoint, now);
  const { kept } = found;
  if (kept === undefined) return [stored, ...answered];
  return [stored, ...answered, storageStep(kept.stored, live.endpoint)];
}
