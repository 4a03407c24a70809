/**
 * Undoes a body's compression, within a limit: a bomb is refused when it has grown past it, not after.
 */
import type { Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib'
import { HttpError } from '../../runtime/http/http-error.ts'
import { gathered, type Held } from './in-flight.ts'

const encodings: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  zstd: createZstdDecompress,
  br: createBrotliDecompress,
}

/**
 * Throws HttpError: 415 for an unknown encoding, 400 where the body is not what it says, 413 where it grows too large,
 * 503 where there is no room for what it becomes.
 */
export async function decodeBody(
  body: Buffer,
  encoding: string | undefined,
  bytesMax: number,
  held: Held,
): Promise<Buffer> {
  const name = (encoding ?? 'identity').trim().toLowerCase()
  if (name === 'identity' || name === '') return body
  const decoder = Object.hasOwn(encodings, name) ? encodings[name] : undefined
  if (decoder === undefined) {
    throw new HttpError(415, 'ENCODING_UNKNOWN', `The content encoding "${name.slice(0, 40)}" is not known here.`, {
      hint: `Use one of ${Object.keys(encodings).join(', ')}, or none.`,
    })
  }
  const decoding = decoder()
  decoding.end(body)
  try {
    return await gathered(decoding, held, (bytes) => {
      if (bytes <= bytesMax) return
      throw new HttpError(413, 'BODY_TOO_LARGE', `The body is larger than ${bytesMax} bytes when decompressed.`, {
        hint: 'Send fewer records in one request.',
      })
    })
  } catch (error) {
    if (error instanceof HttpError) throw error
    throw new HttpError(400, 'BAD_ENCODING', `The body is not ${name}, or is cut off.`, {
      cause: error,
      hint: 'Send what Content-Encoding says, or leave the header out.',
    })
  }
}
