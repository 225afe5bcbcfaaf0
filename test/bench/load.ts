// Load from a process of its own: clients that post single messages. Prints one JSON line.
// Usage: load.ts URL DATA CLIENTS REQUESTS [STATUS [as-they-are|different|one]]: messages go to their own conversations, to
// one for each client, or all to one.
import { readOperations } from "./operations.ts";
import { rawRequest, sendAll } from "./requests.ts";

const [url = "", data = "", clients = "32", requests = "1000", status = "202", where = "as-they-are"] =
  process.argv.slice(2);
const posts = readOperations(data, 4_000)
  .filter(({ flow }) => flow === "chat-messages")
  .map(({ data: { id: _, ...rest } }, i) => {
    if (where === "as-they-are") return rest;
    return { ...rest, session: where === "one" ? "one" : `client-${i % Number(clients)}` };
  })
  .map((rest) => rawRequest(url, "POST /v1/chat-messages/create", JSON.stringify(rest)));
const load = await sendAll({
  url,
  requests: posts,
  clients: Number(clients),
  total: Number(requests),
  status: Number(status),
});
console.log(JSON.stringify(load));
