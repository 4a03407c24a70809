/**
 * What one query shows against its account: by how it lies to the last ones, and by what the model's benign traffic tells.
 */
import { noted, type Account } from '../account/account.ts'
import { centerOf } from '../honest/centers.ts'
import { leastShare, type EvenChanges } from '../shapes/even.ts'
import { shows } from '../account/evidence.ts'
import { surroundingsOf, type Surroundings } from '../shapes/geometry.ts'
import { isSummedUp } from '../account/kept.ts'
import { goesOnFromOne } from '../shapes/goes-on.ts'
import { keyOfText, type InputKind } from '../../input/input.ts'
import type { OddPair } from '../account/odd-ones.ts'
import type { Reference } from '../honest/reference.ts'
import { isBetweenShades, isFewShades } from '../../input/shades.ts'
import type { SingleChange, Slope } from '../shapes/slopes.ts'
import { alikeUnknown, evennessOf, gridParts, isStep, type Earlier, type Evenness } from '../shapes/steps.ts'
import { inUnits } from '../../input/units.ts'
import type { Way } from '../shapes/ways.ts'
import type { Moved } from './moved-from.ts'
import { isPlace, type ShownInput } from './shown-input.ts'
import { isOdd, learned } from './unlike-honest.ts'

/** How much further apart than in the inputs themselves two that are close may seem. */
const coarseness: Readonly<Record<InputKind, number>> = { features: 1, embedding: 1, hash: 3, output: 1 }

/** Steps that lead less far, as a share of the usual distance between two queries, are the flicker of what stands still. */
const stepShare = 0.05
/**
 * Values that are changed by the same, each alone: who tries two on a grid has no third, and who tries one after
 * another at three places or more no fourth among the last eight.
 */
const evenMin = 3
export const probedMin = 4
/** From shade to shade something flickers now here, now there; hardly ever one alone at a time, and always elsewhere. */
const aloneMin = 7
/**
 * Of what flickers seldom one value alone is new, between the same again and again: more of the last queries than this
 * repeat earlier ones.
 */
const repeatedMost = 0.335

/** Training records, and what is made of such. */
const records = noted.member | noted.copy

/** What is unlike honest inputs, or made of earlier ones. */
const derived = noted.odd | noted.made | noted.copy | noted.step

/** What speaks of a search or an inversion, and not of who explains an answer. */
const searches = shows.sparse | shows.flip | shows.turn | shows.pair | shows.ball | shows.around | shows.drift

/** The last inputs, to the n-th newest, by a bit each. */
function upTo(n: number): number {
  return (2 << n) - 1
}

export interface Shown {
  /** Bits of `shows`: what it shows, and what it could have shown. */
  readonly bits: number
  readonly counts: number
  /** Bits of `noted`: what is to be remembered of it. */
  readonly notes: number
  /** It is on a way between two of the last inputs, which are natural, and the older of which is made of none. */
  readonly way?: Way | undefined
  /** It is an earlier input with one value changed, that of others is put back. */
  readonly change?: SingleChange | undefined
  /** It is unlike most honest ones, and this is the closest of those that were before. */
  readonly odd?: OddPair | undefined
  /** It explains an earlier one by what is masked: what it changes of that is always the same. */
  readonly isMask?: boolean
  /** So many values of that were halved (halving.ts). */
  readonly halved?: number
}

/**
 * What lies how far from what is told in the units of the model's table. `again`: it is a training record that was
 * asked before; `explains`: whether it, as it is kept, explains an earlier answer. The account has yet to remember the
 * query.
 */
