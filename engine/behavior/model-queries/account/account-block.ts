/**
 * The block of bytes that is remembered of one account and model: where its parts lie, and how it is read from what
 * older versions saved.
 *
 * Promises: a text that is none of our blocks, or one of another length than what it says to hold, is none.
 */
import { Block } from '../../block.ts'
import {
  betCount,
  betCount2,
  betCount3,
  betCount4,
  betCount5,
  betCount6,
  betCount7,
  betCount8,
  betCount12,
  betCount13,
  betCount14,
  queryThreats,
} from './evidence.ts'
import { setBits } from './filter.ts'
import { ringSize } from '../../input/input.ts'
import { dimensionMax } from '../../input/input.ts'
import { oddBytes } from './odd-ones.ts'
import { slopesBytes } from '../shapes/slopes.ts'
import { roomFor, widthOf } from '../shapes/steps.ts'

/** Words of one of the two filters of what was asked. */
export const seenWords = 32
export const version = 15
/** Of the numbers at the beginning of a block. */
export const at = {
  version: 0, dimension: 1, firstMs: 2, lastMs: 3, queries: 4, distinct: 5, taught: 6, taughtEpoch: 7, repeated: 8,
  ringCount: 9, told: 10, since: 10 + queryThreats.length, kept: 10 + 2 * queryThreats.length,
  odd: 11 + 2 * queryThreats.length,
} as const // prettier-ignore
export const headSize = at.odd + 1
/**
 * Where the parts begin, in bytes; the ring of inputs, as far as it is filled, what was kept of it, the odd ones, and,
 * where there is one, the base of single changes come last.
 */
export const from = (() => {
  const values = headSize * 8
  const labels = values + betCount * 4
  const seen = labels + ringSize * 4
  const notes = seen + 2 * seenWords * 4
  return { values, labels, seen, notes, ring: Math.ceil((notes + ringSize) / 2) * 2 }
})()
/**
 * Of the number `repeated`: the share of the last queries that repeat earlier ones is a multiple of one in so many; one
 * half stands for `withdrawn`, and multiples of twice as many count what tells of noise (noisy.ts).
 */
export const shareParts = 65_536
/** Where what was kept ends, and the odd ones begin. */
export function endOf(dimension: number, inRing: number, kept: number): number {
  return from.ring + 2 * (inRing * dimension + kept * widthOf(dimension))
}

/** A block as it stands in the state. */
export class AccountBlock extends Block {
  /** From the state, where it is Base64 after a restart. Undefined where it is not a block. */
  static of(kept: unknown): AccountBlock | undefined {
    if (kept instanceof AccountBlock) return kept
    if (typeof kept !== 'string') return undefined
    const bytes = Buffer.from(kept, 'base64')
    if (bytes.length < headSize * 8) return undefined
    const [is, dimension, ringCount] = [at.version, at.dimension, at.ringCount].map((n) => bytes.readDoubleLE(n * 8))
    if (!Number.isInteger(dimension) || dimension! < 1 || dimension! > dimensionMax) return undefined
    const had = betsOf[is!]
    const now = is === 2 ? ofVersion2(bytes, dimension!) : had === undefined ? bytes : ofVersion(bytes, is!, had)
    if (now === undefined || now.length < headSize * 8 || now.readDoubleLE(0) !== version) return undefined
    const rows = now.readDoubleLE(at.kept * 8)
    const inRing = Math.min(ringSize, ringCount!)
    const odd = now.readDoubleLE(at.odd * 8)
    const more = now.length - endOf(dimension!, inRing, rows) - oddBytes(dimension!, odd)
    const fits = rows <= roomFor(dimension!).rows && (more === 0 || more === slopesBytes(dimension!))
    if (!fits) return undefined
    // Until the ring was full older versions left out what was kept besides.
    if (is! < 10 && inRing < ringSize) {
      now.writeDoubleLE(0, at.kept * 8)
      return new AccountBlock(now, endOf(dimension!, inRing, 0))
    }
    return new AccountBlock(now)
  }

