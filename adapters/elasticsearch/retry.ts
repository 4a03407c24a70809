/**
 * Tells passing faults of Elasticsearch from lasting ones.
 *
 * The adapter's only judge of errors: everything that leaves it is IndexUnavailableError (try later) or IndexRefusedError
 * (don't). Judged by the classes of the client, the status and the server's own type of an error, never by messages.
 */
import { errors } from '@elastic/elasticsearch'
import { IndexRefusedError, IndexUnavailableError, type WardenError } from '../../core/errors.ts'
import { indexLimits } from './config.ts'

/** Too many requests, or a server that is starting, stopping or electing. */
const passingStatus: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504])

function isPassing(status: number): boolean {
  return passingStatus.has(status)
}

/** Blocks (a disk that is nearly full) and missing rights are lifted by somebody; no document is to blame for them. */
const passingTypes: ReadonlySet<string> = new Set([
  'cluster_block_exception',
  'index_not_found_exception',
  'security_exception',
  'shard_not_found_exception',
  'no_shard_available_action_exception',
])

/** Of the items of a bulk request: what may be stored a moment later. */
export function mayPass(status: number, error: ServerError | undefined): boolean {
  return isPassing(status) || passingTypes.has(error?.type ?? '')
}

export function statusOf(error: unknown): number | undefined {
  return error instanceof errors.ResponseError ? error.statusCode : undefined
}

/** The port's error for whatever the client threw. */
export function portError(error: unknown, doing: string): WardenError {
  if (error instanceof IndexRefusedError || error instanceof IndexUnavailableError) return error
  if (error instanceof errors.ResponseError) return responseError(error, doing)
  if (error instanceof errors.ProductNotSupportedError) {
    return new IndexRefusedError(`What answers at the address of the search index is not Elasticsearch.`, {
      cause: error,
      hint: 'Check index.elasticsearch.nodes; OpenSearch and proxies that answer in its place are not supported.',
    })
  }
  if (error instanceof errors.ConfigurationError) return new IndexRefusedError(error.message, { cause: error })
  const why = error instanceof Error ? reasonText(error.name, error.message) : String(error)
  return new IndexUnavailableError(`Elasticsearch can't be reached (${doing}): ${why}`, { cause: error })
}

function responseError(error: errors.ResponseError, doing: string): WardenError {
  const status = error.statusCode ?? 0
  const body = error.body as { error?: ServerError | string } | undefined
  const why =
    typeof body?.error === 'object' ? reasonText(body.error.type, rootCause(body.error).reason) : `status ${status}`
  if (status === 401 || status === 403) {
    return new IndexUnavailableError(`Elasticsearch does not let us in (${doing}): ${why}`, {
      cause: error,
      hint: 'Check index.elasticsearch.username and password, or apiKey, and the rights of its role (docs/elasticsearch.md).',
    })
  }
  if (isPassing(status)) return new IndexUnavailableError(`Elasticsearch can't do it now (${doing}): ${why}`, { cause: error }) // prettier-ignore
  return new IndexRefusedError(`Elasticsearch refuses (${doing}): ${why}`, { cause: error })
}

/** An error as the server tells it. */
export interface ServerError {
  readonly type?: string
  readonly reason?: string | null
  readonly caused_by?: ServerError
  readonly root_cause?: readonly ServerError[]
}

function rootCause(error: ServerError): ServerError {
  return error.root_cause?.[0] ?? error
}

/** Why a document was refused. The server quotes the value that it could not take: that part stays out. */
export function refusalOf(error: ServerError): string {
  const cause = error.caused_by === undefined ? '' : `; ${error.caused_by.type ?? 'unknown'}`
  return reasonText(error.type, error.reason) + cause
}

function reasonText(type: string | undefined, reason: string | null | undefined): string {
  const said = (reason ?? '').split(". Preview of field's value")[0]!
  return `${type ?? 'unknown'}: ${said}`.slice(0, indexLimits.reasonCharsMax)
}

/** Pause before the n-th try, from 1: doubles from least to most, with a random part so that copies don't march in step. */
export function pauseMs(tries: number): number {
  const most = Math.min(indexLimits.retryMsMax, indexLimits.retryMsMin * 2 ** (tries - 1))
  return most / 2 + Math.random() * (most / 2)
}

/** The server's own type of an error that left the adapter; undefined where it is none of the server's. */
export function errorType(error: unknown): string | undefined {
  const cause = (error as { cause?: unknown }).cause
  if (!(cause instanceof errors.ResponseError)) return undefined
  const body = cause.body as { error?: ServerError | string } | undefined
  return typeof body?.error === 'object' ? body.error.type : undefined
}
