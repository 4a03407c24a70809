/**
 * Whether one value after another of an input is halved down to where the answer changes: so the paths of a tree are
 * found (Tramèr et al. 2016), and the weights of a linear model from where its boundary was met (Lowd and Meek 2005).
 *
 * Of the value that is changed alone it is kept where it was asked, its place in the base (slopes.ts) included. A query
 * is halfway where it lies in the middle between the two next to it, and the newest of all is one of these and lay so
 * itself: who asks for advice tries places on a grid or by eye, from one end to the other or across. Of an input that
 * is like honest ones that says nothing by itself: to find what would change an answer is advice as well, unless these are the paths of a tree (paths.ts). Pure.
 */
import type { GroupEntries } from '../../types.ts'
import { shows } from '../account/evidence.ts'
import type { QueryInput } from '../../input/input.ts'
import { levelCount, type Reference } from '../honest/reference.ts'
import { answerKept, arePaths, withGap, type Answer, type Gap } from './paths.ts'
import type { Shown } from './shown.ts'

/** How far from the middle, as a share of what lies between the two. */
const near = 0.02
/** Places that are kept of the value that is changed. */
const placesMax = 24
/** Novelty of an input that no stream of honest ones reaches, as a multiple of the greatest that was seen. */
const farOutRatio = 1.3

interface Place {
  readonly at: number
  readonly isHalfway: boolean
  /** Not known of the base, nor told by older versions. */
  readonly answer?: Answer | undefined
}

/** What is kept while single values of one input are changed. JSON. */
interface Halved {
  readonly value: number
  readonly base: number
  readonly places: readonly Place[]
  /** Another value was changed before: until then nobody knows what it was in the base. */
  readonly isBase: boolean
  /** Values that were halved. */
  readonly values: readonly number[]
  /** Between which answers the last of these were; not told by older versions. */
  readonly gaps?: readonly Gap[]
}

const name = 'halved'

/** What a query shows, with what is known of how its one value was changed before. */
export function withHalving(
  entries: GroupEntries,
  input: QueryInput,
  reference: Reference | undefined,
  shown: Shown,
): Shown {
  const { change } = shown
  const kept = entries.get<Halved>(name)
  if (change === undefined || reference === undefined) {
    if (kept !== undefined) entries.delete(name)
    return shown
  }
  const at = input.x[change.value]!
  const units = reference.told.units
  const base = units === undefined ? change.base : change.base * units.by[change.value]! + units.from[change.value]!
  const isSame = kept?.value === change.value && kept.base === base
  const places = isSame ? kept.places : [{ at: base, isHalfway: false }]
  const [below, above] = between(places, at)
  const mayBe = below !== undefined && above !== undefined
  const isHalfway = mayBe && Math.abs(2 * at - below.at - above.at) <= 2 * near * (above.at - below.at)
  const again = mayBe && (below.isHalfway || above.isHalfway)
  // On a grid in any order many come to lie so, but hardly ever beside the one before.
  const newest = places.at(-1)
  const isNext = again && newest!.isHalfway && (newest === below || newest === above)
  const isBase = kept !== undefined && (kept.isBase || kept.value !== change.value)
  const { values = [], gaps = [] } = kept ?? {}
  const isNew = isHalfway && again && !values.includes(change.value)
  const now = isNew ? [...values, change.value] : values
  const answer = answerKept(input.probabilities)
  entries.set(name, {
    value: change.value,
    base,
    places: [...places, { at, isHalfway, answer }].slice(-placesMax),
    isBase,
    values: now,
    gaps: isHalfway ? withGap(gaps, change.value, answer, below.answer, above.answer) : gaps,
  })
  const halved = { ...shown, halved: now.length }
  if (!again || !isBase || !(arePaths(gaps) || isFarOut(reference, input, change.value, base))) return halved
  return { ...halved, counts: shown.counts | shows.halved, bits: shown.bits | (isHalfway && isNext ? shows.halved : 0) }
}

/** The places next to it. */
function between(places: readonly Place[], at: number): readonly [below: Place | undefined, above: Place | undefined] {
  let [below, above]: [Place | undefined, Place | undefined] = [undefined, undefined]
  for (const place of places) {
    if (place.at < at && !(below !== undefined && below.at >= place.at)) below = place
    if (place.at > at && !(above !== undefined && above.at <= place.at)) above = place
  }
  return [below, above]
}

/** Whether what the values are changed of is far from honest inputs of any class. */
function isFarOut({ told, novelty }: Reference, { x }: QueryInput, value: number, base: number): boolean {
  const from = Float64Array.from(x)
  from[value] = base
  return told.labels.every((label) => novelty(from, label) > farOutRatio * told.lines.novelty[levelCount - 1]!)
}
