// The peer of actions: calls a webhook, so many at once, and reads the answers. Prints one JSON line.
// Usage: bare-calls.ts URL CALLS AT_ONCE
const [url = "", calls = "0", atOnce = "32"] = process.argv.slice(2);
const total = Number(calls);
let sent = 0;

async function caller(): Promise<void> {
  while (sent < total) {
    const body = JSON.stringify({ action: `a${sent++}`, input: { n: sent } });
    const answer = await fetch(url, { method: "POST", headers: { "Content-Type": "application/json" }, body });
    if (answer.status !== 200) throw new Error(`The webhook answered ${answer.status}`);
    await answer.json();
  }
}

const began = performance.now();
await Promise.all(Array.from({ length: Number(atOnce) }, caller));
console.log(JSON.stringify({ seconds: (performance.now() - began) / 1_000 }));
