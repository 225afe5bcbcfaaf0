// examples/browser: the page in a real browser, with the client's modules as the package has them, across origins.
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { stage } from "../../build/package.ts";
import { createClient } from "../../src/client/index.ts";
import { CHROMIUM, openPage } from "../support/chromium.ts";
import { startExample } from "../support/example-process.ts";
import { conversations } from "../support/excerpt.ts";
import { startServiceProcess } from "../support/service-process.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { waitFor } from "../support/tidegate-process.ts";

const root = resolve(import.meta.dirname, "../..");
if (CHROMIUM === undefined) {
  console.warn("skipped: examples/browser: there is no Chromium; apt-get install -y --no-install-recommends chromium");
}

test.skipIf(CHROMIUM === undefined)(
  "a page shows a conversation, sends into it and finds what it wrote",
  async () => {
    using folder = tempFolder();
    stage(folder.path("package"));
    const args = [join(root, "examples/browser/serve.ts"), folder.path("package")];
    await using page = await startExample(process.execPath, args, { cwd: folder.root, env: { PORT: "0" } });
    await using service = await startServiceProcess(folder.root, { CORS_ORIGINS: page.url });
    const [session, said] = [...conversations()][0]!;
    const client = createClient({ url: service.url });
    const items = said
      .slice(0, 10)
      .map((data) => ({ flow: "chat-messages", type: "create", data: { session, ...data } }) as const);
    await client.submit("session", "create", { id: session }, { key: `session/${session}` });
    const answers = await client.submitMany(items);
    for (const answer of answers) if ("id" in answer) await client.settled(answer.id);

    const search = new URLSearchParams({ tidegate: service.url, session });
    await using browser = await openPage(`${page.url}/?${search}`, folder.path("profile"));
    const status = (): Promise<unknown> => browser.evaluate('document.querySelector("#status")?.textContent');
    const shown = (): Promise<unknown> =>
      browser.evaluate('[...document.querySelectorAll("#messages li")].map((item) => item.textContent)');
    const until = (text: string): Promise<void> =>
      waitFor(`the page to say ${text}`, 30_000, async () => (await status()) === text, { everyMs: 50 });
    const transcript = said.slice(0, 10).map(({ user, content }) => `${user}: ${content}`);
    await until("Ready");
    expect(await shown()).toEqual(transcript);
    const type = `document.querySelector("input").value = "Nice to meet you"; document.querySelector("button").click()`;
    await browser.evaluate(type);
    await until("kafka: applied");
    await waitFor("the message", 10_000, async () => ((await shown()) as unknown[]).length === 11, { everyMs: 50 });
    // It has no time of its own, so it stands where the service received it: behind all that has one.
    expect(await shown()).toContain("ada: Nice to meet you");
    expect(browser.console).toEqual([]);
  },
  180_000,
);
