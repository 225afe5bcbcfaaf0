// A broker over a v2 proxy whose reads go through consumer instances: what Confluent, Karapace and Strimzi share.
import type { Broker, ReadFrom } from "../../ports/broker.ts";
import { InstanceGone, type InstanceManner, withInstance } from "./consumer-instance.ts";
import { type DialectOptions, READ_MS } from "./dialect.ts";
import { instanceRead } from "./instance-read.ts";
import { logEnds } from "./log-ends.ts";
import { createEachPlace, createTellFailed } from "./part-failures.ts";
import { unavailable } from "./proxy-answer.ts";
import { proxyCaller } from "./proxy-call.ts";
import { ANSWER_BYTES_MAX, PRODUCE_BOUNDS, restV2Produce, restV2Topics } from "./rest-v2.ts";
import type { ProduceBounds } from "./rest-v2-produce.ts";

/** In what such a proxy differs from the others. */
export interface InstanceDialect extends InstanceManner {
  /** See ReadManner. */
  readonly cutsAtBytes: boolean;
  readonly produceBounds?: ProduceBounds;
}

/** Readers have a group of their own: what they never commit cannot be mistaken for what is reported. */
const READER_GROUP = "tidegate-reader";

/** The part of a read's deadline in which the ends of one partition have to come. */
const ENDS_PART = 1 / 4;

/** An instance is made, assigned, commits and is deleted. */
const REPORT_REQUESTS = 4;

/** A broker of such a dialect. */
export function instanceBroker(options: DialectOptions, dialect: InstanceDialect): Broker {
  const { cluster, reportGroup, origins = [], readMs = READ_MS } = options;
  const call = proxyCaller({ ...options, answerBytesMax: ANSWER_BYTES_MAX });
  const eachPlace = createEachPlace(createTellFailed(options.onFailed), readMs * ENDS_PART);
  const place = { call, manner: dialect, origins };
  // Base64 and the JSON around it take up to twice the bytes of the contents.
  const manner = { cutsAtBytes: dialect.cutsAtBytes, bytesCap: ANSWER_BYTES_MAX / 2 };
  const { read, requestsOf } = instanceRead({ ...place, group: READER_GROUP }, logEnds(eachPlace), manner);
  const broker: Broker = {
    cluster,
    requests: { topics: (count) => count, read: requestsOf, report: REPORT_REQUESTS },
    produce: restV2Produce(call, dialect.produceBounds ?? PRODUCE_BOUNDS),
    read,
    topics: restV2Topics(call),
  };
  if (reportGroup === undefined) return broker;
  const report = async (positions: readonly ReadFrom[], signal?: AbortSignal): Promise<void> => {
    if (positions.length === 0) return;
    try {
      await withInstance({ ...place, group: reportGroup }, 0, signal, async (instance) => {
        await instance.assign(positions, signal);
        await instance.commit(positions, signal);
      });
    } catch (error) {
      throw error instanceof InstanceGone ? unavailable("report positions", error.message, error) : error;
    }
  };
  return { ...broker, reportPosition: report };
}
