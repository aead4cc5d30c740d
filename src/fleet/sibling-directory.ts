import { randomBytes } from "node:crypto";
import type { SiblingAddress, ToWorker } from "#feed/message.ts";

/** One worker's place among its siblings. */
export interface SiblingMember {
  /** It listens for the others. */
  listens(port: number): void;
  /** It knows the others as they were in this round. */
  knows(round: number): void;
  /** It has ended. */
  leave(): void;
}

interface Member {
  readonly send: (message: ToWorker) => void;
  /** Absent until it listens. */
  address?: SiblingAddress;
  /** The newest round that it knows. */
  round: number;
}

/** Which workers listen for their siblings, and where: told to all of them as it changes. */
export class SiblingDirectory {
  /** What the workers know one another by: of this fleet alone, and kept nowhere. */
  readonly secret = randomBytes(32).toString("base64url");
  readonly #members = new Set<Member>();
  #round = 0;
  #settled: (() => void)[] = [];

  /** `send` hands the worker a message; no two that run have the same slot. */
  join(slot: number, send: (message: ToWorker) => void): SiblingMember {
    const member: Member = { send, round: 0 };
    this.#members.add(member);
    return {
      listens: (port) => {
        member.address = { slot, port };
        this.#tell();
      },
      knows: (round) => {
        member.round = Math.max(member.round, round);
        this.#settle();
      },
      leave: () => {
        this.#members.delete(member);
        if (member.address !== undefined) this.#tell();
        this.#settle();
      },
    };
  }

  /** Resolves when all that listen know one another. */
  async settled(): Promise<void> {
    if (this.#isSettled) return;
    await new Promise<void>((resolve) => {
      this.#settled.push(resolve);
    });
  }

  get #listening(): Member[] {
    return [...this.#members].filter(({ address }) => address !== undefined);
  }

  get #isSettled(): boolean {
    return this.#listening.every(({ round }) => round === this.#round);
  }

  #tell(): void {
    this.#round += 1;
    const addresses = this.#listening.flatMap(({ address = [] }) => address);
    for (const { send } of this.#listening) {
      send({ kind: "siblings", round: this.#round, addresses });
    }
  }

  #settle(): void {
    if (!this.#isSettled) return;
    for (const resolve of this.#settled.splice(0)) resolve();
  }
}
