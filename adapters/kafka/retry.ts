/**
 * Tells passing faults from lasting ones, and tries again until a deadline.
 *
 * The adapter's only judge of errors: everything that leaves it is BusUnavailableError (try later), BusRefusedError
 * (don't) or FencedError. Judged by the codes of Kafka's protocol and the class names of kafkajs, never by messages.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { BusRefusedError, BusUnavailableError, FencedError, WardenError } from '../../core/errors.ts'

/** An answer of the broker that is an error, by Kafka's own number and name for it. */
export class ProtocolFault extends Error {
  override readonly name = 'ProtocolFault'
  readonly type: string
  constructor(code: number) {
    const type = faultNames[code] ?? `KAFKA_${code}`
    super(`the broker answered ${type}`)
    this.type = type
  }
}

/** https://kafka.apache.org/protocol#protocol_error_codes, as far as produce, fetch and producer ids may meet them. */
const faultNames: Readonly<Record<number, string>> = {
  [-1]: 'UNKNOWN',
  1: 'OFFSET_OUT_OF_RANGE',
  2: 'CORRUPT_MESSAGE',
  3: 'UNKNOWN_TOPIC_OR_PARTITION',
  5: 'LEADER_NOT_AVAILABLE',
  6: 'NOT_LEADER_FOR_PARTITION',
  7: 'REQUEST_TIMED_OUT',
  9: 'REPLICA_NOT_AVAILABLE',
  10: 'MESSAGE_TOO_LARGE',
  13: 'NETWORK_EXCEPTION',
  14: 'GROUP_LOAD_IN_PROGRESS',
  15: 'GROUP_COORDINATOR_NOT_AVAILABLE',
  16: 'NOT_COORDINATOR_FOR_GROUP',
  17: 'INVALID_TOPIC_EXCEPTION',
  18: 'RECORD_LIST_TOO_LARGE',
  19: 'NOT_ENOUGH_REPLICAS',
  20: 'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  22: 'ILLEGAL_GENERATION',
  29: 'TOPIC_AUTHORIZATION_FAILED',
  31: 'CLUSTER_AUTHORIZATION_FAILED',
  32: 'INVALID_TIMESTAMP',
  43: 'UNSUPPORTED_FOR_MESSAGE_FORMAT',
  44: 'POLICY_VIOLATION',
  45: 'OUT_OF_ORDER_SEQUENCE_NUMBER',
  46: 'DUPLICATE_SEQUENCE_NUMBER',
  47: 'INVALID_PRODUCER_EPOCH',
  48: 'INVALID_TXN_STATE',
  49: 'INVALID_PRODUCER_ID_MAPPING',
  51: 'CONCURRENT_TRANSACTIONS',
  53: 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
  56: 'KAFKA_STORAGE_ERROR',
  59: 'UNKNOWN_PRODUCER_ID',
  74: 'FENCED_LEADER_EPOCH',
  75: 'UNKNOWN_LEADER_EPOCH',
  76: 'UNSUPPORTED_COMPRESSION_TYPE',
  78: 'OFFSET_NOT_AVAILABLE',
  87: 'INVALID_RECORD',
  89: 'THROTTLING_QUOTA_EXCEEDED',
  90: 'PRODUCER_FENCED',
  120: 'TRANSACTION_ABORTABLE',
}

const passingTypes: ReadonlySet<string> = new Set([
  'CORRUPT_MESSAGE',
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_FOR_PARTITION',
  'REQUEST_TIMED_OUT',
  'REPLICA_NOT_AVAILABLE',
  'NETWORK_EXCEPTION',
  'GROUP_LOAD_IN_PROGRESS',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR_FOR_GROUP',
  'NOT_CONTROLLER',
  'NOT_ENOUGH_REPLICAS',
  'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  'CONCURRENT_TRANSACTIONS',
  'KAFKA_STORAGE_ERROR',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'OFFSET_NOT_AVAILABLE',
  'UNSTABLE_OFFSET_COMMIT',
  'THROTTLING_QUOTA_EXCEEDED',
  'COORDINATOR_LOAD_IN_PROGRESS',
  'COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR',
  'ILLEGAL_SASL_STATE',
  'BROKER_NOT_AVAILABLE',
])

const passingNames: ReadonlySet<string> = new Set([
  'KafkaJSConnectionError',
  'KafkaJSConnectionClosedError',
  'KafkaJSRequestTimeoutError',
  'KafkaJSBrokerNotFound',
  'KafkaJSMetadataNotLoaded',
  'KafkaJSTopicMetadataNotLoaded',
  'KafkaJSLockTimeout',
  'KafkaJSNoBrokerAvailableError',
])

const staleLeaderTypes: ReadonlySet<string> = new Set([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_FOR_PARTITION',
  'REPLICA_NOT_AVAILABLE',
  'KAFKA_STORAGE_ERROR',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
])

const fencedTypes: ReadonlySet<string> = new Set(['INVALID_PRODUCER_EPOCH', 'PRODUCER_FENCED'])

