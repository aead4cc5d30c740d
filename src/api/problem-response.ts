import { Problem } from "#problem.ts";

/** The only place where an error becomes bytes (CONTRACT §1.1). */
export function problemResponse(error: unknown, requestId: string): Response {
  const problem =
    error instanceof Problem
      ? error
      : new Problem("server_error", "Unexpected server-side error", { cause: error });
  const text = JSON.stringify({
    id: problem.id,
    message: problem.message,
    request_id: requestId,
  });
  return new Response(text, {
    status: problem.status,
    headers: {
      "content-type": "application/json; charset=utf-8",
      "content-length": String(Buffer.byteLength(text)),
      ...problem.fields,
    },
  });
}
