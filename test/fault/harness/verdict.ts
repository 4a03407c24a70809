/**
 * Judges a disturbed run against an undisturbed one and against what was fed: each promise with what was found.
 */
import { isDeepStrictEqual } from 'node:util'
import { isUndecided } from './found.ts'
import { channels, type Channel } from './receivers.ts'
import type { FaultDay } from './records.ts'
import type { RunResult } from './run.ts'

export interface Judgement {
  readonly promise: string
  readonly kept: boolean
  readonly found: string
}

export function judge(day: FaultDay, calm: RunResult, rough: RunResult, effectKills: number): readonly Judgement[] {
  return [
    ...[calm, rough].flatMap((run, i) => ofOneRun(day, run, i === 0 ? 'undisturbed' : 'disturbed')),
    same('signals of rules are the same', calm.outcome.signals, rough.outcome.signals),
    same('detectors that act on arrival find the same groups', calm.outcome.detections, rough.outcome.detections),
    same('incidents are the same', calm.outcome.incidents, rough.outcome.incidents),
    instants(calm, rough),
    cutOff(rough, effectKills),
    {
      // The undisturbed run may be over before the clock has struck.
      promise: "the clockwork tells of a license's end once, however often it is killed",
      kept: calm.licenseNotices <= 1 && rough.licenseNotices === 1,
      found: `${calm.licenseNotices} and ${rough.licenseNotices} times`,
    },
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
    {
      promise: `${name}: no step of a theft comes to detect when event time is complete past it`,
      kept: run.late.length === 0,
      found: `${run.late.length} do; ${run.late.slice(0, 5).join('; ')}`,
    },
    ...effectsOf(run, name),
    ofGate(day, run, name),
  ]
}

/** Counted at the receivers themselves. */
function effectsOf(run: RunResult, name: string): readonly Judgement[] {
  const open = run.actions.filter(isUndecided)
  return [
    {
      promise: `${name}: no effect is left undecided`,
      kept: open.length === 0,
      found: `${open.length} of ${run.actions.length} are`,
    },
    ...channels.map((channel) => ofChannel(run, name, channel)),
  ]
}

/**
 * A webhook's receiver drops repeats by their id; Slack can be asked, so there is none; mail can do neither. So a message
 * comes at least once, again only where it is marked, and in Slack never.
 */
function ofChannel(run: RunResult, name: string, channel: Channel): Judgement {
  const told = run.actions.filter(({ connector, state }) => connector === channel && state === 'done')
  const times = told.map(({ id, possiblyRepeated }) => ({ times: run.taken(channel, id), possiblyRepeated }))
  const lost = times.filter((each) => each.times === 0)
  const repeated = times.filter((each) => each.times > 1)
  const unmarked = repeated.filter(({ possiblyRepeated }) => channel === 'slack' || !possiblyRepeated)
  const undone = run.actions.filter(({ connector, state }) => connector === channel && state !== 'done')
  const comeAnyway = undone.filter(({ id }) => run.taken(channel, id) > 0)
  const unknown = run.takenInAll[channel] - times.reduce((sum, each) => sum + each.times, 0)
  return {
    promise: `${name}: nothing told by ${channel} is lost, or told twice where that can be known`,
    kept: told.length > 0 && lost.length + unmarked.length + unknown === 0,
    found: `${told.length} sent, ${run.takenInAll[channel]} received; ${lost.length} lost, ${unknown} of unknown origin, ${repeated.length} came again, ${repeated.length - unmarked.length} of them marked${comeAnyway
      .map(
        ({ step, state, summary, possiblyRepeated }) =>
          `; ${step} ${state} (${possiblyRepeated ? 'marked' : 'not marked'}): ${summary}`,
      )
      .slice(0, 3)
      .join('')}`,
  }
}

function ofGate(day: FaultDay, { gate }: RunResult, name: string): Judgement {
  const { refused, allowed, relented, asked, silent } = gate
  return {
    promise: `${name}: each thief's key is refused and stays so, and no other`,
    kept: relented.length === 0 && isDeepStrictEqual([refused, allowed], [day.thieves, day.decoys]),
    found: `${refused.length} of ${day.thieves.length} refused, ${allowed.length} of ${day.decoys.length} let through, ${relented.length} let through again; asked ${asked} times, ${silent} without an answer`,
  }
}

/** Instants of findings that don't depend on arrival: within its window where a group has outgrown its memory, and says so. */
function instants(calm: RunResult, rough: RunResult): Judgement {
  const off = Object.entries(calm.outcome.times).filter(([id, here]) => {
    const there = rough.outcome.times[id]
    const withinMs = here.rough || there?.rough === true ? here.spanMs : 0
    return here.timesMs.some((timeMs, i) => !(Math.abs((there?.timesMs[i] ?? NaN) - timeMs) <= withinMs))
  })
  const rest = Object.values(calm.outcome.times).filter((each) => each.rough).length
  const all = Object.keys(calm.outcome.times).length
  return {
    promise: 'instants of findings and incidents are the same, or within the window of a group that outgrew its memory',
    kept: off.length === 0,
    found: `${all - off.length} of ${all}, ${rest} of them of such groups; ${off
      .slice(0, 3)
      .map(([id, { timesMs }]) => `${id} ${timesMs.join()} -> ${rough.outcome.times[id]?.timesMs.join() ?? 'none'}`)
      .join('; ')}`,
  }
}

/** A harness whose kills fall beside the effects proves nothing about them. */
function cutOff({ done }: RunResult, kills: number): Judgement {
  const counts = channels.map((channel) => done[`kill -9 of respond in an effect (${channel})`] ?? 0)
  return {
    promise: 'kills fell between an effect and its confirmation, on each channel',
    kept: counts.every((count) => count === kills),
    found: channels.map((channel, i) => `${channel} ${counts[i]}`).join(', '),
  }
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