interface Fault {
  readonly name?: string
  readonly type?: string
  readonly cause?: unknown
}

/** The protocol's name of the error, looked for through what kafkajs wraps around it. */
export function faultType(error: unknown): string | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth += 1) {
    const { type } = at as Fault
    if (typeof type === 'string') return type
  }
  return undefined
}

function hasName(error: unknown, names: ReadonlySet<string>): boolean {
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth += 1) {
    if (names.has(at.name)) return true
  }
  return false
}

/** Whether trying again can help. */
export function isPassing(error: unknown): boolean {
  if (error instanceof BusClosedError) return false
  if (error instanceof WardenError) return error.retryable
  const type = faultType(error)
  if (type !== undefined) return passingTypes.has(type)
  return hasName(error, passingNames)
}

/** Whether somebody else has the partition or the coordinator now. */
export function isStaleLeader(error: unknown): boolean {
  const type = faultType(error)
  return type !== undefined && staleLeaderTypes.has(type)
}

export function isUnknownTopic(error: unknown): boolean {
  return faultType(error) === 'UNKNOWN_TOPIC_OR_PARTITION'
}

export function isFenced(error: unknown): boolean {
  const type = faultType(error)
  return type !== undefined && fencedTypes.has(type)
}

/** What the rest of the house gets to see. */
export function asBusError(error: unknown, doing: string): WardenError {
  if (error instanceof WardenError) return error
  const type = faultType(error)
  if (isFenced(error)) return new FencedError(`${doing}: somebody else holds the name now`, { cause: error })
  const said = type ?? (error instanceof Error ? error.message : String(error))
  if (isPassing(error)) return new BusUnavailableError(`${doing}: ${said}`, { cause: error })
  const hint = hints[type ?? ''] ?? (hasName(error, authenticationNames) ? authenticationHint : undefined)
  return new BusRefusedError(`${doing}: ${said}`, { cause: error, ...(hint === undefined ? {} : { hint }) })
}

const authenticationNames: ReadonlySet<string> = new Set(['KafkaJSSASLAuthenticationError'])
const authenticationHint = 'Check the user, the password and the SASL mechanism in bus.kafka.sasl.'

const hints: Readonly<Record<string, string>> = {
  UNKNOWN_TOPIC_OR_PARTITION: 'Make the topic, or let a service with the right to do so start first.',
  TOPIC_AUTHORIZATION_FAILED: 'Grant this user the topic in the ACLs of the cluster.',
  GROUP_AUTHORIZATION_FAILED: 'Grant this user the consumer group in the ACLs of the cluster.',
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 'Grant this user the transactional id in the ACLs of the cluster.',
  MESSAGE_TOO_LARGE: 'Raise max.message.bytes of the topic, or send smaller records.',
}

/** Milliseconds before try `attempt` (from 1), growing to `max`, spread so that many don't come at once. */
export function backoffMs(attempt: number, first = 20, max = 1_000): number {
  const full = Math.min(max, first * 2 ** Math.min(attempt - 1, 16))
  return full / 2 + Math.random() * (full / 2)
}

export interface RetryOptions {
  readonly doing: string
  readonly withinMs: number
  readonly signal?: AbortSignal
  readonly firstMs?: number
  readonly maxMs?: number
  readonly passing?: (error: unknown) => boolean
  readonly onRetry?: (error: unknown, attempt: number) => void
}

/** Tries until it succeeds, a fault lasts, time is over, or the signal says stop. */
export async function withRetries<T>(task: () => Promise<T>, options: RetryOptions): Promise<T> {
  const until = performance.now() + options.withinMs
  const passing = options.passing ?? isPassing
  for (let attempt = 1; ; attempt += 1) {
    if (options.signal?.aborted === true) throw closed(options.doing)
    try {
      return await task()
    } catch (error) {
      if (!passing(error)) throw asBusError(error, options.doing)
      const waitMs = backoffMs(attempt, options.firstMs, options.maxMs)
      if (performance.now() + waitMs > until) throw unavailable(error, options.doing)
      options.onRetry?.(error, attempt)
      await pause(waitMs, options.signal)
    }
  }
}

function unavailable(error: unknown, doing: string): WardenError {
  if (error instanceof WardenError) return error
  const said = faultType(error) ?? (error instanceof Error ? error.message : String(error))
  return new BusUnavailableError(`${doing}: ${said}`, { cause: error })
}

/** For others as unavailable as can be; in here nothing to wait for. */
class BusClosedError extends BusUnavailableError {}

export function closed(doing: string): BusUnavailableError {
  return new BusClosedError(`${doing}: the bus is closed`)
}

/** Sleeps; wakes early when the signal says stop. */
export async function pause(waitMs: number, signal?: AbortSignal): Promise<void> {
  try {
    await sleep(waitMs, undefined, signal === undefined ? {} : { signal })
  } catch {
    // Stopped: the caller looks at the signal.
  }
}
