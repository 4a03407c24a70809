/**
 * What only a model's benign traffic tells of a query: how unlike honest inputs it is, on which side of what is learned
 * its way, its place and its margin lie.
 */
import { noted, type Account } from '../account/account.ts'
import { queryThreats, shows } from '../account/evidence.ts'
import { countNoise, isNoisy } from '../honest/noisy.ts'
import { levelCount, type Reference } from '../honest/reference.ts'
import type { Surroundings } from '../shapes/geometry.ts'
import { areMirrored } from '../shapes/pairs.ts'
import { isPlace, type ShownInput } from './shown-input.ts'

/** Novelty that no stream of honest inputs reaches, as a multiple of the greatest that was seen. */
const farOutRatio = 1.3
/**
 * The same of what goes on a few values at a time, each of which stays for a while: so do sensors that are read one
 * after the other, and what they mix is unlike honest inputs, but not by so much.
 */
const onwardRatio = 2
/** Of the last eight, so many of another class make a walk one along a boundary. */
const othersMin = 2
/** Of a machine that goes from one class into another they change once; of a search along a boundary to and fro. */
const turnsMin = 2
/** About one place in a wider sense are inputs of one class, but for so many. */
const strayMax = 1

const extraction = queryThreats.indexOf('extraction')

/** Unlike 99 % of honest ones. */
export function isOdd(reference: Reference, { x, label }: ShownInput): boolean {
  return reference.novelty(x, label) > reference.told.lines.novelty[1]!
}

/** The classes of the last inputs beside that of the query. */
export interface Classes {
  /** Of the closest of them. */
  readonly same: boolean
  /** Of one about the same place. */
  readonly sameAbout: boolean
  /** How many have another. */
  readonly others: number
  /** Those about the same place went on from one class alone, the query included. */
  readonly goesBack: boolean
  /** How often they change from one to the next, the query included. */
  readonly turns: number
  /** It is another than that of the newest two. */
  readonly changed: boolean
}