export function shownBy(
  account: Account,
  { input: asked, member }: { readonly input: ShownInput; readonly member: boolean },
  reference: Reference | undefined,
  again: boolean,
  explains: (x: Float64Array) => boolean = () => false,
  moved?: Moved,
): Shown {
  const units = reference?.told.units
  const input = units === undefined ? asked : { ...asked, x: inUnits(asked.x, units), values: undefined }
  const x = account.rounded(input.x, input.values)
  const label = keyOfText(input.label)
  const ring = account.ring()
  const synthetic = reference !== undefined && isOdd(reference, asked)
  const scale = (reference?.told.scale ?? 0) * coarseness[input.kind]
  const isFresh = (n: number): boolean => !account.wasNoted(1 << n, derived)
  const around = surroundingsOf(x, ring, scale, synthetic, isFresh)
  const rooted = account.isRooted
  let notes = !synthetic || rooted ? noted.rooted : 0
  let counts = 0
  let bits = 0
  if (isPlace(input)) {
    counts |= shows.line | (reference === undefined ? 0 : shows.farLine)
    if (around.line) bits |= shows.line | (around.close ? 0 : shows.farLine)
  }
  const center = isPlace(input) ? centerOf(ring, around.squares, reference?.told.reach) : -1
  const since = center < 0 ? 0 : upTo(center)
  const isMoved = moved?.isMoved === true
  const copied = isCopy(account, input, around, center)
  const copy = copied || moved?.isOfRecord === true
  const made = copy || center >= 0 || isMoved || isMade(input, around)
  if (copy) notes |= noted.copy
  if (made) notes |= noted.made
  if (synthetic) notes |= noted.odd
  const way = reference !== undefined && isPlace(input) ? wayOf(account, around, ring) : undefined
  // The first that is made of an input tells whether that is a record; more of it tells nothing new.
  // What looks natural and lies about a record may be made of it or not: that it is none of a record is not known.
  // A record that lies about another one is made of none.
  const known = !(copy && member) && (copy || isMoved || !account.wasNoted(around.about, records))
  const place = around.ends === undefined ? around.about | since : upTo(Math.max(...around.ends))
  const inRing = copied || center >= 0 || around.close || (isPlace(input) && (around.ends !== undefined || around.kin))
  const origin = (around.ends === undefined ? since : place) | (around.close ? 1 << around.closest : 0)
  const told = copy ? noted.copy : noted.made
  const isTold = (inRing && account.wasNoted(place, told)) || moved?.isTold(origin, inRing, account) === true
  const first = (inRing || isMoved) && known && !isTold
  if (first) {
    moved?.tell(origin, account)
    counts |= shows.copied
    if (copy || member) bits |= shows.copied
  }
  // What is made of others, and passes for a record after that was told of them, does so by the chance of a filter; of
  // one that is asked again it was told before whether copies are made.
  if (member && !again && (first || !(inRing || isMoved))) notes |= noted.member
  const led = isLed(account, input, around)
  if (led) notes |= noted.led
  if (member && !again) bits |= shows.member
  // A record and its copies are one, as another natural input and its copies are: what is won once may be lost once.
  // Wide noise looks natural in a table, and then lies closest to what it was made of; of inputs that have nothing to
  // do with one another one in eight does, for each record.
  const other = !(synthetic || made || (around.closest >= 0 && account.wasMember(around.closest)))
  if (!again && !copy && (member || other)) counts |= shows.member
  let step = false
  let odd: OddPair | undefined
  let change: SingleChange | undefined
  if (isPlace(input)) {
    if (reference !== undefined) {
      const repeats = account.repeated > repeatedMost
      counts |= shows.even | (repeats ? 0 : shows.probe)
      const slope = account.changed(input.x, around.variant, leastShare * scale)
      change = slope.change
      const probed = areEven(around.even, probedMin) || areSlopes(input.x, slope)
      if (probed && around.close && !repeats) bits |= shows.probe
      if (synthetic && areEven(around.even, evenMin)) bits |= shows.even
      if (reference.told.alike !== undefined) {
        const isReduced = input.values !== undefined && isSummedUp(input.values.length, x.length)
        const alike = isReduced ? Math.max(alikeUnknown, reference.told.alike) : reference.told.alike
        const from = stepFrom(account, input, alike, reference.told.scale)
        step = from !== undefined
        if (step) notes |= noted.step
        // Around one place, or from what was just asked, a copy learns little: that is a search.
        counts |= shows.stepAbout | (around.close ? 0 : shows.step)
        const isAbout = around.ball || from?.isNewest === true
        if (step) bits |= isAbout ? shows.stepAbout : shows.step
        // A stream says one thing many times.
        if (!around.close && !isAbout && reference.novelty(asked.x, asked.label) > reference.told.lines.novelty[0]!) {
          counts |= shows.oddStep
          odd = account.takeOdd(account.lookedAt())
          const even = odd && evennessOf(odd.x, odd.earlier)
          if (even !== undefined && isStepOf(input, even, alike, reference.told.scale)) bits |= shows.oddStep
        }
      }
    }
    // What would be if one value were another asks everybody, and what its pieces do who explains an answer: that is on
    // no way to anywhere.
    if (around.tried || around.masked)
      return { bits, counts, notes, way, change, odd, ...(around.masked && { isMask: true }) }
    // What is tried of a record, one scenario after another, goes on to the next record before long.
    if (reference !== undefined && (around.variant || !around.tries)) {
      counts |= shows.added
      if (isLarge(input, around.added, reference.told.scale)) bits |= shows.added
    }
    if (!around.still && !around.tries) {
      counts |= shows.sparse
      if (around.sparse) bits |= shows.sparse
    }
  }
  if (reference !== undefined) {
    const classes = {
      same: around.closest >= 0 && account.labelOf(around.closest) === label,
      sameAbout: false,
      others: 0,
      goesBack: false,
      turns: 0,
      changed: ring.length > 1 && account.labelOf(0) !== label && account.labelOf(1) !== label,
    }
    for (let n = 0; n < ring.length; n++) {
      if (account.labelOf(n) !== (n === 0 ? label : account.labelOf(n - 1))) classes.turns++
      if (account.labelOf(n) !== label) classes.others++
      else if ((around.about & (1 << n)) !== 0) classes.sameAbout = true
    }
    if (around.ball && classes.others > 0) {
      const about = ring.map((_, n) => n).filter((n) => (around.about & (1 << n)) !== 0)
      classes.goesBack = goesOnFromOne(
        [x, ...about.map((n) => ring[n]!)],
        [label, ...about.map((n) => account.labelOf(n))],
      )
    }
    const shown = learned(account, asked, x, reference, around, classes, step, rooted, isMoved)
    // Of copies of a scene between two classes the noise alone decides which each has.
    const drawn = around.noise && !led ? shows.flip | shows.turn : 0
    const told = { bits: bits | (shown.bits & ~drawn), counts: counts | shown.counts, notes, way, change, odd }
    if (input.kind !== 'features' || !explains(x)) return told
    return { ...told, bits: told.bits & ~searches, counts: told.counts & ~searches, isMask: true }
  }
  return { bits, counts, notes }
}

