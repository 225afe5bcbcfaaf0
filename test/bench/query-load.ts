// Load from a process of its own: clients that search memories. Prints one JSON line.
// Usage: query-load.ts URL DATA MEMORIES CLIENTS REQUESTS
import { questionsOf, readMemories } from "./memories.ts";
import { rawRequest, sendAll } from "./requests.ts";

const [url = "", data = "", memories = "0", clients = "32", requests = "1000"] = process.argv.slice(2);
const QUESTIONS = 1_000;

const questions = questionsOf(readMemories(data, Number(memories)), QUESTIONS);
const load = await sendAll({
  url,
  requests: questions.map((path) => rawRequest(url, `GET ${path}`)),
  clients: Number(clients),
  total: Number(requests),
  status: 200,
});
console.log(JSON.stringify(load));
