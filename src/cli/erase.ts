// `tidegate erase`: deletes a session or what a person has, by ordinary operations. docs/erasure.md says what that means.
import { defineCommand } from "citty";
import { apiKeyArgument, readApiKey, readCount, readUrl, urlArgument } from "./arguments.ts";
import { type Erased, type ErasureOptions, eraseSession, eraseUser } from "./erase/erasure.ts";
import { patiently } from "./erase/patient.ts";
import { usageFailure } from "./failure.ts";
import { counted } from "./text.ts";

const RETRY_FOR_DEFAULT_SECONDS = 120;
// A message that comes behind its session's delete is in no list: to run the command again is not enough for it.
const TO_BE_SURE =
  'To be sure, run the same command again once "tidegate check" is at rest, and look for messages with "tidegate dump --registers": what came behind its session\'s delete is in no list';

const args = {
  url: urlArgument,
  "api-key": apiKeyArgument,
  session: { type: "string", valueHint: "id", description: "Delete this session and its messages" },
  user: {
    type: "string",
    valueHint: "id",
    description: "Delete this person's memories, and their sessions with all messages in them",
  },
  "dry-run": { type: "boolean", description: "Only count what would be deleted" },
  "retry-for": {
    type: "string",
    valueHint: "seconds",
    description: `How long to go on when nothing gets on; default ${RETRY_FOR_DEFAULT_SECONDS}`,
  },
  json: { type: "boolean", description: "Print the counts as one JSON object" },
} as const;

export const erase = defineCommand({
  meta: { name: "erase", description: "Delete a session or what a person has; repeating it does no harm" },
  args,
  async run({ args }): Promise<number> {
    const { session, user, "dry-run": dry, "retry-for": retryFor, json } = args;
    if ((session === undefined) === (user === undefined)) throw usageFailure("Give either --session or --user");
    if ((session ?? user) === "") throw usageFailure("An id is not empty");
    const url = readUrl(args.url);
    const retryForMs = (readCount("retry-for", retryFor, 0, 86_400) ?? RETRY_FOR_DEFAULT_SECONDS) * 1_000;
    const patience = { url, apiKey: readApiKey(args["api-key"]), retryForMs };
    const dryRun = dry === true;
    let unseen: string | undefined;
    const onUnseen = (reason: string): void => {
      unseen = `What was accepted and is not applied yet may remain: ${reason}. ${TO_BE_SURE}`;
      process.stderr.write(`${unseen}\n`);
    };
    const ask = patiently(patience);
    const options: ErasureOptions = { ...patience, ask, onUnseen, outcomeForMs: retryForMs, dryRun };
    const erased = session !== undefined ? await eraseSession(options, session) : await eraseUser(options, user!);
    const what = session !== undefined ? { session } : { user: user! };
    const mayRemain = unseen !== undefined;
    const said = [say(what, erased, dryRun), ...(unseen === undefined ? [] : [unseen])].join("\n");
    process.stdout.write(`${json === true ? JSON.stringify({ dryRun, ...what, ...erased, mayRemain }) : said}\n`);
    return 0;
  },
});

type What = { readonly session: string } | { readonly user: string };

function say(what: What, erased: Erased, dryRun: boolean): string {
  const { messages, memories, sessions } = erased;
  const whose = "session" in what ? `session ${JSON.stringify(what.session)}` : `user ${JSON.stringify(what.user)}`;
  if (messages + memories + sessions === 0) return `Readers see nothing of ${whose}: there is nothing to erase`;
  const counts = [counted(messages, "message"), counted(sessions, "session")];
  if ("user" in what) counts.unshift(counted(memories, "memory", "memories"));
  const list = `${counts.slice(0, -1).join(", ")} and ${counts.at(-1)}`;
  if (dryRun) return `${list} of ${whose} would be deleted; nothing was done`;
  const lines = [
    `Deleted ${list} of ${whose}: readers see none of it, and its content is gone from the graph`,
    "What stays: ids and times of the deleted; the records in the log, until its retention ends; backups",
  ];
  const others = "user" in what ? "what this person said in sessions of others, " : "";
  lines.push(`Not looked for: ${others}activities, events, and summaries and analyses made of what is deleted`);
  return [...lines, "docs/erasure.md says more"].join("\n");
}
