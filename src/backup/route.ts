import { PassThrough, Readable } from "node:stream";
import { type AnyRoute, route } from "#api/route.ts";
import type { Logger } from "#log.ts";

/** Writes a backup of this moment to the stream, and ends it. */
export type Backup = (output: PassThrough, signal: AbortSignal) => Promise<unknown>;

/** `GET /atoll/v1/backup`: everything that lasts, of one moment, while the server runs. */
export function backupRoute(backup: Backup, log: Logger): AnyRoute {
  return route({
    operationId: "atoll_backup",
    method: "GET",
    path: "/atoll/v1/backup",
    summary: "Everything that lasts, as a tar archive",
    tag: "Atoll",
    access: "operator",
    status: 200,
    handle: ({ request, requestId }) => {
      const output = new PassThrough();
      backup(output, request.signal).catch((error: unknown) => {
        if (request.signal.aborted || output.destroyed)
          log.info({ request_id: requestId }, "backup given up");
        else log.error({ err: error, request_id: requestId }, "backup failed");
        output.destroy(error as Error);
      });
      return new Response(Readable.toWeb(output) as ReadableStream<Uint8Array>, {
        headers: { "content-type": "application/x-tar" },
      });
    },
  });
}
