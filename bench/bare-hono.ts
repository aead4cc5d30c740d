import { argv, stdout } from "node:process";
import { serve } from "@hono/node-server";
import { Hono } from "hono";

/** The peer of `bench/api.ts`: one route that answers a constant of the same size. */
const [, , text = "{}"] = argv;
const app = new Hono();
app.get("/v2/cdn/endpoints/:id", (c) =>
  c.body(text, 200, { "content-type": "application/json; charset=utf-8" }),
);
serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 }, ({ port }) => {
  stdout.write(`${port}\n`);
});
