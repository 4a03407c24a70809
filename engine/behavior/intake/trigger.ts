/**
 * What records with a label that their neighbors do not expect have in common: what a backdoor's trigger looks like from outside.
 *
 * A backdoor (Gu et al. 2017) is a pattern on records that are given one label whatever they show. So the newest record with
 * an unexpected label is asked which of its values the source's records of that label share, and its records of other
 * labels do not: numbers that hardly anybody else has, or one value or several together, among records whose neighbors hardly
 * name that label. A value is the number itself, or its eighth of the position's range. Neighbors are asked again without the
 * pattern, so that it is what else a record shows that speaks against its label.
 *
 * The pattern was chosen by the newest record, which is left out of the count; the tail of the binomial distribution is
 * multiplied by the number of patterns that it has, and by m(m + 1) for the m-th such record, whose inverses add up to
 * one. So an honest source, whose records carry a label that few neighbors name no more often than others' do
 * (expect.ts), nor than its own without the pattern, is ever named with a probability of at most e^-line.
 */
import { logBinomialTail } from '../statistics/evidence.ts'
import type { Exemplar, Named } from './exemplars.ts'
import { isUnexpected, namedBy } from './expect.ts'

const eighths = 8
const valuesMax = 4
/** Others of the label that have the pattern. */
const sharersMin = 3
/** Of records with the pattern, the share that may carry another label. */
const missesMax = 0.1
/** Patterns of rare numbers that are weighed, and records with one that neighbors are asked about. */
const patternsMax = 8
const holdersMax = 64
/** Rare numbers, and any values. */
const searches = 2
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

/** What a pattern is looked for in. */
export interface Looked {
  readonly newest: Exemplar
  /** Earlier records of its source, and those of others; all have as many values. */
  readonly own: readonly Exemplar[]
  readonly strangers: readonly Exemplar[]
  readonly range: Range
  /** Of neighbors that name a label so often, how often it is right all the same. */
  readonly rateOf: (named: number) => number
  /** Records of the source that have had an unexpected label so far, this one included. */
  readonly look: number
  /** What neighbors name when some positions are left out; undefined: too few. */
  readonly nameWithout: (vector: readonly number[], positions: readonly number[]) => Named | undefined
}

/** The pattern that is the least likely to come of chance; undefined: none is unlikely enough. */
export function findTrigger(looked: Looked, line: number): Trigger | undefined {
  const spent = Math.log(looked.look * (looked.look + 1)) + Math.log(searches)
  return rarePattern(looked, spent, line) ?? patternOf(looked, spent, line)
}

/**
 * Numbers that hardly any stranger's record has: told by the records alone, not by their labels. Positions whose
 * numbers come in the same records are one pattern.
 */
function rarePattern(looked: Looked, spent: number, line: number): Trigger | undefined {
  const { newest, own, strangers } = looked
  const patterns = new Map<string, number[]>()
  for (const [position, value] of newest.v.entries()) {
    const holders = [...own.keys()].filter((at) => own[at]!.v[position] === value)
    if (holders.length < sharersMin || !isRare(strangers, position, value)) continue
    patterns.set(holders.join(), [...(patterns.get(holders.join()) ?? []), position])
  }
  const kept = [...patterns.values()].sort((a, b) => b.length - a.length).slice(0, patternsMax)
  const [best] = kept
    .flatMap((positions) => {
      const has = (v: readonly number[]): boolean => positions.every((position) => v[position] === newest.v[position])
      return weigh(looked, has, positions, spent + Math.log(kept.length)) ?? []
    })
    .sort((a, b) => a.logP - b.logP)
  return best !== undefined && best.logP <= -line ? best : undefined
}

/** Hardly any stranger's record has this number at its position; or so many that each has it, by chance: `times` of them. */
function isRare(strangers: readonly Exemplar[], position: number, value: number, times = 1): boolean {
  const share = strangers.filter(({ v }) => v[position] === value).length / Math.max(1, strangers.length)
  return share ** times <= rareShare
}

/**
 * A pattern, by what neighbors name without it: without its positions, and without the others at which its records have
 * a number in common that others have too seldom for that. So a code for what is missing, which moves a record away
 * from all that are like it, says nothing by itself.
 */
