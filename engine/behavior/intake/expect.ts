/**
 * How often a label is right that few or none of a record's neighbors name.
 *
 * Counted over the records of other sources: of all labels that are named by so many of a record's neighbors, how many are
 * the record's own. Where classes overlap, often; where they are apart, hardly ever.
 */
import type { Named, Near } from './exemplars.ts'

/** A label is unexpected where at most this many neighbors name it. */
const namedMax = 2
/** Room for a source that differs, and rates that are never taken to be lower. */
const usualRatio = 2
const usualMin = 0.01
const usualMax = 0.5
/** Records of a source before its rates count. */
const recordsMin = 30

/** By how many neighbors name a label, from none to `namedMax`: labels that so many named, and those that were right. */
export type Expected = [labels: number, right: number][]

export function namedIn(strangers: readonly Near[]): Named {
  const votes = new Map<string, number>()
  for (const { exemplar } of strangers) votes.set(exemplar.l, (votes.get(exemplar.l) ?? 0) + 1)
  return [...votes]
}

export function namedBy(named: Named, label: string): number {
  return named.find(([each]) => each === label)?.[1] ?? 0
}

export function isUnexpected(count: number): boolean {
  return count <= namedMax
}

export function countExpected(expected: Expected, named: Named, label: string, labels: number): void {
  for (let count = 0; count <= namedMax; count++) {
    const counts = (expected[count] ??= [0, 0])
    counts[0] += count === 0 ? Math.max(0, labels - named.length) : named.filter(([, of]) => of === count).length
    if (namedBy(named, label) === count) counts[1]++
  }
}

/** What is usual among the half of the others who have unexpected labels least often; undefined: nobody is known yet. */
export function usualExpected(
  others: readonly { readonly records: number; readonly expected: Expected }[],
): ((named: number) => number) | undefined {
  const known = others
    .filter(({ records }) => records >= recordsMin)
    .map(({ records, expected }) => ({ expected, rate: expected.reduce((sum, [, right]) => sum + right, 0) / records }))
    .sort((a, b) => a.rate - b.rate)
  if (known.length === 0) return undefined
  const best = known.slice(0, Math.max(1, Math.floor(known.length / 2)))
  const rates = Array.from({ length: namedMax + 1 }, (_, count) => {
    let [labels, right] = [2, 1]
    for (const { expected } of best) {
      labels += expected[count]?.[0] ?? 0
      right += expected[count]?.[1] ?? 0
    }
    return Math.min(usualMax, Math.max(usualMin, (usualRatio * right) / labels))
  })
  return (named) => rates[named] ?? usualMax
}
