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

export function channelsOf(event: Event): (number | null)[] | undefined {
  const { input, output } = event.warden
  const vector = input?.features ?? input?.embedding
  const usable = vector !== undefined && vector.length > 0 && vector.every(Number.isFinite)
  const confidence = output?.confidence
  const label = output?.label
  if (!usable && confidence === undefined && label === undefined) return undefined
  return [
    ...(usable ? projected(vector) : new Array<null>(2 + projections).fill(null)),
    confidence !== undefined && Number.isFinite(confidence) ? confidence : null,
    label === undefined ? null : classNumber(label),
  ]
}

function projected(vector: readonly number[]): number[] {
  let sum = 0
  let squares = 0
  const along = new Array<number>(projections).fill(0)
  for (let n = 0; n < vector.length; n++) {
    const value = vector[n]!
    sum += value
    squares += value * value
    if (value === 0) continue
    const bits = Math.imul(n + 1, 0x9e3779b1) ^ (n << 7)
    for (let p = 0; p < projections; p++) along[p]! += ((bits >>> (p + 9)) & 1) === 1 ? value : -value
  }
  const mean = sum / vector.length
  return [mean, Math.sqrt(Math.max(0, squares / vector.length - mean * mean)), ...along].map(short)
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
