/**
 * Accounts that ask more in a day than anybody who has texts written for itself: what honest writers show is no measure
 * of them, only what others show that ask as much, or, where there are none, what any honest account may.
 *
 * A writer at a person's pace gets long answers nearly always. A model with several such customers allows as much to
 * all (lines.ts), and a distillation would be lost among them.
 *
 * Promises: bets as in bets.ts, from the `busyMin`-th prompt of a day on, with `busyShare` of the false alarms. O(1) a
 * prompt; state is bounded, and only of such accounts.
 */
import { evidenceOfBets } from '../bets.ts'
import type { BehaviorFinding, GroupEntries } from '../types.ts'
import { weigh, type Bets } from './bets.ts'
import { begun, isNews, note, stack, type Noted, type Suspicion } from './suspicion.ts'

/** Different prompts of a day: one in four minutes of a working day, none of them twice. */
export const busyMin = 128
/** Of the false alarms that the rule allows. */
export const busyShare = 0.1
/** Answers for which a reader would take so many days. */
const unreadDays = 2
const cleared = Math.log(10)
const dayMs = 86_400_000

/** JSON. */
interface Busy {
  /** The last day on which it asked so much. */
  day: number
  logs: number[]
  suspicion?: Suspicion
}

export interface Asked {
  readonly call: Noted
  /** As they are taught (params.ts). */
  readonly tokens: number
  /** Different prompts of the day, this one included. */
  readonly today: number
}

/** What is looked at: how long answers are, and what an honest account may show of that. */
export interface Look {
  readonly name: 'busy' | 'much'
  readonly lines: readonly number[]
  readonly bets: Bets
  /** Fewest prompts with evidence. */
  readonly callsMin: number
  /** In which they must come. */
  readonly withinMs?: number
  readonly line: number
  readonly find: (suspicion: Suspicion, evidence: number) => BehaviorFinding
}

interface Weighed {
  readonly evidence: number
  readonly findings: readonly BehaviorFinding[]
  /** It is under a suspicion that was told. */
  readonly isTold: boolean
}

/** One prompt that is new. `readADay`: tokens. */
export function weighBusy(
  entries: GroupEntries,
  { call, tokens, today }: Asked,
  { name, lines, bets, callsMin, withinMs, line, find }: Look,
  readADay: number,
): Weighed {
  const day = Math.floor(call.timeMs / dayMs)
  const known = entries.get<Busy>(name)
  if (today < busyMin && (known === undefined || day > known.day + 1)) {
    if (known !== undefined) entries.delete(name)
    return { evidence: 0, findings: [], isTold: false }
  }
  const busy = known ?? { day, logs: [] }
  if (today >= busyMin) busy.day = Math.max(busy.day, day)
  weigh(busy.logs, bets, lines, tokens, [0, 2 * line])
  const evidence = evidenceOfBets(busy.logs)
  entries.set(name, busy)
  if (evidence < cleared) {
    delete busy.suspicion
    return { evidence, findings: [], isTold: false }
  }
  if (withinMs !== undefined && busy.suspicion?.version === 0 && call.timeMs > busy.suspicion.sinceMs + withinMs) {
    delete busy.suspicion
  }
  const suspicion = (busy.suspicion ??= begun(call.timeMs))
  note(suspicion, call, tokens > lines[0]!, evidence)
  stack(suspicion, call, readADay)
  const isMuch = suspicion.unread![2] > unreadDays * readADay && suspicion.tokens > suspicion.inTokens
  if (evidence < line || suspicion.calls < callsMin || !isMuch || !isNews(suspicion))
    return { evidence, findings: [], isTold: suspicion.version > 0 }
  suspicion.version++
  suspicion.told = suspicion.calls
  return { evidence, findings: [find(suspicion, evidence)], isTold: true }
}