  /** Values of its inputs. */
  get dimension(): number {
    return this.numberAt(at.dimension)
  }

  /** Event time of the last query. */
  get lastMs(): number {
    return this.numberAt(at.lastMs)
  }
}

/** How many bets each version had. */
const betsOf: Readonly<Record<number, number>> = {
  3: betCount3, 4: betCount4, 5: betCount5, 6: betCount6, 7: betCount7, 8: betCount8, 9: betCount12, 10: betCount12, 11: betCount12, 12: betCount12, 13: betCount13, 14: betCount14,
} // prettier-ignore
/** Up to version 12 nothing was kept of odd inputs; up to version 5 nothing of what left the ring either. */
const headSizeOf = (is: number): number => (is < 6 ? at.kept : is < 13 ? at.odd : headSize)

/**
 * Versions 3 to 14 had fewer bets. Version 9 had a base of single changes of each account, before the ring: most of
 * them were of natural inputs, and what is tried of one is known again soon. Up to version 10 it is known of the
 * queries of the whole life alone how many repeat earlier ones. Version 11 knew nothing of noise.
 */
function ofVersion(bytes: Buffer, is: number, had: number): Buffer {
  const head = headSizeOf(is) * 8
  const end = head + had * 4
  const ring = end + from.notes + ringSize - from.labels
  const now = Buffer.concat([
    bytes.subarray(0, head),
    Buffer.alloc(headSize * 8 - head),
    bytes.subarray(head, end),
    Buffer.alloc((betCount - had) * 4),
    bytes.subarray(end, ring),
    bytes.subarray(is === 9 ? ring + slopesBytes(bytes.readDoubleLE(at.dimension * 8)) : ring),
  ])
  if (is < 11) return asNow(now)
  now.writeDoubleLE(version, at.version * 8)
  return now
}

function asNow(block: Buffer): Buffer {
  const [queries, distinct] = [block.readDoubleLE(at.queries * 8), block.readDoubleLE(at.distinct * 8)]
  const share = queries > 0 ? (queries - distinct) / queries : 0
  // It had been 1 for those whose teaching was taken back.
  const withdrawn = block.readDoubleLE(at.repeated * 8) === 1 ? 0.5 : 0
  block.writeDoubleLE(Math.round(shareParts * share) + withdrawn, at.repeated * 8)
  block.writeDoubleLE(version, at.version * 8)
  return block
}

/** Version 2 had the whole ring, before it the labels, 32 bits of each of 96 inputs, and fewer bets. */
function ofVersion2(bytes: Buffer, dimension: number): Buffer | undefined {
  const seenSize = 96
  const head = at.kept * 8
  const seen = head + betCount2 * 4
  const labels = seen + seenSize * 4
  const ring = labels + ringSize * 4
  const members = ring + ringSize * dimension * 2
  if (bytes.length !== Math.ceil((members + ringSize) / 8) * 8) return undefined
  const now = Buffer.alloc(endOf(dimension, ringSize, 0))
  bytes.copy(now, 0, 0, head)
  bytes.copy(now, from.values, head, seen)
  bytes.copy(now, from.labels, labels, ring)
  const filter = new Uint32Array(seenWords)
  for (let slot = 0; slot < seenSize; slot++) {
    const key = bytes.readUInt32LE(seen + slot * 4)
    if (key !== 0) setBits(filter, 0, key)
  }
  for (const [word, bits] of filter.entries()) now.writeUInt32LE(bits, from.seen + word * 4)
  bytes.copy(now, from.notes, members, members + ringSize)
  bytes.copy(now, from.ring, ring, members)
  return asNow(now).subarray(0, endOf(dimension, Math.min(ringSize, bytes.readDoubleLE(at.ringCount * 8)), 0))
}
