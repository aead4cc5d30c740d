import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { systemClock } from "#clock.ts";
import { WRITE_GROUP_MAX } from "#limits.ts";
import { openForWriting } from "./connection.ts";
import { writeGroupRunner } from "./write-group.ts";
import type { WriteRequest } from "./write-message.ts";

/** The entry of the thread that owns the write connection: an fsync never stalls the main loop. */
const port = parentPort;
if (port === null) throw new Error("This file is a worker thread's");

const { path } = workerData as { readonly path: string };
const db = openForWriting(path);
const run = writeGroupRunner(db, () => systemClock.now());

port.on("message", (first: WriteRequest | "close") => {
  const group: WriteRequest[] = [];
  let next: WriteRequest | "close" | undefined = first;
  while (next !== undefined && next !== "close") {
    group.push(next);
    // Whatever came meanwhile shares this commit.
    next =
      group.length < WRITE_GROUP_MAX
        ? (receiveMessageOnPort(port)?.message as WriteRequest | "close" | undefined)
        : undefined;
  }
  if (group.length > 0) port.postMessage(run(group));
  if (next === "close") {
    db.close();
    port.close();
  }
});
