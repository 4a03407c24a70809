/**
 * What of a call is compared: a few numbers that stand for its input and its answer.
 *
 * The input's mean and spread, and eight projections with fixed signs: a shift of the input's distribution in any direction
 * shows in random projections (Johnson and Lindenstrauss 1984; Cramér and Wold 1936). An embedding is an input like any other:
 * a shift of its mean is a distance of embeddings. Then confidence, and the answer's class.
 */
import type { Event } from '../../../core/event.ts'

const projections = 8
const classBins = 997

export const channelNames: readonly string[] = [
  'mean of the input',
  'spread of the input',
  ...Array.from({ length: projections }, (_, n) => `projection ${n + 1} of the input`),
  'confidence',
  'class of the answer',
]

/** Whether there is anything to compare. */
export function hasChannels(event: Event): boolean {
  const { output } = event.warden
  return output?.confidence !== undefined || output?.label !== undefined || vectorOf(event) !== undefined
}

export function channelsOf(event: Event): (number | null)[] {
  const vector = vectorOf(event)
  const { confidence, label } = event.warden.output ?? {}
  const channels: (number | null)[] =
    vector !== undefined ? projected(vector) : new Array<null>(2 + projections).fill(null)
  channels.push(
    confidence !== undefined && Number.isFinite(confidence) ? confidence : null,
    label === undefined ? null : classNumber(label),
  )
  return channels
}

/** Undefined where it is no vector of finite numbers. */
function vectorOf(event: Event): readonly number[] | undefined {
  const { input } = event.warden
  const vector = input?.features ?? input?.embedding
  return vector !== undefined && vector.length > 0 && areFinite(vector) ? vector : undefined
}

function areFinite(vector: readonly number[]): boolean {
  for (let n = 0; n < vector.length; n++) if (!Number.isFinite(vector[n])) return false
  return true
}

/** Its sums are kept by name: in a list each would have to be read back and written for every value. */
function projected(vector: readonly number[]): (number | null)[] {
  let sum = 0
  let squares = 0
  let a = 0
  let b = 0
  let c = 0
  let d = 0
  let e = 0
  let f = 0
  let g = 0
  let h = 0
  for (let n = 0; n < vector.length; n++) {
    const value = vector[n]!
    sum += value
    squares += value * value
    const bits = Math.imul(n + 1, 0x9e3779b1) ^ (n << 7)
    a += value * (((bits >>> 8) & 2) - 1)
    b += value * (((bits >>> 9) & 2) - 1)
    c += value * (((bits >>> 10) & 2) - 1)
    d += value * (((bits >>> 11) & 2) - 1)
    e += value * (((bits >>> 12) & 2) - 1)
    f += value * (((bits >>> 13) & 2) - 1)
    g += value * (((bits >>> 14) & 2) - 1)
    h += value * (((bits >>> 15) & 2) - 1)
  }
  const mean = sum / vector.length
  const spread = Math.sqrt(Math.max(0, squares / vector.length - mean * mean))
  return [short(mean), short(spread), short(a), short(b), short(c), short(d), short(e), short(f), short(g), short(h)]
}

function short(value: number): number {
  return Math.round(value * 1e5) / 1e5
}

function classNumber(label: string | number): number {
  if (typeof label === 'number' && Number.isInteger(label)) return label
  const text = String(label)
  let hash = 0x811c9dc5
  for (let n = 0; n < text.length; n++) hash = Math.imul(hash ^ text.charCodeAt(n), 0x01000193)
  return (hash >>> 0) % classBins
}
