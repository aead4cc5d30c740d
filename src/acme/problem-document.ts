import { z } from "zod";
import type { AcmeProblem } from "./acme.ts";
import {
  DETAIL_LENGTH_MAX,
  MESSAGE_LENGTH_MAX,
  SUBPROBLEMS_MAX,
  URL_LENGTH_MAX,
} from "./limits.ts";
import { plainWords } from "./words.ts";

const words = (lengthMax: number) => z.string().transform((text) => plainWords(text, lengthMax));

/** What is written wrongly is left out: the rest may still say what happened. */
const Plain = z.object({
  type: words(URL_LENGTH_MAX).catch("about:blank"),
  detail: words(DETAIL_LENGTH_MAX).optional().catch(undefined),
  title: words(DETAIL_LENGTH_MAX).optional().catch(undefined),
  status: z.int().min(100).max(599).optional().catch(undefined),
  identifier: z
    .object({ type: z.literal("dns"), value: words(255) })
    .optional()
    .catch(undefined),
});
const Document = Plain.extend({ subproblems: z.array(z.unknown()).optional().catch(undefined) });

/** RFC 9457, RFC 8555 §6.7.1; `undefined` for what is no problem document. */
export function parseProblem(document: unknown): AcmeProblem | undefined {
  const parsed = Document.safeParse(document);
  if (!parsed.success) return undefined;
  const { subproblems = [], ...plain } = parsed.data;
  const parts = subproblems
    .slice(0, SUBPROBLEMS_MAX)
    .map((part) => Plain.safeParse(part).data)
    .filter((part) => part !== undefined)
    .map(problemOf);
  return parts.length === 0 ? problemOf(plain) : { ...problemOf(plain), subproblems: parts };
}

function problemOf({ type, detail, title, status, identifier }: z.output<typeof Plain>) {
  return {
    type,
    detail: detail ?? title ?? "",
    ...(status !== undefined && { status }),
    ...(identifier !== undefined && { identifier }),
  };
}

/** The CA's own words in one line, those for single names with them. */
export function wordsOf(problem: AcmeProblem): string {
  const own = problem.detail === "" ? problem.type : problem.detail;
  const parts = (problem.subproblems ?? []).map((part) => {
    const name = part.identifier === undefined ? "" : `${part.identifier.value}: `;
    return `${name}${wordsOf(part)}`;
  });
  return plainWords([own, ...parts].join("; "), MESSAGE_LENGTH_MAX);
}
