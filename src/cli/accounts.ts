import type { Command } from "commander";
import { z } from "zod";
import { connect } from "./api.ts";
import { sessionOf, table } from "./session.ts";
import type { World } from "./world.ts";

const PATH = "/atoll/v1/accounts";

const Account = z.looseObject({
  uuid: z.string(),
  email: z.string(),
  name: z.string(),
  created_at: z.string(),
});

/** `atoll account …`: the operator's. */
export function addAccountCommands(program: Command, world: World): void {
  const account = program.command("account").description("accounts, for the operator");
  account
    .command("create")
    .description("make an account; --account EMAIL then acts as it")
    .argument("<email>")
    .option("--name <name>", "what to call it", undefined)
    .action(async (email: string, { name }: { name?: string }, command: Command) => {
      const session = sessionOf(world, command);
      await using api = await connect(session);
      const body = { email, ...(name === undefined ? {} : { name }) };
      const Reply = z.looseObject({ account: Account });
      const reply = await api.call({ method: "POST", path: PATH, body }, Reply);
      session.show(reply, () => accountTable([reply.account]));
    });
  account
    .command("list")
    .description("list the accounts")
    .action(async (_: object, command: Command) => {
      const session = sessionOf(world, command);
      await using api = await connect(session);
      const accounts = await api.list(PATH, "accounts", Account);
      session.show({ accounts }, () => accountTable(accounts));
    });
}

function accountTable(accounts: readonly z.output<typeof Account>[]): readonly string[] {
  const rows = accounts.map(({ uuid, email, name, created_at }) => [uuid, email, name, created_at]);
  return table([["UUID", "EMAIL", "NAME", "CREATED"], ...rows]);
}
