/**
 * Talks to a worker thread that owns one SQLite file: requests out, answers back, each with its number.
 *
 * Promises: every request is answered or rejected, also when the worker dies; what a worker throws arrives as the error
 * class of the port.
 */
import { Worker } from 'node:worker_threads'
import { BusUnavailableError, IndexUnavailableError, type WardenError } from '../../core/errors.ts'
import type { EmbeddedLog } from './config.ts'
import { portError, type WorkerFailure } from './errors.ts'

/** What goes to a worker; the worker module knows the operations. */
export interface WorkerRequest {
  readonly id: number
  readonly op: string
  readonly body: unknown
}

export type WorkerAnswer =
  | { readonly id: number; readonly ok: true; readonly body: unknown }
  | { readonly id: number; readonly ok: false; readonly failure: WorkerFailure }

interface Waiting {
  resolve(body: unknown): void
  reject(error: WardenError): void
}

export class WorkerClient {
  readonly #what: 'bus' | 'index'
  readonly #file: string
  readonly #worker: Worker
  readonly #waiting = new Map<number, Waiting>()
  #next = 1
  #closing = false
  #dead: WardenError | undefined

  constructor(what: 'bus' | 'index', file: string, module: URL, log: EmbeddedLog) {
    this.#what = what
    this.#file = file
    this.#worker = new Worker(module, { execArgv: [], name: `embedded-${what}` })
    this.#worker.on('message', (answer: WorkerAnswer) => this.#answered(answer))
    this.#worker.on('error', (error: unknown) => {
      log.error(`The embedded ${what}'s worker thread failed; nothing more can be written until a restart.`, { error })
      this.#died(`its worker thread failed: ${error instanceof Error ? error.message : String(error)}`)
    })
    this.#worker.on('exit', () => this.#died(this.#closing ? 'it is closed' : 'its worker thread has ended'))
  }

  /** How many requests wait for an answer. */
  get waiting(): number {
    return this.#waiting.size
  }

  async ask<T>(op: string, body?: unknown): Promise<T> {
    if (this.#dead !== undefined) throw this.#dead
    const id = this.#next++
    const answer = new Promise<unknown>((resolve, reject) => this.#waiting.set(id, { resolve, reject }))
    try {
      this.#worker.postMessage({ id, op, body } satisfies WorkerRequest)
    } catch (error) {
      // Not a thing that can be sent, e.g. a function inside.
      this.#waiting.delete(id)
      throw error
    }
    return (await answer) as T
  }

  /** Lets the worker close its file and ends it. */
  async close(): Promise<void> {
    if (this.#dead !== undefined || this.#closing) return
    this.#closing = true
    try {
      await this.ask('close')
    } finally {
      await this.#worker.terminate()
    }
  }

  #answered(answer: WorkerAnswer): void {
    const waiting = this.#waiting.get(answer.id)
    this.#waiting.delete(answer.id)
    if (answer.ok) waiting?.resolve(answer.body)
    else waiting?.reject(portError(answer.failure, this.#what, this.#file))
  }

  #died(why: string): void {
    const Unavailable = this.#what === 'bus' ? BusUnavailableError : IndexUnavailableError
    this.#dead ??= new Unavailable(`The embedded ${this.#what} can't be reached: ${why}.`)
    for (const waiting of this.#waiting.values()) waiting.reject(this.#dead)
    this.#waiting.clear()
  }
}
