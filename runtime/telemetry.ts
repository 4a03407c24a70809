/**
 * What every stage tells of itself. One contract for all stages; the metrics module turns it into Prometheus series,
 * tests into plain numbers. Reasons and codes come from bounded sets.
 */
export interface Telemetry {
  /** Records taken from the log (control records left out). */
  taken(stage: string, topic: string, count: number): void
  emitted(stage: string, topic: string, count: number): void
  /** Dropped on purpose, e.g. `redelivered`, `duplicate`. */
  dropped(stage: string, reason: string, count: number): void
  deadLettered(stage: string, code: string, count: number): void
  retried(stage: string, reason: string): void
  batch(stage: string, records: number, ms: number): void
  checkpointed(stage: string, partition: number, keys: number, ms: number): void
  /** The state of a partition stands on the bus, as of this time; ms since 1970. */
  written(stage: string, topic: string, partition: number, atMs: number): void
  restored(stage: string, partition: number, keys: number, ms: number): void
  /** Event time up to which a task is complete; ms since 1970. */
  watermark(stage: string, topic: string, partition: number, eventTimeMs: number): void
  /** Records between what was taken and the end of the log. */
  lag(stage: string, topic: string, partition: number, records: number): void
  /** When the bus appended the last record that was taken; ms since 1970. */
  position(stage: string, topic: string, partition: number, appendedMs: number): void
  /** From the arrival of the first raw record to here. */
  endToEnd(stage: string, ms: number): void
  fenced(stage: string): void
  /** Anything of one's own: `name` is a metric name without prefix, labels are bounded. */
  count(name: string, labels: Readonly<Record<string, string>>, count?: number): void
  gauge(name: string, labels: Readonly<Record<string, string>>, value: number): void
  observe(name: string, labels: Readonly<Record<string, string>>, value: number): void
}

const nothing = (): void => undefined

export const silentTelemetry: Telemetry = {
  taken: nothing,
  emitted: nothing,
  dropped: nothing,
  deadLettered: nothing,
  retried: nothing,
  batch: nothing,
  checkpointed: nothing,
  written: nothing,
  restored: nothing,
  watermark: nothing,
  lag: nothing,
  position: nothing,
  endToEnd: nothing,
  fenced: nothing,
  count: nothing,
  gauge: nothing,
  observe: nothing,
}
