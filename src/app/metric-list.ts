// What the service tells a Prometheus: the one list of metrics. docs/metrics.md has every row of it.

/** A metric's name, type and labels, and what it says. */
export interface Metric {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly labels: readonly string[];
  readonly help: string;
}

const metric = <Name extends string>(name: Name, type: Metric["type"], labels: readonly string[], help: string) => ({
  name,
  type,
  labels,
  help,
});

/** Every metric, in the order of the page. */
export const METRICS = [
  metric("tidegate_operations_total", "counter", ["flow", "path", "outcome"], "Operations that have their outcome."),
  metric(
    "tidegate_foreign_operations_total",
    "counter",
    ["flow"],
    "Operations that have their outcome and came from foreign producers.",
  ),
  metric(
    "tidegate_records_total",
    "counter",
    ["flow", "place"],
    "Records of the flow's topic, by what became of them.",
  ),
  metric(
    "tidegate_accounting_difference",
    "gauge",
    ["flow"],
    "Records without a place and operations without an outcome; 0 when the accounting closes.",
  ),
  metric(
    "tidegate_parked",
    "gauge",
    ["flow"],
    "Records set aside; flow other: not of an operation that this service minted.",
  ),
  metric("tidegate_outbox", "gauge", [], "Operations that are applied and still have to reach the log."),
  metric("tidegate_outbox_oldest_seconds", "gauge", [], "Age of the oldest operation that still has to reach the log."),
  metric("tidegate_retries", "gauge", [], "Requests whose prepared work is still to be done."),
  metric(
    "tidegate_retry_oldest_seconds",
    "gauge",
    [],
    "Age of the oldest request whose prepared work is still to be done.",
  ),
  metric("tidegate_sweeps", "gauge", [], "Entities whose referrers have to be recomputed."),
  metric("tidegate_unseen_entities", "gauge", [], "Entities that hold data and that nothing created yet."),
  metric("tidegate_lag_records", "gauge", ["flow"], "Records between our positions and the ends of the topic."),
  metric("tidegate_lag_seconds", "gauge", ["flow"], "Age of the oldest operation that waits to be applied."),
  metric(
    "tidegate_canary_seconds",
    "gauge",
    ["flow"],
    "How long the last canary took to be applied, or has been on its way.",
  ),
  metric("tidegate_up_database", "gauge", [], "Whether the database answers."),
  metric("tidegate_up_kafka", "gauge", [], "Whether Kafka answers."),
  metric(
    "tidegate_breaker_state",
    "gauge",
    ["state"],
    "1 for the state of the breaker that requests meet before Kafka, 0 for the others.",
  ),
  metric("tidegate_clock_skew_seconds", "gauge", [], "How far this clock is ahead of the database's."),
  metric(
    "tidegate_accept_duration_seconds",
    "histogram",
    ["flow", "path"],
    "Time of a request's operations until their answer; flow batch: several at once, by the first answer.",
  ),
  metric("tidegate_apply_duration_seconds", "histogram", [], "Time of a transaction that applies operations."),
  metric("tidegate_tick_duration_seconds", "histogram", [], "Time of a tick that found work, waiting for it included."),
  metric("tidegate_build_info", "gauge", ["version"], "The version that runs; always 1."),
] as const satisfies readonly Metric[];