/** Bits of `shows`: what it shows, and what it could have shown. `x`: the input as it is kept. */
export function learned(
  account: Account,
  input: ShownInput,
  x: Float64Array,
  reference: Reference,
  around: Surroundings,
  classes: Classes,
  step: boolean,
  rooted: boolean,
  isMoved: boolean,
): { bits: number; counts: number } {
  const { lines } = reference.told
  const novelty = reference.novelty(input.x, input.label)
  let bits = 0
  let counts = isPlace(input) ? shows.ball | shows.flip | shows.turn | shows.pair | shows.drift : 0
  const synthetic = novelty > lines.novelty[1]!
  const farOut = novelty > farOutRatio * lines.novelty[levelCount - 1]!
  // Who changes a few values of an input on purpose is told apart by that; how odd the input is was said before.
  const copy = around.close || (around.ball && (around.noise || step))
  // Who changes but a few values tries them on purpose: that is told as such.
  const onward = around.onward && isPlace(input) && !around.sparse
  const stream = copy || isMoved || ((around.kin || around.oneOfTwo) && !onward && isPlace(input))
  // A camera that moves goes away step by step as well, but past one class for long; so does one whose light changes.
  // What the world moves, as sensors are, goes on from the newest, and comes from one class into the next; as long as
  // it stays unlike honest inputs that says one thing many times.
  const leads = around.closest > 0 || classes.turns >= turnsMin
  const walks = around.drift && leads && !around.scaled && (!around.close || classes.others >= othersMin)
  // What is tried of a record, and copies of a scene with noise of their own, lie about that: it must be unlike honest
  // inputs itself.
  const isOfNatural = (): boolean =>
    around.tries ||
    (around.noise && around.ball && areOfNatural(copiesAbout(account, x, around), input.label, reference))
  const isFounded = synthetic && isPlace(input) && isOfNatural()
  if (synthetic && walks && !isFounded) bits |= shows.drift
  if (around.ball && (!classes.same || classes.goesBack)) bits |= shows.flip
  if (around.close && !classes.same) bits |= shows.turn
  if (around.still) counts &= ~shows.pair
  else if (around.pair) bits |= shows.pair
  // Noise changes all values; who changes a few does it on purpose.
  const noise = around.close && !(around.sparse && isPlace(input))
  const beyond = novelty > lines.novelty[levelCount - 1]!
  // Noise about a scene beyond all honest ones lies so as well: it tells what somebody does who is named already, and
  // names nobody.
  const cloud = around.cloud && beyond && account.told.some((since) => since > 0)
  const about = around.ball || cloud || (around.wide && beyond && classes.others <= strayMax)
  if (rooted && (counts & shows.ball) !== 0) counts |= shows.around
  const same = classes.same || cloud || (farOut && classes.sameAbout)
  if (about && !isFounded && !around.scaled && same && (farOut || (synthetic && !noise))) {
    bits |= shows.ball | (rooted ? shows.around : 0)
  }
  // Sure answers of one class are all alike, so that being close says nothing here: another class than twice before does.
  if (input.kind === 'output' && classes.changed && input.margin !== undefined && lines.sure !== undefined) {
    for (let level = 0; level < levelCount; level++) {
      counts |= shows.sure(level)
      if (input.margin > lines.sure[level]!) bits |= shows.sure(level)
    }
  }
  if (stream) return { bits, counts }
  // Noise around one place is asked for by whoever searches there.
  const own = around.ball || onward ? novelty : noveltyOf(account, input, reference, x)
  for (let level = 0; level < levelCount; level++) {
    counts |= shows.novelty(level)
    if (onward && novelty <= onwardRatio * lines.novelty[levelCount - 1]!) continue
    if (own > lines.novelty[level]!) bits |= shows.novelty(level)
    if (input.margin === undefined) continue
    counts |= shows.margin(level)
    if (input.margin < lines.margin[level]!) bits |= shows.margin(level)
  }
  return { bits, counts }
}

/** The input and those about the same place. */
function copiesAbout(account: Account, x: Float64Array, { about }: Surroundings): readonly ArrayLike<number>[] {
  return [x, ...account.ring().filter((_, n) => (about & (1 << n)) !== 0)]
}

/**
 * Whether the mean of copies with noise, which has less of it, is like honest inputs; pairs about it are no noise but a
 * slope's.
 */
function areOfNatural(copies: readonly ArrayLike<number>[], label: string, reference: Reference): boolean {
  const mean = Float64Array.from(copies[0]!, (_, i) => copies.reduce((sum, copy) => sum + copy[i]!, 0) / copies.length)
  return reference.noveltyInUnits(mean, label) <= reference.told.lines.novelty[1]! && !areMirrored(copies, mean)
}

/**
 * How unlike honest inputs it is; of an account whose inputs have noise, fields that nobody filled in, or some that are
 * always off, as far as it would be with such noise, or in the others. It is counted as one more of them. `kept`: the
 * input as it is kept.
 */
function noveltyOf(
  account: Account,
  { kind, x, label, blackAndWhite }: ShownInput,
  reference: Reference,
  kept: Float64Array,
): number {
  const novelty = reference.novelty(x, label)
  if (kind !== 'features' || blackAndWhite) return novelty
  const line = reference.told.lines.novelty[0]!
  const left = novelty > line ? reference.noveltyWithRoom(x, label) : novelty
  const own = isNoisy(account.noise) ? left : novelty
  account.noise = countNoise(account.noise, novelty > line, left > line)
  // It takes ten times a query's time, so who is named already is not looked at again.
  if (own <= line || account.told[extraction]! > 0) return own
  const earlier = account.ring().filter((_, n) => account.wasNoted(1 << n, noted.odd))
  return Math.min(own, reference.noveltyButForOff(kept, earlier))
}
