/**
 * Bytes of requests' bodies that this process holds at a time, from their first byte to the bus's acknowledgement.
 *
 * Promise: past the limit senders are asked to come again, instead of the process running out of memory. What a body becomes when its
 * compression is undone counts as well, as soon as it is known.
 */
import type { Readable } from 'node:stream'
import { limits } from '../../core/limits.ts'
import { HttpError } from '../../runtime/http-error.ts'

const retryAfterMs = 2_000

export class InFlight {
  readonly #bytesMax: number
  readonly #turnedAway: () => void
  #bytes = 0

  constructor(bytesMax: number, turnedAway: () => void) {
    this.#bytesMax = bytesMax
    this.#turnedAway = turnedAway
  }

  /** False where there is no room. */
  take(bytes: number): boolean {
    if (this.#bytes + bytes > this.#bytesMax) return false
    this.#bytes += bytes
    return true
  }

  give(bytes: number): void {
    this.#bytes -= bytes
  }

  turnedAway(): void {
    this.#turnedAway()
  }
}

/** What one request holds: kept while somebody is at work with it, and until its answer is sent or its sender is gone. */
export class Held {
  readonly #of: InFlight
  #bytes = 0
  #isWorking = false
  #isOver = false

  constructor(of: InFlight) {
    this.#of = of
  }

  /** Throws HttpError 503 where there is no room. */
  add(bytes: number): void {
    if (!this.#of.take(bytes)) {
      this.#of.turnedAway()
      throw busy('Too much is waiting for the bus.')
    }
    this.#bytes += bytes
  }

  /** Nothing of it is given back before `work` has ended. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#isWorking = true
    try {
      return await work()
    } finally {
      this.#isWorking = false
      if (this.#isOver) this.#release()
    }
  }

  over(): void {
    this.#isOver = true
    if (!this.#isWorking) this.#release()
  }

  #release(): void {
    this.#of.give(this.#bytes)
    this.#bytes = 0
  }
}

/** A body, whole; `announced`: its Content-Length. Throws HttpError: 413 where it is larger than `bytesMax`, 503 where there is no room for it. */
export async function readBody(
  stream: Readable,
  announced: string | undefined,
  bytesMax: number,
  held: Held,
): Promise<Buffer> {
  // What is announced and can't be taken is refused before it is sent.
  if (Number(announced ?? 0) > bytesMax) throw tooLarge(bytesMax)
  const chunks: Buffer[] = []
  let bytes = 0
  // A stream that is destroyed takes its connection with it, and the answer.
  try {
    for await (const chunk of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > bytesMax) throw tooLarge(bytesMax)
      held.add(chunk.length)
      chunks.push(chunk)
    }
  } catch (cause) {
    if (cause instanceof HttpError) throw cause
    throw new HttpError(400, 'BODY_INCOMPLETE', 'The body ended before it was whole.', { cause })
  }
  return Buffer.concat(chunks, bytes)
}

/** Nothing is promised: the sender comes again. */
export function busy(message: string, cause?: unknown): HttpError {
  return new HttpError(503, 'BUSY', message, { cause, retryAfterMs, hint: 'Send the same request again.' })
}

export function tooManyRecords(): HttpError {
  return new HttpError(413, 'TOO_MANY_RECORDS', `A request has at most ${limits.recordsPerEnvelopeMax} records.`, {
    hint: 'Send fewer records in one request.',
  })
}

function tooLarge(bytesMax: number): HttpError {
  return new HttpError(413, 'BODY_TOO_LARGE', `The body is larger than ${bytesMax} bytes.`, {
    hint: 'Send fewer records in one request, or compress it.',
  })
}
