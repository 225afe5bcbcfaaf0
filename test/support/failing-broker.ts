// A decorator over the broker port: a proxy that nothing can reach.
import { AppError } from "../../src/domain/errors.ts";
import type { Broker } from "../../src/ports/broker.ts";
import { refusingProduce } from "./ways.ts";

/** A broker that takes no record and answers nothing. */
export function failingBroker(broker: Broker): Broker {
  const fail = () => Promise.reject(new AppError("broker_unavailable", "Cannot reach Kafka: connection refused"));
  return { ...refusingProduce()(broker), read: fail, topics: fail };
}
