/**
 * Who uses a key: its owner, several at once, or somebody else than before.
 *
 * Shared: calls change between places that one owner can't be at: farther apart than anybody travels in the time between
 * with another program there, or in three countries at once; or on more networks with more kinds of programs at a time than
 * one owner has. An office has one network, a traveler one program, a program in two regions one program: none of these
 * says anything. Taken over: after a known time with the same habits, network and program are new together, and so is the
 * country, or calls come many times faster.
 *
 * Promises: shared keys are told with the bound of `bets.ts`; memory is four keys of an account, ten places of each.
 */
import { limits } from '../../../core/limits.ts'
import { betOn, evidenceOfBets, settle } from '../bets.ts'
import { entitiesOf, evidenceOf, mergeEntities, mergeEvidence } from '../entities.ts'
import type { BehaviorFinding, BehaviorStep, GroupEntries, StepOutcome } from '../types.ts'
import { describeSharing, describeTakeover } from './explain.ts'
import type { Finding, Habits } from './known.ts'
import type { HabitsParams, KeyUse } from './params.ts'
import { QuietHabits } from './quiet.ts'
import { inUse, placeOf, speedNeeded, visit, type Place } from './places.ts'

const keysMax = 4
const silentMsMax = 60 * 86_400_000
const evidenceMax = limits.signalEvidenceMax
/** Shares of impossible changes that the bets are on: a thief who calls now and then, and a key passed around. */
const thiefShares = [0.15, 0.5, 0.9] as const
/** Weight of the last interval in the running mean. */
const paceWeight = 0.05

export class HabitsStep implements BehaviorStep {
  readonly stateVersion = 1
  readonly groupBy = ['warden.principal']
  readonly #params: HabitsParams
  readonly #line: number
  readonly #bets: readonly ReturnType<typeof betOn>[]

  constructor(params: HabitsParams) {
    this.#params = params
    this.#line = Math.log(params.callsPerFalseAlarm)
    this.#bets = thiefShares.map((share) => betOn(Math.max(share, 2 * params.benignShare), params.benignShare))
  }

  apply(group: readonly string[], entries: GroupEntries, input: unknown): StepOutcome {
    const use = input as KeyUse
    const kept = entries.get<Kept>('')
    const quiet = kept instanceof QuietHabits ? kept : undefined
    const lastMs = quiet?.repeat(use, paceAfter)
    if (lastMs !== undefined) {
      entries.set('', quiet)
      return { findings: nothing, shuffled: nothing, dueMs: lastMs + silentMsMax }
    }
    const keys = keysOf(kept)
    const known = habitsAmong(keys, use.credential)
    const habits = known ?? habitsOf(use)
    const findings = this.#use(group[0]!, habits, use)
    const all = known === undefined ? withRoom(keys).concat(habits) : keys
    entries.set('', QuietHabits.of(all) ?? all)
    return { findings, shuffled: nothing, dueMs: dueOf(all) }
  }

  advance(_group: readonly string[], entries: GroupEntries, watermarkMs: number): StepOutcome {
    const dueMs = dueOf(keysOf(entries.get<Kept>('')))
    if (watermarkMs === Infinity || watermarkMs < dueMs) return { findings: nothing, shuffled: nothing, dueMs }
    return { findings: nothing, shuffled: nothing, dueMs: Infinity, forget: true }
  }

