/**
 * Telemetry as Prometheus series, on prom-client.
 *
 * Every series begins with `modelwarden_` and names its unit (seconds, bytes); docs/operations.md lists them. Promises:
 * a metric never grows past `seriesMax` sets of labels, whatever the labels' values: what is over is counted in
 * `modelwarden_metrics_refused_total`; telling something never throws.
 */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client'
import type { Telemetry } from './telemetry.ts'

type Labels = Readonly<Record<string, string>>
type Kind = 'counter' | 'gauge' | 'histogram'
type Series = Counter | Gauge | Histogram

const prefix = 'modelwarden_'
/** Sets of labels of one metric. */
const seriesMax = 1_000
const metricsMax = 500
const labelCharsMax = 128

const secondsBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800]
const bytesBuckets = [256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216]
const countBuckets = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000]

const help: Readonly<Record<string, string>> = {
  stage_records_taken_total: 'Records that a stage took from a topic, control records left out.',
  stage_records_emitted_total: 'Records that a stage published to a topic.',
  stage_records_dropped_total: 'Records that a stage dropped on purpose, by reason.',
  stage_dead_letters_total: 'Records that a stage could not process, by code.',
  stage_retries_total: 'Attempts that a stage made again, by reason.',
  stage_batch_records: 'Records in one batch.',
  stage_batch_duration_seconds: 'Time that one batch took.',
  stage_checkpoint_duration_seconds: 'Time that one checkpoint took.',
  stage_checkpoint_keys: 'State entries written with one checkpoint.',
  stage_restore_duration_seconds: 'Time that restoring one partition’s state took.',
  stage_restored_keys: 'State entries that a partition was restored with.',
  stage_watermark_timestamp_seconds: 'Event time up to which a partition of a stage is complete.',
  stage_lag_records: 'Records between what a stage has taken and the end of the log.',
  stage_position_timestamp_seconds: 'When the bus appended the last record that a stage has taken.',
  stage_checkpoint_timestamp_seconds: 'When all that a partition had taken was last written.',
  topic_retention_seconds: 'How long a topic keeps its records, as Modelwarden makes it.',
  stage_end_to_end_seconds: 'From the arrival of the first raw record to here.',
  stage_fenced_total: 'Times that a partition was found to belong to another process.',
  action_proven_seconds: 'From asking for an action to the proof that it holds, e.g. that a revoked key is refused.',
  actions_total: 'States that actions went through, by connector.',
  authorize_credentials: 'Credentials that this copy of authorize knows.',
  authorize_decisions_total: 'Answers to gateways.',
  authorize_leases: 'Calls under way that this copy counts.',
  authorize_licenses: 'Licenses that this copy of authorize knows.',
  authorize_records_refused_total: 'Records of licenses that can not be read.',
  authorize_silence_seconds: 'Since this copy of authorize last heard from the bus.',
  collect_accepted_total: 'Records that collect has put on the bus, by source.',
  collect_turned_away_total: 'Requests that collect asked to come again, by reason.',
  content_mistakes: 'Mistakes in a set of content that was not put in force.',
  content_published_total: 'Times that a set of content was published.',
  dead_letters_replayed_total: 'Dead letters put back.',
  detect_rule_duration_seconds: 'What a rule costs on one event, by sampling.',
  detect_rule_matched_total: 'Events that a rule matched.',
  detect_rule_suppressed_total: 'Matches of a rule that an exception suppressed.',
  detect_rules: 'Rules in force, by kind.',
  detect_signals_total: 'Versions of signals, by rule.',
  http_request_duration_seconds: 'Time that requests took, by route and status.',
  index_documents_expired_total: 'Documents that left the index because of their age.',
  deeds_total: 'Deeds put on record, by outcome.',
  deeds_unrecorded_total: 'Ends of deeds that are not on record, by reason.',
  live_streams_cut_off_total: 'Live streams ended because their reader fell behind.',
  schedule_runs_total: 'Runs of jobs, by what came of them.',
  synthetic_returned_timestamp_seconds: 'When a synthetic record last came back as a signal.',
  meter_open: 'Open meters of a partition: accounts and periods that may still grow.',
  detect_unchecked_total: 'Events from a time whose ids are forgotten: a second copy of one counts again.',
  meter_coarse_total: 'Events that were added up by tenant alone, as there was no room for more meters.',
  meter_corrections_total: 'Corrections of periods that were settled.',
  metrics_refused_total: 'Observations refused because a metric had too many sets of labels.',
}

/** Every metric there is, without the prefix: what alerts and boards may ask for. */
export function metricNames(): readonly string[] {
  return Object.keys(help)
}

export interface Metrics {
  readonly telemetry: Telemetry
  readonly registry: Registry
}

/** A registry with the process's own metrics and a telemetry that writes to it. */
export function createMetrics(options: { readonly processMetrics?: boolean } = {}): Metrics {
  const registry = new Registry()
  if (options.processMetrics ?? true) collectDefaultMetrics({ register: registry, prefix })
  const book = new Book(registry)
  return { registry, telemetry: book.telemetry() }
}

