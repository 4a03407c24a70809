/**
 * Counts the use of a license and says where it is broken. The one step twice: where the event is, for licenses of one
 * principal and for what is wrong with a use by itself; and behind the shuffle, for the caps of a license that a whole
 * tenant uses.
 *
 * Promises: the first bad use is found with the event that it is; one finding for each license, principal, kind of breach
 * and UTC day, revised when its count has doubled; a use that is within the license leaves no finding.
 */
import type { Entity, EvidenceRef } from '../../../core/signal.ts'
import { mergeEntities, mergeEvidence } from '../entities.ts'
import type { BehaviorFinding, BehaviorStep, GroupEntries, Shuffled, StepOutcome } from '../types.ts'
import { count, emptyCounts, type Counts, type Passed } from './counts.ts'
import type { BreachKind, JudgedUse } from './params.ts'

const dayMs = 86_400_000
/** How long after its last use a group is forgotten: longer than anything late is counted. */
const silentMsMax = 4 * dayMs
const evidenceMax = 10
/** Kinds of breaches remembered of one group; those of the oldest day go first. */
const breachesMax = 32

interface Breach {
  readonly firstMs: number
  readonly license: string
  lastMs: number
  count: number
  version: number
  /** The count at which it was told last. */
  told: number
  words: string
  cap: number
  peak: number
  entities: readonly Entity[]
  evidence: readonly EvidenceRef[]
}

interface State {
  latestMs: number
  /** License -> what was used of it. */
  counts: Record<string, Counts>
  breaches: Record<string, Breach>
}

export class LicenseUseStep implements BehaviorStep {
  readonly stateVersion = 1
  readonly groupBy: readonly string[]
  readonly #by: 'principal' | 'license'

  constructor(by: 'principal' | 'license') {
    this.#by = by
    this.groupBy = by === 'principal' ? ['warden.principal'] : ['license']
  }

  apply(group: readonly string[], entries: GroupEntries, input: unknown, watermarkMs: number): StepOutcome {
    const judged = input as JudgedUse
    const { use, license, caps, shared, breach } = judged
    const state = entries.get<State>('') ?? { latestMs: use.timeMs, counts: {}, breaches: {} }
    state.latestMs = Math.max(state.latestMs, use.timeMs)
    const findings: BehaviorFinding[] = []
    const shuffled: Shuffled[] = []
    if (breach !== undefined) {
      const words = `${use.principal}: ${breach.words}`
      const found = this.#note(group, state, judged, breach.kind, words, undefined, breach.credential)
      if (found !== undefined) findings.push(found)
    } else if (shared && this.#by === 'principal') {
      if (Object.values(caps).some((cap) => cap !== undefined)) shuffled.push({ group: [license], observation: judged })
    } else {
      const counts = (state.counts[license] ??= emptyCounts())
      for (const passed of count(counts, caps, use)) {
        const found = this.#note(group, state, judged, passed.kind, capWords(use.principal, passed, use.timeMs), passed)
        if (found !== undefined) findings.push(found)
      }
    }
    entries.set('', state)
    return this.#outcome(state, watermarkMs, findings, shuffled)
  }

  advance(_group: readonly string[], entries: GroupEntries, watermarkMs: number): StepOutcome {
    const state = entries.get<State>('')
    if (state === undefined || (watermarkMs >= state.latestMs + silentMsMax && watermarkMs !== Infinity)) {
      return { findings: [], shuffled: [], dueMs: Infinity, forget: true }
    }
    return this.#outcome(state, watermarkMs, [], [])
  }

  #outcome(
    state: State,
    _watermarkMs: number,
    findings: readonly BehaviorFinding[],
    shuffled: readonly Shuffled[],
  ): StepOutcome {
    return { findings, shuffled, dueMs: state.latestMs + silentMsMax }
  }

  /** Adds a use to the breach that it is part of; a finding where there is something new to say. */
  #note(
    group: readonly string[],
    state: State,
    { use, license, entities, evidence }: JudgedUse,
    kind: BreachKind,
    words: string,
    passed: Passed | undefined,
    credential?: string,
  ): BehaviorFinding | undefined {
    const anchor = `${kind}/${credential ?? license}/${Math.floor(use.timeMs / dayMs)}`
    let breach = state.breaches[anchor]
    if (breach === undefined) {
      makeRoom(state)
      const at = { firstMs: use.timeMs, lastMs: use.timeMs, license, count: 0, version: 0, told: 0 }
      breach = { ...at, words, cap: passed?.cap ?? 0, peak: 0, entities: [], evidence: [] }
      state.breaches[anchor] = breach
    }
    breach.count++
    breach.lastMs = Math.max(breach.lastMs, use.timeMs)
    breach.peak = Math.max(breach.peak, passed?.count ?? 0)
    breach.entities = mergeEntities(breach.entities, entities)
    breach.evidence = mergeEvidence(breach.evidence, [evidence], evidenceMax)
    if (breach.count < 2 * breach.told) return undefined
    breach.told = breach.count
    breach.version++
    breach.words = words
    return this.#finding(group, anchor, kind, breach)
  }

  #finding(group: readonly string[], anchor: string, kind: BreachKind, breach: Breach): BehaviorFinding {
    const { firstMs, lastMs, cap, peak, license, words } = breach
    const facts: Record<string, string | number> = { breach: kind, uses: breach.count }
    if (license !== '') facts['license'] = license
    if (cap > 0) Object.assign(facts, { cap, used: peak })
    const more = breach.count > 1 ? ` ${breach.count} uses so far since ${new Date(firstMs).toISOString()}.` : ''
    return {
      anchor,
      version: breach.version,
      status: 'open',
      supersedes: [],
      group: { [this.groupBy[0]!]: group[0]! },
      timeMs: lastMs,
      window: { startMs: firstMs, endMs: lastMs + 1 },
      entities: breach.entities,
      evidence: { count: breach.count, events: breach.evidence },
      explanation: `${license === '' ? 'Without a license' : `License ${license}`}, ${words}.${more}`,
      facts,
      exposure: { queries: breach.count },
    }
  }
}

function makeRoom({ breaches }: State): void {
  const anchors = Object.keys(breaches)
  if (anchors.length < breachesMax) return
  const oldest = anchors.reduce((a, b) => (breaches[b]!.firstMs < breaches[a]!.firstMs ? b : a))
  Reflect.deleteProperty(breaches, oldest)
}

const unit: Readonly<Record<Passed['kind'], (passed: Passed) => string>> = {
  'rate-second': ({ count: n, cap }) => `made ${n} calls within a second, where ${cap} are allowed`,
  'rate-minute': ({ count: n, cap }) => `made ${n} calls within a minute, where ${cap} are allowed`,
  'requests-day': ({ count: n, cap }) => `made the ${n}th call of the day, where ${cap} are allowed`,
  'tokens-day': ({ count: n, cap }) => `came to ${n} tokens on that day, where ${cap} are allowed`,
  concurrency: ({ count: n, cap }) => `had ${n} calls under way, where ${cap} at a time are allowed`,
}

function capWords(principal: string, passed: Passed, timeMs: number): string {
  return `${principal} ${unit[passed.kind](passed)} (${new Date(timeMs).toISOString().slice(0, 19)}Z)`
}
