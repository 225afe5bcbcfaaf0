// A gateway on the stack's Kafka, with the topics of the flows and nothing in them.
import { emptyKafka } from "../e2e/empty-kafka.ts";
import { readKafka } from "../stack/read-stack.ts";
import { bin, type Child, flags, inFolder, startChild } from "./child.ts";

/** Works with a gateway of its own; Kafka is empty before and after. */
export async function withGateway<Result>(work: (gateway: Child) => Promise<Result>): Promise<Result> {
  const kafka = readKafka();
  await emptyKafka(kafka);
  const gateway = await startChild([...flags, bin, "gateway", "--kafka", kafka, "--port", "0"], {});
  try {
    return await work(gateway);
  } finally {
    await gateway.stop();
    await emptyKafka(kafka);
  }
}

/** Works with a service on files of its own. */
export function withService<Result>(
  env: Record<string, string>,
  work: (service: Child) => Promise<Result>,
): Promise<Result> {
  return inFolder(async (folder) => {
    const own = { PORT: "0", DATA_DIR: folder, LOG_LEVEL: "error" };
    const service = await startChild([...flags, bin, "start"], { ...own, ...env });
    try {
      return await work(service);
    } finally {
      await service.stop();
    }
  });
}
