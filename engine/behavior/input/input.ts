/**
 * What of a model call the detectors look at: the input as a short vector, the answer's class and margin.
 *
 * An input is a feature vector, an embedding (brought to length 1: cosine), a similarity-preserving hash (its bits),
 * or, where the event has none of these, the answer itself: all probabilities, or that of the likeliest class. Vectors
 * past 64 values are reduced by a count sketch with fixed signs (Charikar, Chen and Farach-Colton 2002), which keeps
 * distances up to about a sixth and keeps lines and midpoints exactly.
 */
import type { Event } from '../../../core/event.ts'

export const dimensionMax = 64
/** Inputs of an account that are remembered whole. */
export const ringSize = 8
/** Longest vector read. */
const valuesMax = 4_096

export type InputKind = 'features' | 'embedding' | 'hash' | 'output'

export interface QueryInput {
  readonly kind: InputKind
  /** At most `dimensionMax` finite numbers. Good until the input of another event is read: what is kept is copied. */
  readonly x: Float64Array
  /** Whether the input had more to it: it was a hash, or longer. */
  readonly hidden: boolean
  /** It is a feature vector of nothing but zeros and ones. */
  readonly blackAndWhite: boolean
  /** The values of a feature vector, as the event has them. */
  readonly values?: readonly number[] | undefined
  /** The class that was answered; empty where none was told. */
  readonly label: string
  /** Between the two likeliest classes; undefined where no probabilities were told. */
  readonly margin: number | undefined
  /** Of all classes; undefined where none were told. */
  readonly probabilities: readonly number[] | undefined
  /** 32 bits: equal inputs have equal ones. */
  readonly key: number
}

/** Several detectors look at the same event, one after the other: it is read once. */
const last: { event: Event | undefined; input: QueryInput | undefined } = { event: undefined, input: undefined }
let count = 0

/** How many inputs were read so far: whether `x` still holds the numbers that it held. */
export function inputsRead(): number {
  return count
}

/** Room for the numbers of the input at hand, by their count: made anew for each event it is most of what reading costs. */
const rooms: (Float64Array | undefined)[] = []

function roomFor(length: number): Float64Array {
  return (rooms[length] ??= new Float64Array(length))
}

const roomBesides = new Float64Array(dimensionMax)

/** Of the input that was packed last. */
const lastPacked: { input: QueryInput | undefined; text: string } = { input: undefined, text: '' }

const floats = new Float32Array(dimensionMax)
const floatBytes = Buffer.from(floats.buffer)

/** The numbers of an input as they travel, as packed.ts spells them: several detectors hand on the same. */
export function packedInput(input: QueryInput): string {
  if (lastPacked.input !== input) {
    const { x } = input
    // Setting all at once takes three times as long.
    for (let n = 0; n < x.length; n++) floats[n] = x[n]!
    lastPacked.text = floatBytes.toString('base64', 0, 4 * input.x.length)
    lastPacked.input = input
  }
  return lastPacked.text
}

/** Undefined: the event has neither an input nor an answer that can be looked at. An event that was read is not changed. */
export function inputOf(event: Event): QueryInput | undefined {
  if (last.event !== event) {
    last.event = undefined
    count++
    last.input = readInput(event)
    last.event = event
  }
  return last.input
}

function readInput(event: Event): QueryInput | undefined {
  const { input, output } = event.warden
  const probabilities = finite(output?.probabilities)
  const label = output?.label ?? (probabilities === undefined ? '' : bestOf(probabilities))
  // A number that is no class, such as a price: all answers differ in it.
  const isClass = typeof label !== 'number' || Number.isInteger(label)
  const margin = probabilities === undefined ? output?.confidence : marginOf(probabilities)
  const read = vectorOf(input, probabilities ?? alone(output?.confidence))
  if (read === undefined) return undefined
  const text = typeof input?.hash === 'string' && input.hash !== '' ? input.hash : undefined
  return {
    kind: read.kind,
    x: read.x,
    hidden: read.hidden,
    blackAndWhite: read.kind === 'features' && isBlackAndWhite(input?.features as readonly number[]),
    values: read.kind === 'features' ? input?.features : undefined,
    label: isClass ? String(label).slice(0, 64) : '',
    margin: Number.isFinite(margin) ? margin : undefined,
    probabilities,
    key: text === undefined ? keyOfVector(read.x) : keyOfText(text),
  }
}

function vectorOf(
  input: Event['warden']['input'],
  probabilities: readonly number[] | undefined,
): Pick<QueryInput, 'kind' | 'x' | 'hidden'> | undefined {
  const features = finite(input?.features)
  const isLong = (values: readonly number[]): boolean => values.length > dimensionMax
  if (features !== undefined) return { kind: 'features', x: reduced(features, 1), hidden: isLong(features) }
  const embedding = finite(input?.embedding)
  if (embedding !== undefined)
    return { kind: 'embedding', x: reduced(embedding, norm(embedding)), hidden: isLong(embedding) }
  const bits = bitsOf(input?.['similarity_hash'])
  if (bits !== undefined) return { kind: 'hash', x: reduced(bits, Math.sqrt(bits.length)), hidden: true }
  if (probabilities === undefined) return undefined
  return {
    kind: 'output',
    hidden: true,
    x: reduced(
      probabilities.map((p) => Math.log(Math.max(p, 1e-4))),
      1,
    ),
  }
}

/**
 * What a picture would be in black and white, reduced and packed as it is itself; the same where it is so already.
 * Undefined where that can be told from the numbers of the input: of at most `dimensionMax` values.
 */
