/**
 * Landmarks: a few natural inputs of a model, with the answers that it gave, which copies of it are tried on.
 *
 * Chosen by the step that learns a model's benign traffic, told to all partitions, opened here. Where natural inputs are
 * registered for the model (the inventory's `reference`), the honest query closest to each stands in for it: nearest-neighbor
 * importance weighting (Loog 2012), which makes honest traffic, with its noise and its favorite customers, a sample of what is
 * registered. Otherwise they are drawn evenly from all accounts. Pure.
 */
import { keyOfText } from '../input/input.ts'
import { packed, unpacked } from '../input/packed.ts'
import { axesMax, principalAxes } from './axes.ts'
import { curveOf, type ToldCurve } from './curve.ts'

/** Fewest and most landmarks; the standard error of a share of 128 of them is at most .045. */
export const landmarksMin = 60
export const landmarksMax = 128
/** Answers told apart. */
const labelsMax = 64
/** Steps in which distances are kept: the farthest landmark of each is this many steps away. */
const stepsPerSpread = 16_384

interface Answered {
  readonly x: Float32Array | Float64Array
  readonly label: string
  readonly odds?: ArrayLike<number> | undefined
}

export interface Taught {
  readonly principal: string
  readonly samples: readonly Answered[]
}

/** As it is told to all partitions. JSON. */
export interface ToldLandmarks {
  readonly version: 1
  readonly chosenMs: number
  readonly dimension: number
  readonly x: string
  /** Answers that landmarks have, and which of them each has. Empty: answers are not told. */
  readonly labels: readonly string[]
  readonly answers: readonly number[]
  /** 32 bits of whose query each was: nobody is tried on its own. */
  readonly owners: readonly number[]
  /** Mean of honest inputs in each value. */
  readonly center: string
  /** Accounts that the landmarks come from, and whether they stand in for inputs that are registered. */
  readonly accounts: number
  readonly registered: boolean
  /** How faithful a copy gets with how many natural answers; not told by older versions, or where too little is known. */
  readonly curve?: ToldCurve
}

/** Undefined where there are too few. `reference`: natural inputs of the same form, if any are registered. */
export function chooseLandmarks(
  taught: readonly Taught[],
  reference: readonly ArrayLike<number>[],
  chosenMs: number,
): ToldLandmarks | undefined {
  const all = taught.flatMap(({ principal, samples }) => samples.map((sample) => ({ principal, ...sample })))
  const dimension = all[0]?.x.length
  if (dimension === undefined) return undefined
  const fitting = reference.filter(({ length }) => length === dimension)
  const registered = fitting.length >= landmarksMin
  const chosen = registered ? matched(all, evenly(fitting, landmarksMax)) : inTurn(taught)
  if (chosen.length < landmarksMin) return undefined
  const labels = [...new Set(chosen.map(({ label }) => label))].sort().slice(0, labelsMax)
  const curve = curveOf(taught.map(({ samples }) => samples))
  const silent = labels.length === 1 && labels[0] === ''
  return {
    version: 1,
    chosenMs,
    dimension,
    x: packed(Float32Array.from(chosen.flatMap(({ x }) => [...x]))),
    labels: silent ? [] : labels,
    answers: chosen.map(({ label }) => labels.indexOf(label)),
    owners: chosen.map(({ principal }) => keyOfText(principal)),
    center: packed(centerOf(all, dimension)),
    accounts: new Set(chosen.map(({ principal }) => principal)).size,
    registered,
    ...(curve && { curve }),
  }
}

interface Owned extends Answered {
  readonly principal: string
}

function matched(all: readonly Owned[], reference: readonly ArrayLike<number>[]): Owned[] {
  return reference.map((x) => {
    let closest = all[0]!
    let least = Infinity
    for (const each of all) {
      const away = squareUpTo(x, each.x, least)
      if (away < least) [least, closest] = [away, each]
    }
    return closest
  })
}

/** From all accounts as evenly as they allow, the same ones whatever the order of arrival. */
function inTurn(taught: readonly Taught[]): Owned[] {
  const chosen: Owned[] = []
  const share = Math.ceil(landmarksMax / Math.max(1, taught.length))
  for (const { principal, samples } of taught) {
    for (const sample of evenly(samples, share)) chosen.push({ principal, ...sample })
  }
  return evenly(chosen, landmarksMax)
}

function evenly<T>(list: readonly T[], max: number): T[] {
  if (list.length <= max) return [...list]
  return Array.from({ length: max }, (_, n) => list[Math.floor((n * list.length) / max)]!)
}

function centerOf(all: readonly Answered[], dimension: number): Float32Array {
  const sum = new Float64Array(dimension)
  for (const { x } of all) for (let i = 0; i < dimension; i++) sum[i]! += x[i]!
  return Float32Array.from(sum, (value) => value / all.length)
}

function squareUpTo(a: ArrayLike<number>, b: ArrayLike<number>, most: number): number {
  let sum = 0
  for (let i = 0; i < a.length && sum < most; i++) sum += (a[i]! - b[i]!) ** 2
  return sum
}

