/**
 * Whether a query explains the answer to a table's record: some of the record's columns have their own values, and all
 * others those of one vector that stays the same and is about the mean of honest inputs, by masks that nothing is
 * learned from (Lundberg and Lee 2017, KernelSHAP against the mean; Ribeiro et al. 2016, LIME with columns put to what
 * is usual).
 *
 * What is put in the place of a record's values is learned from the first mask, which counts, and holds for the records
 * after it. A search for the boundary goes on to inputs that are neither, and so does an inversion. One that asks
 * nothing but these two goes on from the masks that were answered well: masks that are drawn by themselves differ in
 * many columns. A copy may be learned of masks as of other mixtures: against that they count as they are. Pure.
 */
import type { GroupEntries } from '../../types.ts'
import { noted, type Account } from '../account/account.ts'
import { dimensionMax } from '../../input/input.ts'
import type { Reference } from '../honest/reference.ts'

/**
 * How far the vector lies from the mean of honest inputs at most, in deviations within their classes: in the mean over
 * columns (root of squares), and in one.
 */
const aboutMost = 0.6
const columnMost = 2
/**
 * How far record and vector are apart, in deviations, in a column that nine in ten are wider than, and in one that one
 * in ten is: steps there and back, by which slopes are estimated around the mean, are about the same.
 */
const unevenLeast = 3
/** Fewest columns of a table, and of a mask's those that are put elsewhere and those that are not. */
const columnsMin = 6
const putMin = 1
const ownMin = 1
/**
 * A mask goes on from another that it is but for these shares: of all columns (or two of them), and of those that it
 * puts, or doesn't.
 */
const onwardShare = 0.15
const onwardMin = 2
const sideShare = 1 / 3

/** JSON. Numbers as accounts keep them, in the table's units. */
interface Explained {
  readonly record: readonly number[]
  /** What is put in place of its values; null: not known yet. */
  readonly usual: readonly (number | null)[]
  /** Masks that had it, less those that seem to have another: as long as there are any it stays. */
  readonly times: number
}

const timesMax = 8
const name = 'explained'

/** `x`: as the account keeps it, which has yet to remember it. */
export function explains(entries: GroupEntries, account: Account, x: Float64Array, reference: Reference): boolean {
  if (x.length < columnsMin || x.length >= dimensionMax) return false
  const kept = entries.get<Explained>(name)
  const ring = account.ring()
  const known = kept === undefined ? undefined : maskedFrom(x, kept.record, kept.usual, reference)
  if (known !== undefined) {
    entries.set(name, { ...kept!, usual: known, times: Math.min(timesMax, kept!.times + 1) })
    return !goesOn(x, kept!.record, ring)
  }
  let begun: Explained | undefined
  for (const [n, record] of ring.entries()) {
    if (account.wasNoted(1 << n, noted.step)) continue
    const again = kept && maskedFrom(x, record, kept.usual, reference)
    if (again !== undefined) {
      entries.set(name, { record: [...record], usual: again, times: Math.min(timesMax, kept!.times + 1) })
      return !goesOn(x, record, ring)
    }
    const usual = maskedFrom(x, record, nothing(x.length), reference)
    if (usual !== undefined) begun ??= { record: [...record], usual, times: 0 }
  }
  // The first mask of all tells what is put there; whether it stays the next ones do.
  if (begun !== undefined)
    entries.set(name, kept === undefined || kept.times === 0 ? begun : { ...kept, times: kept.times - 1 })
  return false
}

function nothing(length: number): null[] {
  return Array.from({ length }, () => null)
}

/** What is known of the vector then; undefined: it is no mask of the record. */
function maskedFrom(
  x: Float64Array,
  record: ArrayLike<number>,
  usual: Explained['usual'],
  reference: Reference,
): Explained['usual'] | undefined {
  if (record.length !== x.length) return undefined
  let [own, put, isNew] = [0, 0, false]
  for (let i = 0; i < x.length; i++) {
    if (x[i] === record[i]) own++
    else if (usual[i] === null || usual[i] === x[i]) {
      put++
      if (usual[i] === null) isNew = true
    } else return undefined
  }
  if (own < ownMin || put < putMin) return undefined
  if (!isNew) return usual
  const now = usual.map((value, i) => (value === null && x[i] !== record[i] ? x[i]! : value))
  return isAboutMean(now, reference) && isUneven(record, now, reference) ? now : undefined
}

/** Whether the mask is one of the last but for a few columns. */
function goesOn(x: Float64Array, record: ArrayLike<number>, ring: readonly ArrayLike<number>[]): boolean {
  const own = differing(x, (i) => record[i]!)
  const few = Math.min(
    Math.max(onwardMin, Math.floor(onwardShare * x.length)),
    Math.floor(sideShare * Math.min(own, x.length - own)),
  )
  return few > 0 && ring.some((earlier) => differing(x, (i) => earlier[i]!) <= few)
}

function differing(x: Float64Array, other: (i: number) => number): number {
  let count = 0
  for (let i = 0; i < x.length; i++) if (x[i] !== other(i)) count++
  return count
}

function isAboutMean(usual: Explained['usual'], reference: Reference): boolean {
  const { mean, deviation } = reference.center()
  let [sum, count] = [0, 0]
  for (const [i, value] of usual.entries()) {
    if (value === null) continue
    const away = Math.abs(value - mean[i]!) / deviation[i]!
    if (!(away <= columnMost)) return false
    sum += away * away
    count++
  }
  return Math.sqrt(sum / count) <= aboutMost
}

function isUneven(record: ArrayLike<number>, usual: Explained['usual'], reference: Reference): boolean {
  const { deviation } = reference.center()
  const apart = usual
    .flatMap((value, i) =>
      value === null || value === record[i] ? [] : [Math.abs(value - record[i]!) / deviation[i]!],
    )
    .sort((a, b) => a - b)
  // Of fewer nobody can tell.
  if (apart.length < columnsMin) return true
  return apart[Math.floor(0.9 * apart.length)]! >= unevenLeast * apart[Math.floor(0.1 * apart.length)]!
}
