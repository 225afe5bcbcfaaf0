/// <reference lib="deno.ns" />
// Records conversations of the CHIT-CHAT dataset, has the longest summarised, and prints it. With the rights it needs and no others:
//
//   deno run --allow-net=127.0.0.1:8787 --allow-read=test/data --allow-env=TIDEGATE_API_KEY examples/deno/record.ts \
//     http://127.0.0.1:8787 test/data/chitchat-excerpt.json.gz
import { createClient, type Item } from "tidegate/client";

interface Conversation {
  readonly start?: string;
  readonly prompt?: string;
  readonly messages: readonly (readonly {
    readonly text: string;
    readonly timestamp: string;
    readonly sender: string;
  }[])[];
}

const [url, path] = Deno.args;
if (url === undefined || path === undefined) throw new Error("Give the service's address and a file of conversations");

const file = await Deno.open(path);
const text = await new Response(file.readable.pipeThrough(new DecompressionStream("gzip"))).text();
const conversations = Object.entries(JSON.parse(text) as { [id: string]: Conversation });

/** One conversation as operations. Keys are made from its id: while they are kept, running this twice records it once. */
function operationsOf([id, { start, prompt, messages }]: [string, Conversation]): Item[] {
  const session: Item = { flow: "session", type: "create", key: `deno/${id}`, data: { id, startedAt: start, prompt } };
  const said = messages.flat().map(({ text: content, timestamp: sentAt, sender: user }, seq): Item => {
    const data = { id: `${id}-${seq}`, session: id, user, content, sentAt, seq };
    return { flow: "chat-messages", type: "create", key: `deno/${id}/${seq}`, data };
  });
  return [session, ...said];
}

const client = createClient({ url, apiKey: Deno.env.get("TIDEGATE_API_KEY") });
const answers = await client.submitMany(conversations.flatMap(operationsOf));
const refused = answers.filter((answer) => "problem" in answer);
for (const { status, problem } of refused) console.error(status, problem.code, problem.detail);
console.log(`${answers.length - refused.length} operations of ${conversations.length} conversations are accepted`);

const [longest] = conversations.toSorted(([, one], [, other]) => other.messages.length - one.messages.length);
if (longest === undefined) throw new Error(`${path} holds no conversation`);
const asked = await client.submit("summarization", "generate", { session: longest[0] });
for await (const { state } of client.watch(asked.id)) console.log(`summary: ${state}`);
const { summary } = await client.entity("Summary", asked.entity.id);
console.log((summary as { text: string }).text);
