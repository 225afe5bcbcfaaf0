// `node test/cards/write.ts`: writes the cards into docs/dialects.md, each between its two marks. With KAFKA_GATEWAY set
// to a gateway on a real Kafka that card is written as well; else it stays as it is.
import { readFileSync, writeFileSync } from "node:fs";
import { examine } from "../../src/cli/probe/examine.ts";
import { CARDS, cardOf, tableOf } from "./cards.ts";

const path = new URL("../../docs/dialects.md", import.meta.url);
let text = readFileSync(path, "utf8");
const put = (name: string, table: string): void => {
  const pattern = new RegExp(`(<!-- card ${name} -->\n)[\\s\\S]*?(<!-- end -->)`);
  if (!pattern.test(text)) throw new Error(`docs/dialects.md has no place for ${name}`);
  text = text.replace(pattern, (_, begin: string, end: string) => `${begin}\n${table}\n\n${end}`);
};
for (const card of CARDS) {
  put(card.dialect, tableOf(await cardOf(card)));
  console.log(`${card.title}: written`);
}
const gateway = process.env.KAFKA_GATEWAY;
if (gateway !== undefined) {
  const access = { fetch };
  const card = await examine({ url: gateway, dialect: "tidegate", topic: undefined, timeoutMs: 120_000, access });
  if ("reason" in card) throw new Error(card.reason);
  put("kafka", tableOf(card));
  console.log(`The gateway on Kafka: written; ${card.findings.find(({ id }) => id === "delays")?.detail}`);
}
writeFileSync(path, text);
process.exit(0);
