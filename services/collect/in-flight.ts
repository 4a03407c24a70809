/**
 * Bytes of requests' bodies that this process holds at a time, from their first byte to the bus's acknowledgement.
 *
 * Promise: past the limit senders are asked to come again, instead of the process running out of memory. What a body
 * becomes when its compression is undone counts as well, while it grows.
 */
import type { Readable } from 'node:stream'
import { limits } from '../../core/limits.ts'
import { HttpError } from '../../runtime/http/http-error.ts'

const retryAfterMs = 2_000
const chunksApartMax = 1_000

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
  #working = 0
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
    this.#working++
    try {
      return await work()
    } finally {
      this.#working--
      this.#release()
    }
  }

  over(): void {
    this.#isOver = true
    this.#release()
  }

  #release(): void {
    if (!this.#isOver || this.#working > 0) return
    this.#of.give(this.#bytes)
    this.#bytes = 0
  }
}

/**
 * A body, whole; `announced`: its Content-Length. Throws HttpError: 413 where it is larger than `bytesMax`, 503 where
 * there is no room for it.
 */
export async function readBody(
  stream: Readable,
  announced: string | undefined,
  bytesMax: number,
  held: Held,
): Promise<Buffer> {
  // What is announced and can't be taken is refused before it is sent.
  if (Number(announced ?? 0) > bytesMax) throw tooLarge(bytesMax)
  try {
    // A stream that is destroyed takes its connection with it, and the answer.
    return await gathered(stream.iterator({ destroyOnReturn: false }), held, (bytes) => {
      if (bytes > bytesMax) throw tooLarge(bytesMax)
    })
  } catch (cause) {
    if (cause instanceof HttpError) throw cause
    throw new HttpError(400, 'BODY_INCOMPLETE', 'The body ended before it was whole.', { cause })
  }
}

/** All that a stream gives, held as it comes; `grown` hears how much that is, and throws where it is too much. */
export async function gathered(
  stream: AsyncIterable<Buffer>,
  held: Held,
  grown: (bytes: number) => void,
): Promise<Buffer> {
  const chunks: Buffer[] = []
  let [bytes, whole] = [0, 0]
  for await (const chunk of stream) {
    bytes += chunk.length
    grown(bytes)
    held.add(chunk.length)
    chunks.push(chunk)
    // A sender may send byte for byte: a list of millions of buffers takes hundreds of times what is in them.
    if (chunks.length - whole === chunksApartMax) chunks.push(Buffer.concat(chunks.splice(whole++)))
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
