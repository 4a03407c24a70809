/**
 * What records with a label that their neighbors do not expect have in common: what a backdoor's trigger looks like from outside.
 *
 * A backdoor (Gu et al. 2017) is a pattern on records that are given one label whatever they show. So the newest record with
 * an unexpected label is asked which of its values the source's records of that label share, and its records of other
 * labels do not: one value, or several together, among records whose neighbors hardly name that label. A value is the number
 * itself, or its eighth of the position's range. The values were chosen by the newest record, which is left out of the count;
 * the tail of the binomial distribution is multiplied by the number of patterns that it has, and by m(m + 1) for the m-th such
 * record, whose inverses add up to one. So an honest source, whose records carry a label that few neighbors name no more
 * often than others' do (expect.ts), is ever named with a probability of at most e^-line.
 */
import { logBinomialTail } from '../statistics/evidence.ts'
import type { Exemplar } from './exemplars.ts'
import { isUnexpected, namedBy } from './expect.ts'

const eighths = 8
const valuesMax = 4
/** Others of the label that have the pattern. */
const sharersMin = 3
/** The share of strangers' records that may have a trigger's pattern too. */
const rareShare = 0.05
/** How far what strangers show moves what is usual, in records, and the room that is left above them. */
const priorRecords = 2
const strangersRatio = 2

export interface Range {
  low: number[]
  high: number[]
  records: number
}

export interface Trigger {
  readonly positions: readonly number[]
  /** Records of the source with the pattern whose neighbors hardly name the label, and those of them that carry it. */
  readonly records: number
  readonly hits: number
  /** Of the pattern being chance, all patterns and all earlier looks taken into account. */
  readonly logP: number
}

export function emptyRange(): Range {
  return { low: [], high: [], records: 0 }
}

/** The range of a position is that of the first records. */
export function widen(range: Range, vector: readonly number[], records: number): void {
  if (range.records >= records) return
  range.records++
  for (const [position, value] of vector.entries()) {
    range.low[position] = Math.min(range.low[position] ?? value, value)
    range.high[position] = Math.max(range.high[position] ?? value, value)
  }
}

interface Value {
  readonly position: number
  readonly has: (vector: readonly number[]) => boolean
}

/** An exemplar whose neighbors hardly name the label in question. */
interface Unexpecting {
  readonly v: readonly number[]
  readonly hit: boolean
  /** How often an honest record with such neighbors has the label all the same. */
  readonly rate: number
}

/**
 * The pattern that is the least likely to come of chance; undefined: none is unlikely enough. `look`: how many records of the
 * source have had an unexpected label so far, this one included. `rateOf`: of neighbors that name a label so often.
 */
export function findTrigger(
  newest: Exemplar,
  exemplars: Iterable<Exemplar>,
  range: Range,
  rateOf: (named: number) => number,
  look: number,
  line: number,
): Trigger | undefined {
  let own: Unexpecting[] = []
  const strangers: Unexpecting[] = []
  for (const { v, l, s, n } of exemplars) {
    if (n === undefined || v.length !== newest.v.length) continue
    const named = namedBy(n, newest.l)
    if (!isUnexpected(named)) continue
    ;(s === newest.s ? own : strangers).push({ v, hit: l === newest.l, rate: rateOf(named) })
  }
  if (own.filter(({ hit }) => hit).length < sharersMin) return undefined
  const values = valuesOf(newest.v, range)
  const chosen: Value[] = []
  let best: Trigger | undefined
  let spent = Math.log(look * (look + 1))
  while (chosen.length < valuesMax) {
    const next = nextValue(values, chosen, own)
    if (next === undefined) break
    chosen.push(next)
    spent += Math.log(values.length) - Math.log(chosen.length)
    own = own.filter(({ v }) => next.has(v))
    const hits = own.filter(({ hit }) => hit).length
    const like = strangers.filter(({ v }) => chosen.every((value) => value.has(v)))
    // What many strangers have in common is a kind of record; that those are mislabeled is another finding.
    if (like.length > rareShare * strangers.length) continue
    const logP = logBinomialTail(hits, own.length, usualOf(own, like)) + spent
    if (logP <= -line && logP < (best?.logP ?? 0)) {
      best = { positions: chosen.map(({ position }) => position), records: own.length + 1, hits: hits + 1, logP }
    }
    if (hits === own.length) break
  }
  return best
}

function valuesOf(vector: readonly number[], { low, high }: Range): Value[] {
  return vector.flatMap((value, position) => {
    const width = ((high[position] ?? 0) - (low[position] ?? 0)) / eighths
    const eighthOf = (of: number): number => (width > 0 ? Math.floor((of - low[position]!) / width) : 0)
    const eighth = eighthOf(value)
    return [
      { position, has: (v: readonly number[]) => v[position] === value },
      { position, has: (v: readonly number[]) => eighthOf(v[position]!) === eighth },
    ]
  })
}

/** The value that, added to those chosen, is the least likely to be shared by chance. */
function nextValue(values: readonly Value[], chosen: readonly Value[], own: readonly Unexpecting[]): Value | undefined {
  let least: { value: Value; logP: number } | undefined
  for (const value of values) {
    if (chosen.some(({ position }) => position === value.position)) continue
    let [hits, records, rates] = [0, 0, 0]
    for (const { v, hit, rate } of own) {
      if (!value.has(v)) continue
      records++
      rates += rate
      if (hit) hits++
    }
    if (hits < sharersMin || hits <= 2 * rates) continue
    const logP = logBinomialTail(hits, records, rates / records)
    if (logP < (least?.logP ?? 0)) least = { value, logP }
  }
  return least?.value
}

/**
 * The mean rate of records with the pattern: that of a binomial distribution with tails at least as heavy as those of their sum
 * (Hoeffding 1956). Where strangers' records with the pattern have the label unexpectedly too, it is an ambiguous place.
 */
function usualOf(own: readonly Unexpecting[], like: readonly Unexpecting[]): number {
  let [shown, expected] = [priorRecords, priorRecords]
  for (const { hit, rate } of like) {
    expected += rate
    if (hit) shown++
  }
  const mean = own.reduce((sum, { rate }) => sum + rate, 0) / own.length
  return Math.min(0.9, mean * Math.max(1, (strangersRatio * shown) / expected - 1))
}
