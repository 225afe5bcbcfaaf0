// Kafka's error codes that the gateway tells apart. https://kafka.apache.org/protocol#protocol_error_codes
import { protocolErrorsCodesById } from "@platformatic/kafka";

export const CODES = {
  OFFSET_OUT_OF_RANGE: 1,
  UNKNOWN_TOPIC_OR_PARTITION: 3,
  LEADER_NOT_AVAILABLE: 5,
  NOT_LEADER_OR_FOLLOWER: 6,
  REPLICA_NOT_AVAILABLE: 9,
  MESSAGE_TOO_LARGE: 10,
  COORDINATOR_LOAD_IN_PROGRESS: 14,
  COORDINATOR_NOT_AVAILABLE: 15,
  NOT_COORDINATOR: 16,
  INVALID_TOPIC_EXCEPTION: 17,
  RECORD_LIST_TOO_LARGE: 18,
  NOT_ENOUGH_REPLICAS: 19,
  TOPIC_AUTHORIZATION_FAILED: 29,
  GROUP_AUTHORIZATION_FAILED: 30,
  CLUSTER_AUTHORIZATION_FAILED: 31,
  INVALID_TIMESTAMP: 32,
  TOPIC_ALREADY_EXISTS: 36,
  NOT_CONTROLLER: 41,
  POLICY_VIOLATION: 44,
  FENCED_LEADER_EPOCH: 74,
  UNKNOWN_LEADER_EPOCH: 75,
  OFFSET_NOT_AVAILABLE: 78,
  INVALID_RECORD: 87,
  THROTTLING_QUOTA_EXCEEDED: 89,
  UNKNOWN_TOPIC_ID: 100,
  INCONSISTENT_TOPIC_ID: 103,
} as const;

/** Codes that say that another broker leads now, or that none does yet. */
export const LEADER_MOVED: ReadonlySet<number> = new Set([
  CODES.UNKNOWN_TOPIC_OR_PARTITION,
  CODES.LEADER_NOT_AVAILABLE,
  CODES.NOT_LEADER_OR_FOLLOWER,
  CODES.REPLICA_NOT_AVAILABLE,
  CODES.FENCED_LEADER_EPOCH,
  CODES.UNKNOWN_LEADER_EPOCH,
  CODES.OFFSET_NOT_AVAILABLE,
  CODES.UNKNOWN_TOPIC_ID,
  CODES.INCONSISTENT_TOPIC_ID,
]);

/** Kafka's name of a code. */
export function codeName(code: number | undefined): string {
  return code === undefined ? "nothing" : (protocolErrorsCodesById[code] ?? `error ${code}`);
}
