// Shows the messages of a session and sends new ones. `?tidegate=` names the service, which has to allow this page by its
// CORS_ORIGINS; `?session=` names the session.
import { createClient, TidegateError } from "tidegate/client";

const parameters = new URLSearchParams(location.search);
const session = parameters.get("session") ?? "page";
const client = createClient({ url: parameters.get("tidegate") ?? "http://127.0.0.1:8787" });

const list = document.querySelector("#messages");
const status = document.querySelector("#status");
const form = document.querySelector("form");

/** Shows the session; a read that comes after an operation finds what it wrote. */
async function show(after) {
  const items = [];
  for await (const { user, content } of client.messages(session, { after })) {
    const item = document.createElement("li");
    item.textContent = `${user}: ${content}`;
    items.push(item);
  }
  list.replaceChildren(...items);
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const content = new FormData(form).get("content");
  form.reset();
  status.textContent = "Sending…";
  try {
    const answer = await client.submit("chat-messages", "create", { session, user: "ada", content });
    for await (const { state } of client.watch(answer.id)) status.textContent = `${answer.path}: ${state}`;
    await show(answer);
  } catch (error) {
    status.textContent = error instanceof TidegateError ? `${error.code}: ${error.message}` : String(error);
  }
});

await client.submit("session", "create", { id: session }, { key: `session/${session}`, waitMs: 5_000 });
await show();
status.textContent = "Ready";