class Book {
  readonly #registry: Registry
  readonly #metrics = new Map<
    string,
    { readonly kind: Kind; readonly series: Series; readonly labels: readonly string[] }
  >()
  readonly #seen = new Map<string, Set<string>>()
  readonly #refused: Counter

  constructor(registry: Registry) {
    this.#registry = registry
    const name = 'metrics_refused_total'
    this.#refused = new Counter({ name: prefix + name, help: help[name]!, registers: [registry] })
  }

  telemetry(): Telemetry {
    const count = (name: string, labels: Labels, by = 1): void => this.#tell('counter', totalName(name), labels, by)
    const gauge = (name: string, labels: Labels, value: number): void => this.#tell('gauge', name, labels, value)
    const observe = (name: string, labels: Labels, value: number): void => this.#tell('histogram', name, labels, value)
    return {
      count,
      gauge,
      observe,
      taken: (stage, topic, n) => count('stage_records_taken', { stage, topic }, n),
      emitted: (stage, topic, n) => count('stage_records_emitted', { stage, topic }, n),
      dropped: (stage, reason, n) => count('stage_records_dropped', { stage, reason }, n),
      deadLettered: (stage, code, n) => count('stage_dead_letters', { stage, code }, n),
      retried: (stage, reason) => count('stage_retries', { stage, reason }),
      fenced: (stage) => count('stage_fenced', { stage }),
      batch: (stage, records, ms) => {
        observe('stage_batch_records', { stage }, records)
        observe('stage_batch_duration_seconds', { stage }, ms / 1_000)
      },
      checkpointed: (stage, _partition, keys, ms) => {
        observe('stage_checkpoint_keys', { stage }, keys)
        observe('stage_checkpoint_duration_seconds', { stage }, ms / 1_000)
      },
      written: (stage, topic, partition, ms) =>
        gauge('stage_checkpoint_timestamp_seconds', { stage, topic, partition: String(partition) }, ms / 1_000),
      restored: (stage, partition, keys, ms) => {
        gauge('stage_restored_keys', { stage, partition: String(partition) }, keys)
        observe('stage_restore_duration_seconds', { stage }, ms / 1_000)
      },
      watermark: (stage, topic, partition, ms) => {
        const labels = { stage, topic, partition: String(partition) }
        gauge('stage_watermark_timestamp_seconds', labels, ms / 1_000)
      },
      lag: (stage, topic, partition, n) =>
        gauge('stage_lag_records', { stage, topic, partition: String(partition) }, n),
      position: (stage, topic, partition, ms) =>
        gauge('stage_position_timestamp_seconds', { stage, topic, partition: String(partition) }, ms / 1_000),
      endToEnd: (stage, ms) => observe('stage_end_to_end_seconds', { stage }, ms / 1_000),
    }
  }

  #tell(kind: Kind, name: string, labels: Labels, value: number): void {
    if (!Number.isFinite(value) && kind !== 'gauge') return
    const metric = this.#metric(kind, name, labels)
    if (metric?.kind !== kind || !this.#admit(name, metric.labels, labels)) {
      this.#refused.inc()
      return
    }
    const bounded = clipped(labels)
    if (metric.series instanceof Counter) metric.series.inc(bounded, Math.max(0, value))
    else if (metric.series instanceof Gauge) metric.series.set(bounded, value)
    else metric.series.observe(bounded, value)
  }

  /** Made at its first use; its labels' names are fixed from then on. */
  #metric(kind: Kind, name: string, labels: Labels) {
    const known = this.#metrics.get(name)
    if (known !== undefined || this.#metrics.size >= metricsMax || !/^[a-z][a-z0-9_]{0,99}$/.test(name)) return known
    const labelNames = Object.keys(labels).sort()
    const common = {
      name: prefix + name,
      help: help[name] ?? name.replaceAll('_', ' '),
      labelNames,
      registers: [this.#registry],
    }
    const series =
      kind === 'counter'
        ? new Counter(common)
        : kind === 'gauge'
          ? new Gauge(common)
          : new Histogram({ ...common, buckets: bucketsOf(name) })
    const made = { kind, series, labels: labelNames }
    this.#metrics.set(name, made)
    return made
  }

  #admit(name: string, labelNames: readonly string[], labels: Labels): boolean {
    const values = labelNames.map((label) => labels[label])
    if (Object.keys(labels).length !== labelNames.length || values.includes(undefined)) return false
    const key = values.join('\u0000')
    const seen = this.#seen.get(name) ?? new Set<string>()
    if (seen.has(key)) return true
    if (seen.size >= seriesMax) return false
    this.#seen.set(name, seen.add(key))
    return true
  }
}

function totalName(name: string): string {
  return name.endsWith('_total') ? name : `${name}_total`
}

function bucketsOf(name: string): number[] {
  if (name.endsWith('_seconds')) return secondsBuckets
  return name.endsWith('_bytes') ? bytesBuckets : countBuckets
}

function clipped(labels: Labels): Record<string, string> {
  const bounded: Record<string, string> = {}
  for (const name of Object.keys(labels)) bounded[name] = labels[name]!.slice(0, labelCharsMax)
  return bounded
}
