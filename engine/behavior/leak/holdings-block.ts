/**
 * How what one account holds of a model stands in the state: one block of bytes, below one and a half kilobytes, of which
 * each part has its place.
 *
 * Promises: a block that an earlier version wrote is read; what has another form is none.
 */
import { Block } from '../block.ts'
import type { Landmarks } from './landmarks.ts'

/** Classes that the linear copy tells apart; a model with more has none. */
const classesMax = 16
export const registers = 128
/** Inputs whose repetition is recognized. */
export const recentSize = 16
/** Layouts that are remembered. */
const layoutsMax = 1_024
const version = 2
/** Of the numbers at the beginning of a block. */
export const at = {
  version: 0, count: 1, places: 2, classes: 3, landmarks: 4, firstMs: 5, lastMs: 6, queries: 7, fresh: 8, trained: 9,
  toldAt: 10, toldMs: 11, toldQueries: 12, week: 13, weekBegan: 14, weekBefore: 15, found: 16, versions: 17, estimate: 18,
  floor: 22,
} as const // prettier-ignore
export const headSize = at.floor + 4

/** Sizes of the parts that depend on the landmarks; all 0 where there are none yet. */
export interface Layout {
  readonly count: number
  /** Numbers that say where an input lies. */
  readonly places: number
  readonly classes: number
}

const small: Layout = { count: 0, places: 0, classes: 0 }

/** One object for each that is in use: blocks are many, layouts few. */
const layouts = new Map<number, Layout>()

function layoutBy(count: number, places: number, classes: number): Layout {
  const key = (count * 257 + places) * 257 + classes
  const known = layouts.get(key)
  if (known !== undefined) return known
  if (layouts.size >= layoutsMax) layouts.clear()
  const layout = { count, places, classes }
  layouts.set(key, layout)
  return layout
}

export function layoutOf({ count, places, told }: Landmarks): Layout {
  return layoutBy(count, places, told.labels.length <= classesMax ? told.labels.length : 0)
}

export function sizeOf({ count, places, classes }: Layout): number {
  const head = headSize * 8 + recentSize * 4 + registers
  const copies = classes * 4 + classes * (places + 1) * 2 + count * 2 + count
  return Math.ceil((head + copies) / 8) * 8
}

/** A block as it stands in the state. */
export class HoldingsBlock extends Block {
  get layout(): Layout {
    return layoutBy(this.numberAt(at.count), this.numberAt(at.places), this.numberAt(at.classes))
  }

  /** From the state, where it is a text after a restart. Undefined where it is not a block of this version. */
  static of(kept: unknown): HoldingsBlock | undefined {
    if (kept instanceof HoldingsBlock) return kept
    if (typeof kept !== 'string') return undefined
    const bytes = Buffer.from(kept, 'base64')
    if (bytes.length < sizeOf(small)) return undefined
    const [is, ...sizes] = [at.version, at.count, at.places, at.classes].map((n) => bytes.readDoubleLE(n * 8))
    const [count, places, classes] = sizes as [number, number, number]
    if (!sizes.every((value) => Number.isInteger(value) && value >= 0 && value <= 256)) return undefined
    if (is === 1) return ofVersion1(bytes, { count, places, classes })
    if (is !== version || bytes.length !== sizeOf({ count, places, classes })) return undefined
    return new HoldingsBlock(bytes)
  }

  static begin(timeMs: number): HoldingsBlock {
    begun.head[at.firstMs] = timeMs
    begun.head[at.lastMs] = timeMs
    return new HoldingsBlock(begun.bytes)
  }
}

/** What a block begins as, but for the time. */
const begun = (() => {
  const bytes = Buffer.from(new ArrayBuffer(sizeOf(small)))
  const head = new Float64Array(bytes.buffer, 0, headSize)
  head[at.version] = version
  head[at.week] = -1
  for (const from of [at.estimate, at.floor]) head.fill(Number.NaN, from + 1, from + 4)
  return { bytes, head }
})()

/** Version 1 had another linear copy: what was counted stays, copies begin anew, and what they had reached is kept. */
function ofVersion1(bytes: Buffer, layout: Layout): HoldingsBlock | undefined {
  if (bytes.length !== sizeOf(layout)) return undefined
  const now = Buffer.alloc(sizeOf(small))
  const { count, places, classes } = layout
  const recent = headSize * 8
  const seen = recent + recentSize * 4
  bytes.copy(now, 0, 0, seen)
  bytes.copy(now, seen, seen + classes * 4 + classes * (places + 1) * 2 + count * 2)
  for (const n of [at.count, at.places, at.classes, at.landmarks, at.trained]) now.writeDoubleLE(0, n * 8)
  bytes.copy(now, at.floor * 8, at.estimate * 8, (at.estimate + 4) * 8)
  now.writeDoubleLE(version, 0)
  return new HoldingsBlock(now)
}