/** Landmarks as accounts are held against them. */
export interface Landmarks {
  readonly told: ToldLandmarks
  /** 32 bits that tell this choice from others. */
  readonly key: number
  readonly count: number
  readonly dimension: number
  /** Directions in which landmarks vary most, at right angles; none where inputs are short. */
  readonly axes: Float64Array
  /** Where each landmark is: `places` numbers each (see `placeOf`). */
  readonly rows: Float64Array
  readonly places: number
  readonly answers: readonly number[]
  readonly owners: readonly number[]
  /** Which answer a label is; undefined: none that a landmark has. */
  answerOf(label: string): number | undefined
  readonly center: Float32Array
  /** Rows of standardized places for the linear copy, each with a constant at its end. */
  readonly standard: Float64Array
  /** Of each place the mean, and 1 / (standard deviation · √(places + 1)). */
  readonly middle: Float64Array
  readonly gain: Float64Array
  /** Distance that one step stands for. */
  readonly unit: number
  /** Within it two natural inputs are neighbors: the median distance of a landmark to the closest other, in steps. */
  readonly near: number
}

const opened = new WeakMap<object, Landmarks>()

/** Opens what was told; the same object again costs nothing. Undefined: nothing was told, or by another version. */
export function openLandmarks(told: unknown): Landmarks | undefined {
  if (typeof told !== 'object' || told === null || (told as ToldLandmarks).version !== 1) return undefined
  let landmarks = opened.get(told)
  if (landmarks === undefined) opened.set(told, (landmarks = open(told as ToldLandmarks)))
  return landmarks
}

function open(told: ToldLandmarks): Landmarks {
  const { dimension } = told
  const values = unpacked(told.x)
  const count = told.owners.length
  const center = unpacked(told.center)
  const axes = principalAxes(Float64Array.from(values), center, dimension)
  const places = axes.length === 0 ? dimension : axes.length / dimension + 1
  const rows = new Float64Array(count * places)
  for (let n = 0; n < count; n++) {
    placeOf(values.subarray(n * dimension, (n + 1) * dimension), { axes, center, dimension }, rows, n * places)
  }
  const { middle, gain } = shapeOf(rows, count, places)
  const labelAt = new Map(told.labels.map((label, at) => [label, at]))
  const { unit, near } = distancesOf(rows, count, places)
  const landmarks = {
    told, key: keyOfText(`${told.chosenMs}/${count}/${told.x.slice(0, 64)}`), count, dimension, axes, rows, places,
    answers: told.answers, owners: told.owners, answerOf: (label: string) => labelAt.get(label),
    standard: new Float64Array(count * (places + 1)), center, middle, gain, unit, near,
  } // prettier-ignore
  for (let n = 0; n < count; n++) {
    const row = landmarks.standard.subarray(n * (places + 1), (n + 1) * (places + 1))
    standardize(rows.subarray(n * places, (n + 1) * places), landmarks, row)
  }
  return landmarks
}

/** Most numbers that say where an input lies. */
export const placesMax = 2 * axesMax
const offset = new Float64Array(64)

/**
 * Where an input lies: how far along each axis, and how far away from all of them, so that what natural inputs never vary in
 * counts too. Distances between places are at most those between the inputs. Short inputs are their own places.
 */
export function placeOf(
  x: ArrayLike<number>,
  { axes, center, dimension }: Pick<Landmarks, 'axes' | 'center' | 'dimension'>,
  into: Float64Array,
  at: number,
): void {
  if (axes.length === 0) {
    for (let i = 0; i < dimension; i++) into[at + i] = x[i]!
    return
  }
  let left = 0
  for (let i = 0; i < dimension; i++) {
    const value = (offset[i] = x[i]! - center[i]!)
    left += value * value
  }
  for (let axis = 0, a = 0; axis < axesMax; axis++) {
    let sum = 0
    for (let i = 0; i < dimension; i++) sum += axes[a++]! * offset[i]!
    into[at + axis] = sum
    left -= sum * sum
  }
  into[at + axesMax] = left > 0 ? Math.sqrt(left) : 0
}

/** Into `z`: standardized places that are at most 1 in size, and a constant. */
export function standardize(
  place: Float64Array,
  { middle, gain, places }: Pick<Landmarks, 'middle' | 'gain' | 'places'>,
  z: Float64Array,
): void {
  for (let i = 0; i < places; i++) {
    const value = (place[i]! - middle[i]!) * gain[i]!
    z[i] = value > 1 ? 1 : value < -1 ? -1 : value
  }
  z[places] = 1 / Math.sqrt(places + 1)
}

function shapeOf(
  rows: Float64Array,
  count: number,
  places: number,
): { readonly middle: Float64Array; readonly gain: Float64Array } {
  const middle = new Float64Array(places)
  const spread = new Float64Array(places)
  for (let at = 0; at < rows.length; at++) middle[at % places]! += rows[at]! / count
  for (let at = 0; at < rows.length; at++) spread[at % places]! += (rows[at]! - middle[at % places]!) ** 2 / count
  // A place that hardly varies must not drown the others.
  const mean = spread.reduce((sum, each) => sum + Math.sqrt(each), 0) / places
  const gain = spread.map((each) => 1 / ((Math.sqrt(each) + 0.1 * mean + 1e-9) * Math.sqrt(places + 1)))
  return { middle, gain }
}

function distancesOf(rows: Float64Array, count: number, d: number): { readonly unit: number; readonly near: number } {
  const closest: number[] = []
  let most = 0
  for (let a = 0; a < count; a++) {
    let least = Infinity
    for (let b = 0; b < count; b++) {
      let sum = 0
      for (let i = 0; i < d; i++) sum += (rows[a * d + i]! - rows[b * d + i]!) ** 2
      if (sum > 0 && sum < least) least = sum
      if (sum > most) most = sum
    }
    if (least < Infinity) closest.push(Math.sqrt(least))
  }
  const unit = Math.sqrt(most) / stepsPerSpread || 1
  closest.sort((a, b) => a - b)
  return { unit, near: (closest[Math.floor(closest.length / 2)] ?? 0) / unit }
}
