/**
 * Undoes a body's compression, within a limit: a bomb is refused when it has grown past it, not after.
 */
import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate, zstdDecompress } from 'node:zlib'
import { HttpError } from '../../runtime/http-error.ts'

type Decompress = (body: Buffer, options: { readonly maxOutputLength: number }) => Promise<Buffer>

const encodings: Readonly<Record<string, Decompress>> = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflate),
  zstd: promisify(zstdDecompress),
  br: promisify(brotliDecompress),
}

/** Throws HttpError: 415 for an unknown encoding, 400 where the body is not what it says, 413 where it grows too large. */
export async function decodeBody(body: Buffer, encoding: string | undefined, bytesMax: number): Promise<Buffer> {
  const name = (encoding ?? 'identity').trim().toLowerCase()
  if (name === 'identity' || name === '') return body
  const decompress = Object.hasOwn(encodings, name) ? encodings[name] : undefined
  if (decompress === undefined) {
    throw new HttpError(415, 'ENCODING_UNKNOWN', `The content encoding "${name.slice(0, 40)}" is not known here.`, {
      hint: `Use one of ${Object.keys(encodings).join(', ')}, or none.`,
    })
  }
  try {
    return await decompress(body, { maxOutputLength: bytesMax })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new HttpError(413, 'BODY_TOO_LARGE', `The body is larger than ${bytesMax} bytes when decompressed.`, {
        hint: 'Send fewer records in one request.',
      })
    }
    throw new HttpError(400, 'BAD_ENCODING', `The body is not ${name}, or is cut off.`, {
      cause: error,
      hint: 'Send what Content-Encoding says, or leave the header out.',
    })
  }
}