  #use(principal: string, habits: Habits, use: KeyUse): readonly BehaviorFinding[] {
    const { places } = habits
    const before = places[places.length - 1]
    const { place, fresh } = visit(places, use)
    const change = before !== undefined && before !== place && this.#impossible(habits, before, use)
    if (change) habits.changes++
    // Who has left comes back: the call after a change is no second one.
    if (!habits.changed) this.#bet(habits, change)
    habits.changed = change && !habits.changed
    this.#follow(habits, use, change)
    const takeover = this.#newcomer(habits, place, fresh, use)
    place.lastMs = Math.max(place.lastMs, use.timeMs)
    habits.calls++
    habits.lastMs = Math.max(habits.lastMs, use.timeMs)
    const evidence = evidenceOfBets(habits.logs)
    if (!takeover && evidence < this.#line && habits.shared === undefined && habits.takenOver === undefined) {
      return nothing
    }
    const found: BehaviorFinding[] = []
    if (evidence >= this.#line || habits.shared !== undefined) {
      habits.shared ??= opened(habits.trail?.sinceMs ?? use.timeMs, habits.trail)
      const told = revise(habits.shared, use)
      if (told) found.push(describeSharing(principal, use.credential, habits, evidence, this.#line, this.#params))
    }
    if (takeover || habits.takenOver !== undefined) {
      habits.takenOver ??= opened(habits.newcomer?.sinceMs ?? use.timeMs, undefined)
      const told = revise(habits.takenOver, use)
      if (told) found.push(describeTakeover(principal, use, habits, this.#params))
    }
    return found
  }

  #bet(habits: Habits, change: boolean): void {
    // Bets at nothing stay there until there is a change.
    if (!change && habits.logs.length === 0) return
    if (habits.logs.length === 0) habits.logs = []
    settle(habits.logs, this.#bets, change, 3 * this.#line)
    if (habits.logs.every((log) => log === 0)) habits.logs = noLogs
  }

  /** Whether the owner of the place before can't be the one who calls now. */
  #impossible(habits: Habits, before: Place, use: KeyUse): boolean {
    const crowd = inUse(habits.places, use.timeMs, this.#params.active)
    const speed = speedNeeded(before, use)
    const far = speed > this.#params.kmPerHourMax
    if (far && (before.agent !== use.agent || crowd.countries >= 3)) {
      habits.fastestKmh = Math.max(habits.fastestKmh, Math.round(speed))
      return true
    }
    const { placesMax } = this.#params
    return (
      crowd.networks > placesMax && crowd.agents >= 3 && before.network !== use.network && before.agent !== use.agent
    )
  }

  /** Keeps what the evidence rests on, from where it began to rise. */
  #follow(habits: Habits, use: KeyUse, change: boolean): void {
    if (habits.logs.length === 0 || habits.logs.every((log) => log === 0)) habits.trail = undefined
    if (!change && habits.trail === undefined) return
    const { sinceMs, entities, evidence } = habits.trail ?? { sinceMs: use.timeMs, entities: [], evidence: [] }
    habits.trail = {
      sinceMs,
      entities: mergeEntities(entities, entitiesOf(use.event)),
      evidence: mergeEvidence(evidence, change ? [evidenceOf(use.event)] : [], evidenceMax),
    }
  }

  /** Follows a place that is new in every respect; true where that has gone far enough. */
  #newcomer(habits: Habits, place: Place, fresh: boolean, use: KeyUse): boolean {
    const { knownCallsMin, knownSpan, newCallsMin, rateRatio } = this.#params
    const alien =
      habits.places.length > 1 && habits.lastMs - habits.firstMs >= knownSpan && isAlien(habits, place, knownCallsMin)
    if (!alien || place.agent === '') {
      habits.paceMs = paceAfter(habits.calls, habits.paceMs, use.timeMs - habits.lastMs)
      return false
    }
    if (fresh || habits.newcomer?.network !== place.network) {
      const newCountry =
        place.country !== '' && olderThan(habits, place).every(({ country }) => country !== place.country)
      habits.newcomer = { network: place.network, sinceMs: use.timeMs, calls: 0, callsBefore: habits.calls, newCountry }
    }
    const newcomer = habits.newcomer
    newcomer.calls++
    if (newcomer.calls < newCallsMin || 2 * newcomer.calls <= habits.calls - newcomer.callsBefore) return false
    const pace = (use.timeMs - newcomer.sinceMs) / (newcomer.calls - 1)
    return newcomer.newCountry || pace * rateRatio <= habits.paceMs
  }
}

function paceAfter(calls: number, paceMs: number, intervalMs: number): number {
  if (calls === 0) return paceMs
  return paceMs + (Math.min(Math.max(1, intervalMs), 86_400_000) - paceMs) * Math.max(paceWeight, 1 / calls)
}

function opened(sinceMs: number, trail: Habits['trail']): Finding {
  const { entities, evidence } = trail ?? { entities: [], evidence: [] }
  return { sinceMs, version: 0, told: 0, calls: 0, lastMs: sinceMs, entities, evidence }
}

/** Takes the use in; true where there is something new to say: at first, and whenever the calls have doubled. */
function revise(finding: Finding, use: KeyUse): boolean {
  finding.calls++
  finding.lastMs = Math.max(finding.lastMs, use.timeMs)
  finding.entities = mergeEntities(finding.entities, entitiesOf(use.event))
  finding.evidence = mergeEvidence(finding.evidence, [evidenceOf(use.event)], evidenceMax)
  if (finding.calls < 2 * finding.told) return false
  finding.told = finding.calls
  finding.version++
  return true
}

/** What came after it says nothing against a place. */
function olderThan({ places }: Habits, place: Place): readonly Place[] {
  return places.filter((each) => each !== place && each.firstMs <= place.firstMs)
}

/** Whether network and program are unlike those of enough calls before. */
function isAlien(habits: Habits, place: Place, callsMin: number): boolean {
  const others = olderThan(habits, place)
  if (others.reduce((sum, { calls }) => sum + calls, 0) < callsMin) return false
  return others.every(({ network, agent }) => network !== place.network && agent !== place.agent && agent !== '')
}

const nothing: readonly never[] = []
/** Shared by all: never changed in place. */
const noLogs: number[] = []

/** An older state has keys by their names. */
type Kept = QuietHabits | readonly Habits[] | Readonly<Record<string, Habits>>

/** The keys of an account, as they came. */
function keysOf(kept: Kept | undefined): readonly Habits[] {
  if (kept === undefined) return nothing
  if (kept instanceof QuietHabits) return kept.open()
  if (isList(kept)) return kept
  return Object.entries(kept).map(([credential, habits]) => ({ ...habits, credential }))
}

function habitsAmong(keys: readonly Habits[], credential: string): Habits | undefined {
  for (const habits of keys) if (habits.credential === credential) return habits
  return undefined
}

function isList(kept: readonly Habits[] | Readonly<Record<string, Habits>>): kept is readonly Habits[] {
  return Array.isArray(kept)
}

/** The one that was not used for the longest time goes. */
function withRoom(keys: readonly Habits[]): readonly Habits[] {
  if (keys.length < keysMax) return keys
  const oldest = keys.reduce((a, b) => (b.lastMs < a.lastMs ? b : a))
  return keys.filter((each) => each !== oldest)
}

function habitsOf(use: KeyUse): Habits {
  return {
    credential: use.credential,
    firstMs: use.timeMs,
    lastMs: use.timeMs,
    calls: 0,
    places: [placeOf(use)],
    logs: noLogs,
    changes: 0,
    changed: false,
    fastestKmh: 0,
    paceMs: 0,
    trail: undefined,
  }
}

function dueOf(keys: readonly Habits[]): number {
  let lastMs = 0
  for (const habits of keys) if (habits.lastMs > lastMs) lastMs = habits.lastMs
  return lastMs + silentMsMax
}
