/**
 * What every worker thread of the embedded adapters does: answers requests, one at a time in the order they came, and
 * sends failures back as data.
 */
import { parentPort } from 'node:worker_threads'
import type { WorkerAnswer, WorkerRequest } from './client.ts'
import { workerFailure } from './errors.ts'

/** An answer whose buffers move to the other thread instead of being copied. */
export class Moved {
  readonly body: unknown
  readonly buffers: readonly ArrayBuffer[]
  constructor(body: unknown, buffers: readonly ArrayBuffer[]) {
    this.body = body
    this.buffers = buffers
  }
}

/** An operation that returns a promise lets others in while it waits. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- each operation knows the shape of its own body
export type Operations = Readonly<Record<string, (body: any) => unknown>>

export function serve(operations: Operations): void {
  const port = parentPort
  if (port === null) throw new Error('this module is the entry of a worker thread')
  const answer = (message: WorkerAnswer, buffers: readonly ArrayBuffer[] = []): void =>
    port.postMessage(message, [...buffers])
  const done = (id: number, body: unknown): void =>
    body instanceof Moved ? answer({ id, ok: true, body: body.body }, body.buffers) : answer({ id, ok: true, body })
  const failed = (id: number, error: unknown): void => answer({ id, ok: false, failure: workerFailure(error) })
  port.on('message', ({ id, op, body }: WorkerRequest) => {
    try {
      const result = operations[op]!(body)
      if (result instanceof Promise) {
        result.then(
          (value) => done(id, value),
          (error: unknown) => failed(id, error),
        )
      } else done(id, result)
    } catch (error) {
      failed(id, error)
    }
  })
}
