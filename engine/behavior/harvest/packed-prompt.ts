/** An embedding of length 1 as it is taught: a byte for each number, base64. */
import { dimensionMax } from '../input/input.ts'

const most = 127
const bytes = Buffer.alloc(dimensionMax)

export function packedPrompt(x: ArrayLike<number>): string {
  for (let n = 0; n < x.length; n++) bytes.writeInt8(Math.round(most * Math.max(-1, Math.min(1, x[n]!))), n)
  return bytes.toString('base64', 0, x.length)
}

export function unpackedPrompt(text: string): Float64Array {
  return Float64Array.from(new Int8Array(Buffer.from(text, 'base64')), (value) => value / most)
}
