import { notFound, Problem } from "#problem.ts";
import { unreachable } from "#unreachable.ts";
import type { CertificateMisfit, CreateRefusal, UpdateRefusal } from "./endpoint.ts";

/** What a client is told of an endpoint that cannot be made, or cannot become so (CONTRACT §2). */
export function createRefusal(refusal: CreateRefusal, customDomain: string | undefined): Problem {
  switch (refusal.reason) {
    case "origin-taken":
      return new Problem("conflict", "cdn already enabled");
    case "custom-domain-taken":
      return domainTaken(customDomain);
    case "space-missing":
      return invalidOrigin("there is no such Space; make it first with `atoll space create`");
    case "space-of-another-account":
      return invalidOrigin("the Space belongs to another account");
    case "certificate-missing":
    case "certificate-without-domain":
    case "certificate-covers-others":
      return misfitProblem(refusal);
    default:
      return unreachable(refusal);
  }
}

export function updateRefusal(refusal: UpdateRefusal, customDomain: string | undefined): Problem {
  switch (refusal.reason) {
    case "missing":
      // It was there when the door looked: somebody deleted it in between.
      return notFound();
    case "custom-domain-taken":
      return domainTaken(customDomain);
    case "certificate-missing":
    case "certificate-without-domain":
    case "certificate-covers-others":
      return misfitProblem(refusal);
    default:
      return unreachable(refusal);
  }
}

export function invalidOrigin(reason: string): Problem {
  return new Problem("unprocessable_entity", `invalid origin: ${reason}`);
}

function misfitProblem(misfit: CertificateMisfit): Problem {
  switch (misfit.reason) {
    case "certificate-missing":
      return notFound("certificate not found");
    case "certificate-without-domain":
      return new Problem(
        "unprocessable_entity",
        "certificate_id: expected together with a custom_domain",
      );
    case "certificate-covers-others":
      return new Problem(
        "unprocessable_entity",
        `certificate_id: the certificate covers ${coveredText(misfit.covered)}, and not ${misfit.domain}`,
      );
    default:
      return unreachable(misfit);
  }
}

/** A reply is not to grow with a hundred names. */
const NAMES_SHOWN_MAX = 10;

function coveredText(names: readonly string[]): string {
  if (names.length === 0) return "no name (it has no subject alternative name)";
  const more = names.length - NAMES_SHOWN_MAX;
  return names.slice(0, NAMES_SHOWN_MAX).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

function domainTaken(domain: string | undefined): Problem {
  return new Problem(
    "conflict",
    `custom_domain: ${domain?.toLowerCase() ?? ""} already belongs to another CDN endpoint`,
  );
}