/**
 * Close to a training record that was just asked, or to a copy of one; about such a one with all that was asked since,
 * as copies with wide noise are; or on a line with one, as the way from it to the boundary is.
 */
function isCopy(account: Account, input: ShownInput, around: Surroundings, center: number): boolean {
  if (around.close && account.wasNoted(1 << around.closest, records)) return true
  if (center >= 0 && account.wasNoted(1 << center, records)) return true
  return isPlace(input) && around.ends !== undefined && account.wasNoted(placesOf(around.ends), records)
}

/**
 * On a line, changed in few values, of a pair or a step, or about where one such was: noise around what is none of it
 * leads nowhere.
 */
function isLed(account: Account, input: ShownInput, around: Surroundings): boolean {
  if (!isPlace(input)) return false
  return around.line || around.sparse || around.pair || account.wasNoted(around.about, noted.led)
}

/** As bits, as the account is asked for them. */
function placesOf(ends: readonly [number, number]): number {
  return (1 << ends[0]) | (1 << ends[1])
}

/**
 * The way that was begun by the query, between two natural inputs. Where its ends were asked long before, two of those
 * on it are known, the newer of which may be taken for made of the older.
 */
function wayOf(account: Account, { ends }: Surroundings, ring: readonly ArrayLike<number>[]): Way | undefined {
  if (ends === undefined || account.wasNoted(placesOf(ends), noted.odd)) return undefined
  if (account.wasNoted(1 << ends[0], noted.made)) return undefined
  return [Float64Array.from(ring[ends[0]]!), Float64Array.from(ring[ends[1]]!)]
}

/** Of earlier ones, as far as can be seen: what it is no record of says nothing of what the account has. */
function isMade(input: ShownInput, around: Surroundings): boolean {
  return around.close || around.ball || (isPlace(input) && (around.ends !== undefined || around.kin))
}

/** So many values were changed by the same, and not to the next shade. */
export function areEven({ alone, isOffGrid }: EvenChanges, most: number): boolean {
  return alone >= (isOffGrid ? most : aloneMin)
}

/** The same of one base that is kept in full: what is changed by less than shades are apart does not flicker. */
function areSlopes(x: Float64Array, slope: Slope): boolean {
  if (slope.alone < probedMin || areEven(slope, probedMin)) return slope.alone >= probedMin
  return slope.change !== undefined && isBetweenShades(x, slope.change.value, slope.change.base)
}

/** The earlier input that it is a step from, and that is kept longer then. */
function stepFrom(account: Account, input: ShownInput, alike: number, scale: number): Earlier | undefined {
  const x = account.lookedAt()
  const earlier = account.closest()
  const even = earlier === undefined ? undefined : evennessOf(x, earlier.values)
  if (even === undefined || !isStepOf(input, even, alike, scale)) return undefined
  account.renew(earlier!)
  return earlier
}

/** No flicker of what stands still, and from no shade to the next. */
function isStepOf(input: ShownInput, even: Evenness, alike: number, scale: number): boolean {
  if (!isStep(even, alike)) return false
  if (even.size * Math.sqrt(input.values?.length ?? input.x.length) < stepShare * scale) return false
  return !isFewShades(input.values ?? input.x, even.size, gridParts)
}

/** No flicker of what stands still. */
export function isLarge(input: ShownInput, size: number, scale: number): boolean {
  return size > 0 && size >= stepShare * scale && !isFewShades(input.values ?? input.x, size, gridParts)
}
