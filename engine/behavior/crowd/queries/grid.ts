/** The grid on which inputs are compared: how they are read onto it, and what is the same on it. Pure. */
import { dimensionMax } from '../../input/input.ts'

/** Digits that are compared: what differs by less is the same to everybody. */
const steps = 1e4
/** Values that differ by less are the same. */
export const least = 0.5 / steps

export const nothing = new Float64Array(0)

/** Room for one input as it is unpacked, and a byte more, to see that there is too much. */
const bytes = Buffer.alloc(4 * dimensionMax + 1)
const floats = new Float32Array(bytes.buffer, bytes.byteOffset, dimensionMax)

/** Room for the numbers of one input, by their count: made anew for each it is most of what reading one costs. */
export class Room {
  readonly #places: (Float64Array | undefined)[] = []

  /** The numbers of an input as they are compared, until the next is put here; none where it has none, or too many. */
  put(x: string | readonly number[]): Float64Array {
    const length = typeof x === 'string' ? bytes.write(x, 'base64') / 4 : x.length
    if (length === 0 || length > dimensionMax || !Number.isInteger(length)) return nothing
    const place = (this.#places[length] ??= new Float64Array(length))
    const values = typeof x === 'string' ? floats : x
    for (let n = 0; n < length; n++) place[n] = Math.round(values[n]! * steps) / steps
    return place
  }
}

/** Of an input on the grid on which inputs are compared. */
export function hashOf(x: Float64Array): number {
  let hash = x.length
  for (let n = 0; n < x.length; n++) hash = Math.imul(hash ^ (x[n]! * steps), 0x01000193)
  return hash ^ (hash >>> 15)
}
