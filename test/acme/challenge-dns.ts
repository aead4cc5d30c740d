import { request } from "undici";
import { freePorts, startChild } from "./child.ts";

/** A DNS server that finds every name on this machine. */
export interface ChallengeDns {
  /** For Pebble's `dnsServer`. */
  readonly address: string;
  addTxt(name: string, value: string): Promise<void>;
  stop(): Promise<void>;
}

/** @param program as `buildPebble` made it */
export async function startChallengeDns(program: string): Promise<ChallengeDns> {
  const [port = 0, managementPort = 0] = await freePorts(2);
  const address = `127.0.0.1:${port}`;
  const management = `127.0.0.1:${managementPort}`;
  const others = ["-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", ""];
  const args = ["-dnsserver", address, "-defaultIPv6", "", "-management", management, ...others];
  const server = await startChild(program, args, {}, async () => {
    const reply = await request(`http://${management}/`);
    await reply.body.dump();
    return true;
  });
  const addTxt = async (name: string, value: string): Promise<void> => {
    const body = JSON.stringify({ host: `${name}.`, value });
    const reply = await request(`http://${management}/set-txt`, { method: "POST", body });
    await reply.body.dump();
    if (reply.statusCode !== 200) throw new Error(`set-txt: ${reply.statusCode}`);
  };
  return { address, addTxt, stop: () => server.stop() };
}
