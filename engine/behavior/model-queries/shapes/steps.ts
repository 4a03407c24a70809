/**
 * Whether a query is an earlier one plus a step that is equally long in each value, one way or the other, as the sign of a
 * gradient is (Goodfellow et al. 2015): so training data is augmented that a copy learns from (Papernot et al. 2017, Juuti et
 * al. 2019), and so a search begins (Andriushchenko et al. 2020).
 *
 * Steps add up: whatever was made of one input lies whole steps away from it and from all else that was. So a few earlier
 * inputs, kept for long, tell of many that are made later, whatever is asked in between. Natural inputs differ unevenly.
 * How often two of their differences are equal all the same, as those of shades of grey are, is learned (`alike`). Pure.
 */

/** Values that are looked at; of more, as many that lie evenly among them. */
const valuesMost = 32
/** Room for what is kept, in numbers of 16 bits; about so many queries go by until all of it is new. */
const room = 512
const lasting = 512
/** Values that differ by less than that share of their size, or by less than it where they are small, do not differ. */
const rounding = 1e-3
/** What of a step equal ones may differ by. */
const equalShare = 0.015
/** Fewest equal differences that are a step. */
export const equalMin = 5
/**
 * Of a grid: how many of its gaps a step may be, the share of the values that must lie on it, and how far off they may
 * be in roundings.
 */
export const gridParts = 5
const gridShare = 0.9
const gridNear = 2
/** Gaps of fewer roundings are no grid. */
const gapMin = 20
/** Inputs of no more levels than this, as pictures of few shades, differ evenly by themselves. */
const levelsMax = 8
/** Natural inputs are as even as a step with a probability of about e to the minus this. */
const logOdds = 9.2
/** Two differences of natural inputs are taken to be equal at least so often. */
export const alikeMin = 0.1
/** And of inputs of more values than are kept, of which it is not learned. */
export const alikeUnknown = 0.25

/** How many values of an input are looked at. */
export function widthOf(dimension: number): number {
  return Math.min(dimension, valuesMost)
}

/** Which these are. */
export function valuesLookedAt(dimension: number): Uint16Array {
  if (dimension <= valuesMost) return Uint16Array.from({ length: dimension }, (_, n) => n)
  const golden = (Math.sqrt(5) - 1) / 2
  const chosen = new Set<number>()
  for (let n = 1; chosen.size < valuesMost; n++) chosen.add(Math.floor(((n * golden) % 1) * dimension))
  return Uint16Array.from([...chosen].sort((a, b) => a - b))
}

/** How many inputs are kept, and that one in `every` is. */
export function roomFor(dimension: number): { readonly rows: number; readonly every: number } {
  const rows = Math.floor(room / widthOf(dimension))
  return { rows, every: Math.max(1, Math.round(lasting / rows)) }
}

/** An earlier input. */
export interface Earlier {
  /** Those that are looked at. */
  readonly values: Float64Array
  /** Its place among what was kept; undefined: it is one of the last. */
  readonly kept: number | undefined
  /** No other came after it that is no step. */
  readonly isNewest: boolean
}

/** How evenly a query differs from the earlier one that it is closest to. */
export interface Evenness {
  /** Values that differ, and the most of them that do by the same. */
  readonly differ: number
  readonly equal: number
  /** By how much these do. */
  readonly size: number
  /** The more of what is small counts as equal, the oftener two are. */
  readonly chance: number
  /** The equal ones go both ways, and not from grid point to grid point. */
  readonly isStep: boolean
}

const differences = new Float64Array(valuesMost)
const sizes = new Float64Array(valuesMost)
const values = new Float64Array(valuesMost)
const isCut = new Uint8Array(valuesMost)
const levels = new Float64Array(levelsMax)