function weigh(
  { newest, own, strangers, rateOf, nameWithout }: Looked,
  has: (vector: readonly number[]) => boolean,
  positions: readonly number[],
  spent: number,
): Trigger | undefined {
  const holders = own.filter(({ v }) => has(v))
  const without = [...newest.v.keys()].filter(
    (position) =>
      positions.includes(position) ||
      (holders.every(({ v }) => v[position] === newest.v[position]) &&
        isRare(strangers, position, newest.v[position]!, holders.length)),
  )
  const asked = (of: readonly Exemplar[]): Unexpecting[] =>
    unexpecting(
      of.map((each) => ({ ...each, n: nameWithout(each.v, without) })),
      newest.l,
      rateOf,
    )
  if (asked([newest]).length === 0) return undefined
  const shown = asked(holders.slice(-holdersMax))
  const hits = shown.filter(({ hit }) => hit).length
  if (hits < sharersMin || shown.length - hits > missesMax * shown.length) return undefined
  const like = unexpecting(
    strangers.filter(({ v }) => has(v)),
    newest.l,
    rateOf,
  )
  const outside = unexpecting(
    own.filter(({ v }) => !has(v)),
    newest.l,
    rateOf,
  )
  const logP = logBinomialTail(hits, shown.length, usualOf(shown, like, outside)) + spent
  return { positions, records: shown.length + 1, hits: hits + 1, logP }
}

type Voted = Pick<Exemplar, 'v' | 'l'> & { readonly n?: Named | undefined }

/** Those whose neighbors hardly name the label. */
function unexpecting(of: readonly Voted[], label: string, rateOf: Looked['rateOf']): Unexpecting[] {
  return of.flatMap(({ v, l, n }) => {
    const named = n === undefined ? Infinity : namedBy(n, label)
    return isUnexpected(named) ? [{ v, hit: l === label, rate: rateOf(named) }] : []
  })
}

/** Values that are told by the labels that go with them, one or several together. */
function patternOf(looked: Looked, spentBefore: number, line: number): Trigger | undefined {
  const { newest, range, rateOf } = looked
  const all = unexpecting(looked.own, newest.l, rateOf)
  const strangers = unexpecting(looked.strangers, newest.l, rateOf)
  let own = all
  if (own.filter(({ hit }) => hit).length < sharersMin) return undefined
  const options = valuesOf(newest.v, range)
  const chosen: Value[] = []
  let best: Trigger | undefined
  let spent = spentBefore
  while (chosen.length < valuesMax) {
    const next = nextValue(options, chosen, own)
    if (next === undefined) break
    chosen.push(next)
    spent += Math.log(options.length) - Math.log(chosen.length)
    own = own.filter(({ v }) => next.has(v))
    const hits = own.filter(({ hit }) => hit).length
    const values = [...chosen]
    const hasAll = (v: readonly number[]): boolean => values.every((value) => value.has(v))
    const like = strangers.filter(({ v }) => hasAll(v))
    // What many strangers have in common is a kind of record; that those are mislabeled is another finding.
    if (like.length > rareShare * strangers.length) continue
    if (own.length - hits > missesMax * own.length) continue
    const outside = all.filter(({ v }) => !hasAll(v))
    const logP = logBinomialTail(hits, own.length, usualOf(own, like, outside)) + spent
    const positions = chosen.map(({ position }) => position)
    if (logP > -line || logP >= (best?.logP ?? 0)) continue
    const weighed = weigh(looked, hasAll, positions, spent)
    if (weighed !== undefined && weighed.logP <= -line) best = weighed
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
function usualOf(own: readonly Unexpecting[], like: readonly Unexpecting[], outside: readonly Unexpecting[]): number {
  let [shown, expected] = [priorRecords, priorRecords]
  for (const { hit, rate } of like) {
    expected += rate
    if (hit) shown++
  }
  const mean = own.reduce((sum, { rate }) => sum + rate, 0) / own.length
  const without = outside.filter(({ hit }) => hit).length / (outside.length + priorRecords)
  return Math.min(0.9, Math.max(mean, mean * ((strangersRatio * shown) / expected - 1), without))
}