export function packedInBlackAndWhite(input: QueryInput): string | undefined {
  const { values, key } = input
  if (values === undefined || values.length <= dimensionMax || !isPicture(values)) return undefined
  if (input.blackAndWhite) return packedInput(input)
  floats.set(reduced(toBlackAndWhite(values, key), 1, roomBesides))
  lastPacked.input = undefined
  return floatBytes.toString('base64', 0, 4 * dimensionMax)
}

/**
 * From where on a value is white: customers turn their pictures at a line of their own about the middle, so one is
 * drawn for each picture.
 */
const whiteFrom = [0.4, 0.5, 0.6] as const

/** `draw`: any whole number. */
export function toBlackAndWhite(values: ArrayLike<number>, draw: number): Float32Array {
  const line = whiteFrom[draw % whiteFrom.length]!
  const turned = new Float32Array(values.length)
  for (let n = 0; n < turned.length; n++) turned[n] = values[n]! < line ? 0 : 1
  return turned
}

/** All values are between black and white. */
export function isPicture(values: ArrayLike<number>): boolean {
  for (let n = 0; n < values.length; n++) if (!(values[n]! >= 0 && values[n]! <= 1)) return false
  return true
}

/** Fewest values that are no blank by chance. */
const blankMin = 6

/**
 * One value throughout, as where a record is missing or a lens is covered: all of them lie on one line, and a copy
 * learns next to nothing of it.
 */
export function isBlank({ kind, x, values }: Pick<QueryInput, 'kind' | 'x' | 'values'>): boolean {
  const all: ArrayLike<number> = values ?? x
  if (kind !== 'features' || all.length < blankMin) return false
  for (let n = 1; n < all.length; n++) if (all[n] !== all[0]) return false
  return true
}

/** Before they are reduced: a sketch of zeros and ones is of neither. */
export function isBlackAndWhite(values: ArrayLike<number>): boolean {
  for (let n = 0; n < values.length; n++) if (values[n] !== 0 && values[n] !== 1) return false
  return true
}

/** The likeliest class's probability alone, and what is left for all others. */
function alone(confidence: number | undefined): readonly number[] | undefined {
  return confidence !== undefined && confidence >= 0 && confidence <= 1 ? [confidence, 1 - confidence] : undefined
}

/** A feature vector in the form in which inputs are compared. */
export function featuresOf(values: readonly number[]): Float64Array {
  return reduced(values, 1, new Float64Array(lengthOf(values)))
}

/** Undefined where it is no vector of at least two finite numbers. */
function finite(values: unknown): readonly number[] | undefined {
  if (!Array.isArray(values) || values.length < 2 || values.length > valuesMax) return undefined
  const items = values as readonly unknown[]
  // By index: a number that is taken out of a list of them otherwise gets a box of its own.
  for (let n = 0; n < items.length; n++) {
    const item = items[n]
    if (typeof item !== 'number' || !(item < 1e12 && item > -1e12)) return undefined
  }
  return values as number[]
}

function norm(values: readonly number[]): number {
  let sum = 0
  for (const value of values) sum += value * value
  return sum > 0 ? Math.sqrt(sum) : 1
}

function lengthOf(values: ArrayLike<number>): number {
  return Math.min(values.length, dimensionMax)
}

function reduced(values: ArrayLike<number>, divisor: number, x = roomFor(lengthOf(values))): Float64Array {
  if (values.length <= dimensionMax) {
    if (divisor === 1) for (let n = 0; n < values.length; n++) x[n] = values[n]!
    else for (let n = 0; n < values.length; n++) x[n] = values[n]! / divisor
    return x
  }
  x.fill(0)
  for (let n = 0; n < values.length; n++) {
    const h = sketch[n]!
    x[h & (dimensionMax - 1)]! += (h & 0x80000000) === 0 ? values[n]! / divisor : -values[n]! / divisor
  }
  return x
}

/** Where the sketch puts each value, and its sign. */
const sketch = Uint32Array.from({ length: valuesMax }, (_, n) => mixed(n + 1))

function bitsOf(hash: unknown): readonly number[] | undefined {
  if (typeof hash !== 'string' || hash.length < 8 || hash.length > 1_024 || !/^[0-9a-f]+$/i.test(hash)) return undefined
  const bits: number[] = []
  for (const digit of hash) {
    const value = parseInt(digit, 16)
    for (let bit = 8; bit > 0; bit >>= 1) bits.push((value & bit) === 0 ? -1 : 1)
  }
  return bits
}

function bestOf(probabilities: readonly number[]): number {
  let best = 0
  for (let n = 1; n < probabilities.length; n++) if (probabilities[n]! > probabilities[best]!) best = n
  return best
}

function marginOf(probabilities: readonly number[]): number {
  let first = -Infinity
  let second = -Infinity
  for (const p of probabilities) {
    if (p > first) {
      second = first
      first = p
    } else if (p > second) second = p
  }
  return first - second
}

/** The text that was asked about last: detectors ask for the same event's, one after the other. */
const lastKey = { text: '', key: mixed(0x811c9dc5) }

/** FNV-1a, finished by murmur3's mixer. */
export function keyOfText(text: string): number {
  if (text === lastKey.text) return lastKey.key
  let h = 0x811c9dc5
  for (let n = 0; n < text.length; n++) h = Math.imul(h ^ text.charCodeAt(n), 0x01000193)
  lastKey.key = mixed(h)
  lastKey.text = text
  return lastKey.key
}

function keyOfVector(x: Float64Array): number {
  let h = 0x811c9dc5
  for (const value of x) h = Math.imul(h ^ Math.round(value * 1e5), 0x01000193)
  return mixed(h)
}

function mixed(seed: number): number {
  let h = Math.imul(seed ^ (seed >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
