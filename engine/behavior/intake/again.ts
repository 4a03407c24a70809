/**
 * Asks the neighbors of all remembered records again, those that came later among them.
 *
 * When a record comes, few of the records that are its nearest in the end are there; of the first, none. So all are asked again
 * each time the set has grown by a quarter, or by 512 records. The votes of a source are one likelihood ratio, whose probability of
 * passing L is at most 1/L for an honest source (Markov), as far as what is usual is known. A source that brought n records since it
 * was last asked about has to pass `falseAlarmEvery` over n: it is named by mistake as seldom as one that is judged
 * record by record. It sees what is remembered, no more: who is slower than that is found by the bets on arrival (labels.ts).
 */
import { namedIn } from './expect.ts'
import type { Exemplars } from './exemplars.ts'
import { countVote, evidenceOfVotes, voteOf, type Votes } from './labels.ts'

/** Asked again when the set has this many records for each that it had the last time, or so many more. */
const growth = 1.25
const moreMax = 512

/** What the last time said of a source. */
export interface Again {
  /** Logarithms of the evidence and of its line. */
  readonly evidence: number
  readonly line: number
  readonly contradictions: number
  /** Of its records that are remembered, those with a clear vote. */
  readonly votes: number
}

/** `records`: of the set, now and when it was last asked about. */
export function isDue(records: number, last: number): boolean {
  return records >= Math.min(growth * last, last + moreMax)
}

interface Asked {
  readonly votes: Votes
  clear: number
  contradictions: number
}

/** Source -> what its remembered records say. `brought`: of a source since the last time. `falseAlarmEvery`: for this kind of finding. */
export function askAgain(
  exemplars: Exemplars,
  neighbors: number,
  brought: (source: string) => number,
  falseAlarmEvery: number,
): Map<string, Again> {
  const asked = new Map<string, Asked>()
  for (const { v, l, s } of exemplars.all()) {
    const { strangers, alike } = exemplars.nearest(v, s, l, neighbors)
    if (strangers.length < neighbors || alike < neighbors) continue
    const vote = voteOf(namedIn(strangers), neighbors, l)
    if (vote === undefined) continue
    const of = asked.get(s) ?? { votes: {}, clear: 0, contradictions: 0 }
    asked.set(s, of)
    countVote(of.votes, vote)
    of.clear++
    if (vote.contradicts) of.contradictions++
  }
  const again = new Map<string, Again>()
  for (const [source, { votes, clear, contradictions }] of asked) {
    const others = [...asked].filter(([other]) => other !== source).map(([, other]) => other.votes)
    const line = Math.log(falseAlarmEvery / Math.max(1, brought(source)))
    again.set(source, { evidence: evidenceOfVotes(votes, others), line, contradictions, votes: clear })
  }
  return again
}
