/**
 * The connection to Elasticsearch.
 *
 * Promises: what it throws is an error of the port (retry.ts); no secret in a log line; after `close` every request is
 * rejected with IndexUnavailableError.
 */
import { Client, type ClientOptions } from '@elastic/elasticsearch'
import { IndexUnavailableError } from '../../core/errors.ts'
import type { ElasticsearchSettings } from './config.ts'
import { portError, statusOf } from './retry.ts'

export interface AskOptions {
  /** Statuses that are an answer: undefined is returned. */
  readonly absent?: readonly number[]
  readonly timeoutMs?: number
}

export interface Request {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'HEAD'
  readonly path: string
  readonly querystring?: Readonly<Record<string, string | number | boolean>>
  readonly body?: unknown
  /** Lines of a bulk request. */
  readonly lines?: string
}

/** A request's first line may have 4 KiB (http.max_initial_line_length). */
const indicesPerPathMax = 30

/** Names of indices, each once, as parts of as many paths as they take. */
export function* pathsOf(indices: readonly string[]): Generator<string> {
  const names = [...new Set(indices)]
  for (let at = 0; at < names.length; at += indicesPerPathMax) yield names.slice(at, at + indicesPerPathMax).join()
}

export class Connection {
  readonly #client: Client
  readonly #settings: ElasticsearchSettings
  #closed = false

  constructor(settings: ElasticsearchSettings) {
    this.#settings = settings
    this.#client = new Client(clientOptions(settings))
  }

  /** One request. `T` is what the server's documentation says. Undefined for the statuses given as `absent`. */
  async ask<T>(request: Request, options: AskOptions & { readonly absent: readonly number[] }): Promise<T | undefined>
  async ask<T>(request: Request, options?: AskOptions): Promise<T>
  async ask<T>(
    { method, path, querystring, body, lines }: Request,
    { absent = [], timeoutMs }: AskOptions = {},
  ): Promise<T | undefined> {
    this.#mustBeOpen()
    try {
      const params = {
        method,
        path,
        ...(querystring === undefined ? {} : { querystring: { ...querystring } }),
        ...(body === undefined ? {} : { body: body as Record<string, unknown> }),
        ...(lines === undefined ? {} : { bulkBody: lines }),
      }
      const requestTimeout = timeoutMs ?? this.#settings.requestTimeoutMs
      return await this.#client.transport.request<T>(params, { requestTimeout })
    } catch (error) {
      this.#mustBeOpen()
      const status = statusOf(error)
      if (status !== undefined && absent.includes(status)) return undefined
      throw portError(error, `${method} ${path.split('?')[0]!.slice(0, 80)}`)
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#client.close()
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new IndexUnavailableError('The search index is closed.')
  }
}

function clientOptions(settings: ElasticsearchSettings): ClientOptions {
  const { nodes, auth, tls } = settings
  return {
    nodes,
    // Who asks decides whether to ask again: the indexer holds its stage, a person sees it.
    maxRetries: 0,
    requestTimeout: settings.requestTimeoutMs,
    // Documents may hold fields named __proto__; JSON.parse makes plain ones of them, and nothing merges them.
    disablePrototypePoisoningProtection: true,
    enableMetaHeader: false,
    ...(auth === undefined ? {} : { auth }),
    ...(tls === undefined
      ? {}
      : {
          ...(tls.caFingerprint === undefined ? {} : { caFingerprint: tls.caFingerprint }),
          tls: {
            rejectUnauthorized: tls.caFingerprint === undefined,
            ...(tls.ca === undefined ? {} : { ca: tls.ca }),
            ...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
          },
        }),
  }
}
