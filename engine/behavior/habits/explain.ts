/** Says in words who else seems to use a key, and what that rests on. */
import { counted } from '../../../core/counted.ts'
import { strengthOf, strengthWords } from '../strength.ts'
import type { BehaviorFinding } from '../types.ts'
import { formatSpan } from '../units.ts'
import type { HabitsParams, KeyUse } from './params.ts'
import { inUse } from './places.ts'
import type { Finding, Habits } from './known.ts'

export function describeSharing(
  principal: string,
  credential: string,
  habits: Habits,
  evidence: number,
  line: number,
  params: HabitsParams,
): BehaviorFinding {
  const finding = habits.shared!
  const strength = strengthOf(evidence, line)
  const { networks, agents, countries } = inUse(habits.places, habits.lastMs, params.active)
  const fastest =
    habits.fastestKmh > 0 ? ` Between two of them, somebody would have traveled at ${speed(habits.fastestKmh)}.` : ''
  return {
    ...common('shared', principal, credential, finding),
    explanation:
      `The key of ${principal} is used from ${counted(networks, 'network')} with ${counted(agents, 'kind')} of programs in ` +
      `${counted(countries, 'country', 'countries')} within ${spanWords(params.active)}; ${habits.changes} of ${habits.calls} calls changed to a place where ` +
      `its owner can't be (benign keys: at most ${Number((100 * params.benignShare).toPrecision(6))} %).${fastest} ` +
      `${strengthWords(strength)}.`,
    facts: {
      kind: 'shared',
      networks,
      agents,
      countries,
      changes: habits.changes,
      calls: habits.calls,
      fastestKmh: habits.fastestKmh,
      ...strength,
    },
  }
}

export function describeTakeover(
  principal: string,
  use: KeyUse,
  habits: Habits,
  params: HabitsParams,
): BehaviorFinding {
  const finding = habits.takenOver!
  const { newcomer, places } = habits
  const before = places.filter(({ firstMs }) => firstMs < finding.sinceMs)
  const usual = before.reduce((a, b) => (b.calls > a.calls ? b : a), before[0] ?? places[0]!)
  const paceMs = newcomer === undefined ? 0 : (use.timeMs - newcomer.sinceMs) / Math.max(1, newcomer.calls - 1)
  const ratio = paceMs > 0 ? habits.paceMs / paceMs : 0
  const country = newcomer?.newCountry === true ? `, and from ${use.country} where it was ${usual.country} before` : ''
  return {
    ...common('taken-over', principal, use.credential, finding),
    explanation:
      `The key of ${principal}, known for ${Math.round((finding.sinceMs - habits.firstMs) / 3_600_000)} hours, is used from a new ` +
      `network (${use.network}) by a new kind of program (${use.agent}; before: ${usual.agent})${country}. Calls come ` +
      `${timesWords(ratio)} times as fast as before (line where the country stays: ${params.rateRatio}).`,
    facts: {
      kind: 'taken-over',
      newNetwork: use.network,
      newAgent: use.agent,
      newCountry: newcomer?.newCountry === true,
      rateRatio: Math.round(ratio * 10) / 10,
      calls: finding.calls,
    },
  }
}

function common(
  kind: string,
  principal: string,
  credential: string,
  finding: Finding,
): Omit<BehaviorFinding, 'explanation' | 'facts'> {
  return {
    anchor: `${kind}/${credential}/${finding.sinceMs}`,
    version: finding.version,
    status: 'open',
    supersedes: [],
    group: { 'warden.principal': principal, 'warden.credential.id': credential },
    timeMs: finding.lastMs,
    window: { startMs: finding.sinceMs, endMs: finding.lastMs + 1 },
    entities: finding.entities,
    evidence: { count: finding.calls, events: finding.evidence },
    exposure: { queries: finding.calls },
  }
}

function speed(kmh: number): string {
  return kmh >= 100_000 ? 'more than 100,000 km/h' : `${kmh.toLocaleString('en-US')} km/h`
}

function timesWords(ratio: number): string {
  return ratio < 10 ? ratio.toFixed(1) : Number(ratio.toPrecision(2)).toLocaleString('en-US')
}

function spanWords(ms: number): string {
  const words = formatSpan(ms)
  return /^[0-9]/.test(words) ? words : `one ${words}`
}
