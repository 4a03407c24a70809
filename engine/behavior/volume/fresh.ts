/**
 * How much of what a principal reads it takes piece by piece: in bytes, of objects that it had never read before their
 * bucket, in a folder that it had.
 */
import type { VolumeTotal } from './params.ts'
import type { StoredReader } from './table.ts'

/**
 * Who picks without regard to what it has already comes to that share once it has read four fifths as much as it picks
 * from; who wants the whole comes to none.
 */
const againMin = 0.3
/** Of fewer objects a bucket than that nobody knows whether other parts of the same one are read each time. */
const severalMin = 1.5

export function readsAgain(fresh: number): boolean {
  return fresh <= 1 - againMin
}

export function freshOf({ fresh, objects, freshBytes }: VolumeTotal): readonly [number, number, number?] {
  return freshBytes === undefined ? [fresh, objects] : [fresh, objects, freshBytes]
}

/** Of all that was read from one bucket to another; 1 where that can't be told: older versions kept nothing of it. */
export function freshIn(stored: StoredReader, from: number, to: number): number {
  let [fresh, bytes, objects, buckets] = [0, 0, 0, 0]
  for (let at = from; at <= to; at++) {
    const [own, all, ownBytes] = stored.fresh?.[at] ?? [0, 0]
    if (own < 0) return 1
    if (all === 0) continue
    const read = stored.bytes[at] ?? 0
    fresh += ownBytes ?? (read * own) / all
    bytes += read
    objects += all
    buckets++
  }
  return objects < severalMin * buckets || bytes === 0 ? 1 : fresh / bytes
}
