/**
 * Judges a disturbed run against an undisturbed one and against what was fed: each promise with what was found.
 */
import { isDeepStrictEqual } from 'node:util'
import type { FaultDay } from './records.ts'
import type { RunResult } from './run.ts'

export interface Judgement {
  readonly promise: string
  readonly kept: boolean
  readonly found: string
}

export function judge(day: FaultDay, calm: RunResult, rough: RunResult): readonly Judgement[] {
  return [
    ...[calm, rough].flatMap((run, i) => ofOneRun(day, run, i === 0 ? 'undisturbed' : 'disturbed')),
    same('signals of rules are the same', calm.outcome.signals, rough.outcome.signals),
    same('detectors that act on arrival find the same groups', calm.outcome.detections, rough.outcome.detections),
    same('incidents are the same', calm.outcome.incidents, rough.outcome.incidents),
    same('what was done about each incident is the same', calm.outcome.actions, rough.outcome.actions),
    same('credentials are in the same state', calm.outcome.credentials, rough.outcome.credentials),
    {
      promise: 'no service ended by itself',
      kept: calm.ends.length + rough.ends.length === 0,
      found: [...calm.ends, ...rough.ends].join('\n').slice(0, 2_000) || 'none did',
    },
  ]
}

function ofOneRun(day: FaultDay, run: RunResult, name: string): readonly Judgement[] {
  const indexed = new Set(run.indexed)
  const missing = [...day.valid].filter((hash) => !indexed.has(hash)).length
  const foreign = [...indexed].filter((hash) => !day.valid.has(hash)).length
  const twice = run.indexed.length - indexed.size
  const letters = new Set(run.deadLetters.values())
  const unsearchable = [...run.deadLetters.keys()].filter((id) => !run.indexedDeadLetters.has(id))
  const unlettered = [...day.malformed].filter((each) => !letters.has(each))
  const unexpected = [...letters].filter((each) => !day.malformed.has(each))
  const rule = (principal: string): boolean =>
    Object.values(run.outcome.signals).some((signal) => JSON.stringify(signal).includes(`own/${principal}"`))
  const missed = day.thieves.filter((thief) => !rule(thief))
  const wronged = day.decoys.filter((decoy) => rule(decoy))
  return [
    {
      promise: `${name}: every valid record is in the index once`,
      kept: missing + foreign + twice === 0 && run.indexed.length === day.valid.size,
      found: `${run.indexed.length} documents of ${day.valid.size} records; ${missing} missing, ${twice} twice, ${foreign} of unknown origin`,
    },
    {
      promise: `${name}: every malformed record is a dead letter with its reason, and no other is`,
      kept: unlettered.length + unexpected.length === 0 && run.deadLetters.size === day.malformed.size,
      found: `${run.deadLetters.size} of ${day.malformed.size}; missing ${unlettered.slice(0, 3).join()}; unexpected ${unexpected.slice(0, 3).join()}`,
    },
    {
      promise: `${name}: the index holds all dead letters and signals`,
      kept:
        unsearchable.length === 0 &&
        run.indexedDeadLetters.size === run.deadLetters.size &&
        run.indexedSignals === Object.keys(run.outcome.signals).length + run.outcome.detections.length,
      found: `${run.indexedDeadLetters.size} of ${run.deadLetters.size} dead letters, ${run.indexedSignals} open signals; missing ${unsearchable.slice(0, 5).join()}`,
    },
    {
      promise: `${name}: thefts whose steps came in order are found, those that came in another are not`,
      kept: missed.length + wronged.length === 0,
      found: `${day.thieves.length - missed.length} of ${day.thieves.length} found; ${wronged.length} of ${day.decoys.length} wronged`,
    },
    ...deliveriesOf(run, name),
  ]
}

/** Counted at the receiver itself. */
function deliveriesOf(run: RunResult, name: string): readonly Judgement[] {
  const told = run.actions.filter(({ connector, state }) => connector === 'webhook' && state === 'done')
  const open = run.actions.filter(({ state }) => ['asked', 'reserved', 'attempted'].includes(state))
  const lost = told.filter(({ id }) => !run.deliveries.has(id))
  const unknown = [...run.deliveries.keys()].filter((id) => !told.some((action) => action.id === id))
  const repeated = told.filter(({ id }) => (run.deliveries.get(id) ?? 0) > 1)
  const silent = repeated.filter(({ possiblyRepeated }) => !possiblyRepeated)
  const destructive = repeated.filter((action) => action.destructive)
  return [
    {
      promise: `${name}: no notification is lost`,
      kept: told.length > 0 && lost.length + open.length + unknown.length === 0,
      found: `${told.length} sent, ${run.deliveries.size} received; ${open.length} still open; ${unknown.length} of unknown origin`,
    },
    {
      promise: `${name}: none came twice, but for a kill that fell into it, under the same id and marked`,
      kept: silent.length + destructive.length === 0,
      found: `${repeated.length} came again, ${repeated.length - silent.length} of them marked`,
    },
  ]
}

function same(promise: string, calm: unknown, rough: unknown): Judgement {
  const kept = isDeepStrictEqual(calm, rough)
  const size = Array.isArray(calm) ? calm.length : Object.keys(calm as object).length
  return { promise, kept, found: kept ? `${size}, all equal` : difference(calm, rough) }
}

function difference(calm: unknown, rough: unknown): string {
  const entries = (value: unknown): Map<string, string> =>
    Array.isArray(value)
      ? new Map(value.map((each) => [JSON.stringify(each), '']))
      : new Map(Object.entries(value as object).map(([key, each]) => [key, JSON.stringify(each)]))
  const [a, b] = [entries(calm), entries(rough)]
  const missing = [...a].filter(([key]) => !b.has(key)).map(([key, text]) => `${key} ${text}`)
  const more = [...b].filter(([key]) => !a.has(key)).map(([key, text]) => `${key} ${text}`)
  const other = [...a]
    .filter(([key, text]) => b.has(key) && b.get(key) !== text)
    .map(([key, text]) => `${key} ${text} -> ${b.get(key)!}`)
  const some = (what: string, list: readonly string[]): string =>
    list.length === 0 ? '' : `${list.length} ${what}: ${list.slice(0, 3).join(' | ')}`
  return [some('missing', missing), some('more', more), some('different', other)]
    .filter(Boolean)
    .join('; ')
    .slice(0, 3_000)
}
