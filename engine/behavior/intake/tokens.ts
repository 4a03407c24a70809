/**
 * Values that are rare in a data set, as tokens: what a trigger pattern looks like from outside.
 *
 * A backdoor (Gu et al. 2017) is a pattern that hardly any other record has, on records that are labeled against what
 * their neighbors say. So for each source and token: how many of its records have it, and how many of these contradict
 * their neighbors with which label.
 */

const bins = 8
/** A token that more than this share of all records have is nothing special. */
const rareShare = 0.05
const tokensPerRecordMax = 16
const tokensPerSourceMax = 2_048

/** Of a data set: least and greatest value of each position, and how often each bin came. */
export interface Bins {
  low: number[]
  high: number[]
  /** Position × bin. */
  counts: number[]
  records: number
}

export interface TokenCount {
  records: number
  /** Label given -> contradictions. */
  against: Record<string, number>
}

export function emptyBins(): Bins {
  return { low: [], high: [], counts: [], records: 0 }
}

/** Counts a record and gives its rare tokens, `position:bin`. The range of a position is that of the first records. */
export function tokensOf(of: Bins, vector: readonly number[], rangeRecords: number): string[] {
  of.records++
  const tokens: string[] = []
  const learning = of.records <= rangeRecords
  for (const [position, value] of vector.entries()) {
    if (learning) {
      of.low[position] = Math.min(of.low[position] ?? value, value)
      of.high[position] = Math.max(of.high[position] ?? value, value)
    }
    const width = (of.high[position]! - of.low[position]!) / bins
    const bin =
      width > 0
        ? Math.max(0, Math.min(bins - 1, Math.floor((value - of.low[position]!) / width)))
        : value > of.low[position]!
          ? bins - 1
          : 0
    const at = position * bins + bin
    const count = (of.counts[at] ?? 0) + 1
    of.counts[at] = count
    if (count > rareShare * of.records + 2 || tokens.length >= tokensPerRecordMax) continue
    tokens.push(`${position}:${bin}`)
  }
  return tokens
}

export function countTokens(
  counts: Record<string, TokenCount>,
  tokens: readonly string[],
  label: string | undefined,
): void {
  for (const token of tokens) {
    const count = (counts[token] ??= { records: 0, against: {} })
    count.records++
    if (label !== undefined) count.against[label] = (count.against[label] ?? 0) + 1
  }
  const names = Object.keys(counts)
  if (names.length <= tokensPerSourceMax) return
  for (const name of names) if (counts[name]!.records === 1) Reflect.deleteProperty(counts, name)
}

/** How many tokens and labels there are to be tested: what a p-value must be multiplied by. */
export function testsOf(of: Bins, labels: number): number {
  return Math.max(1, of.low.length * bins * labels)
}