/** Of the values that are looked at. Undefined where too few differ. */
export function evennessOf(x: Float64Array, earlier: Float64Array): Evenness | undefined {
  const count = differencesTo(x, earlier)
  if (count < equalMin) return undefined
  const size = commonSize(count)
  let [equal, up, sum, cut] = [0, 0, 0, 0]
  for (let n = 0; n < count; n++) {
    if (isEqual(sizes[n]!, size)) {
      equal++
      sum += sizes[n]!
      if (differences[n]! > 0) up++
    } else if (isCut[n] === 1 && sizes[n]! < size) cut++
  }
  const differ = count - cut
  if (differ < equalMin) return undefined
  return {
    differ,
    equal,
    size: sum / equal,
    chance: 2 * (equalShare + (rounding * equal) / sum),
    isStep: up > 0 && up < equal && !isOnGrid(count, size, sum / equal) && !hasFewLevels(x, earlier),
  }
}

/** Whether natural inputs, of whose differences two are equal with the probability `learned`, are hardly ever as even. */
export function isStep({ differ, equal, chance, isStep }: Omit<Evenness, 'size'>, learned: number): boolean {
  if (!isStep || equal < equalMin) return false
  return tailOf(equal, differ, Math.max(learned, chance)) >= logOdds
}

/**
 * So many of `of` that are there with the probability `alike` each have a probability of at most e to the minus this:
 * Chernoff's bound on the tail of the binomial distribution.
 */
export function tailOf(equal: number, of: number, alike: number): number {
  const share = equal / of
  if (share <= alike) return 0
  const others = share < 1 ? (1 - share) * Math.log((1 - share) / (1 - alike)) : 0
  return of * (share * Math.log(share / alike) + others)
}

/** Puts down the values that differ; how many they are. From one end of all scaled values to the other is no step. */
function differencesTo(x: Float64Array, earlier: Float64Array): number {
  let count = 0
  for (let n = 0; n < x.length; n++) {
    const [value, before] = [x[n]!, earlier[n]!]
    const difference = value - before
    const size = Math.abs(difference)
    if (size < rounding * Math.max(1, Math.abs(value))) continue
    const cut = isEnd(value) || isEnd(before)
    if (cut && isEnd(value) && isEnd(before)) continue
    values[count] = value
    differences[count] = difference
    sizes[count] = size
    isCut[count++] = cut ? 1 : 0
  }
  return count
}

/** That as many differences as possible are equal to. */
function commonSize(count: number): number {
  let most = 0
  let common = 0
  for (let a = 0; a < count && most < count - a; a++) {
    let equal = 0
    for (let b = 0; b < count; b++) if (isEqual(sizes[b]!, sizes[a]!)) equal++
    if (equal > most) {
      most = equal
      common = sizes[a]!
    }
  }
  return common
}

function isEqual(size: number, to: number): boolean {
  return Math.abs(size - to) < equalShare * to + rounding
}

/** Whole numbers, shades of grey and rounded values differ by a few of the least that they can. */
function isOnGrid(count: number, size: number, step: number): boolean {
  for (let parts = 1; parts <= gridParts; parts++) {
    const gap = step / parts
    if (parts > 1 && gap < gapMin * rounding) return false
    let first = NaN
    let [equal, on] = [0, 0]
    for (let n = 0; n < count; n++) {
      if (!isEqual(sizes[n]!, size)) continue
      const value = values[n]!
      if (Number.isNaN(first)) first = value
      const off = value - first - gap * Math.round((value - first) / gap)
      equal++
      if (Math.abs(off) < gridNear * rounding * Math.max(1, Math.abs(value))) on++
    }
    if (on > gridShare * equal) return true
  }
  return false
}

function hasFewLevels(x: Float64Array, earlier: Float64Array): boolean {
  let count = 0
  for (let n = 0; n < 2 * x.length; n++) {
    const value = n < x.length ? x[n]! : earlier[n - x.length]!
    let level = 0
    while (level < count && levels[level] !== value) level++
    if (level < count) continue
    if (count === levelsMax) return false
    levels[count++] = value
  }
  return true
}

function isEnd(value: number): boolean {
  return value === 0 || value === 1
}
