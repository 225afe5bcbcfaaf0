// A headless browser over its DevTools protocol: enough to open a page and ask it things.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "./tidegate-process.ts";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const FLAGS = [
  "--headless=new",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--remote-debugging-port=0",
];
const START_MS = 30_000;

/** The browser of this machine, if there is one: `apt-get install -y --no-install-recommends chromium`. */
export const CHROMIUM = PLACES.find((place) => existsSync(place));

/** A page that is open. */
export interface Page extends AsyncDisposable {
  /** Evaluates an expression in the page; promises are awaited. Throws what it throws. */
  evaluate(expression: string): Promise<unknown>;
  /** What the page wrote to its console, and exceptions that nobody caught. */
  readonly console: readonly string[];
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly type?: string; readonly args?: readonly { value?: unknown; description?: string }[] };
  readonly result?: {
    readonly result?: { readonly value?: unknown };
    readonly exceptionDetails?: { readonly text: string; readonly exception?: { readonly description?: string } };
  };
}

/** Opens a page in a browser of its own, whose profile lies in `folder`. */
export async function openPage(url: string, folder: string): Promise<Page> {
  const args = [...FLAGS, `--user-data-dir=${folder}`, "about:blank"];
  const browser = spawn(CHROMIUM!, args, { stdio: "ignore" });
  try {
    return await connect(browser, url, folder);
  } catch (error) {
    browser.kill("SIGKILL");
    throw error;
  }
}

async function connect(browser: ChildProcess, url: string, folder: string): Promise<Page> {
  const file = join(folder, "DevToolsActivePort");
  await waitFor("the browser to listen", START_MS, () => existsSync(file) && readFileSync(file, "utf8").includes("\n"));
  const [port] = readFileSync(file, "utf8").split("\n");
  const pages = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as {
    type: string;
    webSocketDebuggerUrl: string;
  }[];
  const socket = new WebSocket(pages.find(({ type }) => type === "page")!.webSocketDebuggerUrl);
  await once(socket, "open");
  const said: string[] = [];
  const waiting = new Map<number, (message: Message) => void>();
  socket.addEventListener("message", ({ data }) => {
    const message: Message = JSON.parse(String(data));
    if (message.id !== undefined) waiting.get(message.id)?.(message);
    else if (message.method === "Runtime.exceptionThrown") said.push(JSON.stringify(message.params));
    else if (message.method === "Runtime.consoleAPICalled") {
      said.push((message.params?.args ?? []).map(({ value, description }) => String(value ?? description)).join(" "));
    }
  });
  let id = 0;
  const send = (method: string, params: object = {}): Promise<Message> =>
    new Promise((resolve) => {
      waiting.set(++id, resolve);
      socket.send(JSON.stringify({ id, method, params }));
    });
  await send("Runtime.enable");
  await send("Page.enable");
  await send("Page.navigate", { url });
  return {
    console: said,
    async evaluate(expression) {
      const { result } = await send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
      const thrown = result?.exceptionDetails;
      if (thrown !== undefined) throw new Error(thrown.exception?.description ?? thrown.text);
      return result?.result?.value;
    },
    async [Symbol.asyncDispose]() {
      socket.close();
      const ended = once(browser, "exit");
      browser.kill("SIGTERM");
      const cut = setTimeout(() => browser.kill("SIGKILL"), 5_000);
      await ended;
      clearTimeout(cut);
    },
  };
}
