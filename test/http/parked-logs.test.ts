// A topic that was made anew, or that another cluster bears, has other records at the same coordinates.
import { describe, expect, it } from "vitest";
import { startService } from "../support/service.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { append } from "./foreign-records.ts";
import { at, expectClosed, NEWER, ours, parkedList, TOPIC } from "./parked-records.ts";

/** Two services one after the other: the graph stays, the log is another one. */
async function withTwoLogs(decide: (name: string) => string) {
  using folder = tempFolder();
  const options = { partitions: 1, path: folder.path("graph.db") };
  {
    await using service = await startService(options);
    await append(service, ours("first", NEWER));
    await service.tickToRest();
    const path = decide(at(0));
    if (path !== "") expect((await service.post(path, {})).status).toBe(202);
    await service.tickToRest();
  }
  const service = await startService(options);
  const second = ours("second", NEWER);
  await append(service, second);
  await service.tickToRest();
  return { service, second };
}

describe("a record at the coordinates of one of another log", () => {
  it("is parked whatever was decided about that one", async () => {
    const { service, second } = await withTwoLogs((name) => `${name}/discard`);
    await using _ = service;
    const { items } = await parkedList(service);
    expect(items).toMatchObject([{ record: expect.stringMatching(`^${TOPIC}/0/0@`), operation: second.id }]);
    expect((await service.get(`/v1/operations/${second.id}`)).body).toMatchObject({ state: "parked" });
    await expectClosed(service);
  });

  it("is parked beside it, and both are told apart by their logs", async () => {
    const { service } = await withTwoLogs(() => "");
    await using _ = service;
    const { items } = await parkedList(service);
    expect(items).toHaveLength(2);
    const { status, body } = await service.get(at(0));
    expect({ status, body }).toMatchObject({
      status: 404,
      body: { detail: expect.stringContaining(items[0]!.record) },
    });
    expect((await service.post(`/v1/parked/${items[0]!.record}/discard`, {})).status).toBe(202);
    await service.tickToRest();
    expect((await parkedList(service)).items).toEqual([expect.objectContaining({ record: items[1]!.record })]);
    await expectClosed(service);
  });
});
