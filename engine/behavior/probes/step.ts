/**
 * The step of `call-probes`: weighs each call of one account at one model against what benign accounts show.
 *
 * Promises: each look is a bet; where a benign account shows it in at most `benignShare` of its calls whatever came before, a
 * false alarm comes at most once in `callsPerFalseAlarm` calls (bets.ts). O(1) a call; memory is bounded; silence of 30 days
 * ends it.
 */
import { limits } from '../../../core/limits.ts'
import { betOn, evidenceOfBets, settle, type Bet } from '../bets.ts'
import { mergeEntities, mergeEvidence } from '../entities.ts'
import { addDistinct, distinctOf } from '../distinct.ts'
import { strengthOf, strengthSeries, strengthWords } from '../strength.ts'
import type { BehaviorFinding, BehaviorStep, GroupEntries, StepOutcome } from '../types.ts'
import type { Call } from './call.ts'
import { looks, type Look } from './looks.ts'
import { Memory, type Gathered } from './memory.ts'
import type { LookName, ProbesParams } from './params.ts'

const dayMs = 86_400_000
const silentMs = 30 * dayMs
const seriesMax = 64

export class ProbesStep implements BehaviorStep {
  readonly stateVersion = 1
  readonly groupBy = ['warden.principal', 'warden.model.id']
  readonly #line: number
  readonly #looks: readonly (readonly [LookName, Look, readonly Bet[]])[]

  constructor({ look, callsPerFalseAlarm }: ProbesParams) {
    // The union over the looks.
    this.#line = Math.log(callsPerFalseAlarm * look.length)
    this.#looks = look.map((name) => {
      const { thiefShares, benignShare } = looks[name]
      return [name, looks[name], thiefShares.map((share) => betOn(share, benignShare))]
    })
  }

  apply(group: readonly string[], entries: GroupEntries, observation: unknown): StepOutcome {
    const call = observation as Call
    const memory = memoryOf(entries) ?? new Memory(call.timeMs)
    memory.begin(call.timeMs)
    const known = memory.known(call)
    const findings: BehaviorFinding[] = []
    for (const [name, look, bets] of this.#looks) {
      const shown = look.shows(call, known, memory)
      if (shown === undefined) continue
      const finding = this.#weigh(group, memory, name, look, bets, call, shown)
      if (finding !== undefined) findings.push(finding)
    }
    memory.remember(call)
    entries.set('', memory)
    return { findings, shuffled: [], dueMs: dueOf(memory) }
  }

  advance(_group: readonly string[], entries: GroupEntries, watermarkMs: number): StepOutcome {
    const memory = memoryOf(entries)
    const over = memory === undefined || (watermarkMs !== Infinity && watermarkMs >= dueOf(memory))
    if (over) return { findings: [], shuffled: [], dueMs: Infinity, forget: true }
    return { findings: [], shuffled: [], dueMs: dueOf(memory) }
  }

  #weigh(
    group: readonly string[],
    memory: Memory,
    name: LookName,
    look: Look,
    bets: readonly Bet[],
    call: Call,
    shown: boolean,
  ): BehaviorFinding | undefined {
    let gathered = memory.gathered(name)
    if (gathered === undefined) {
      if (!shown) return undefined
      memory.gather(name, (gathered = begun(call.timeMs)))
    }
    settle(gathered.logs, bets, shown, 2 * this.#line)
    if (gathered.logs.every((log) => log === 0)) {
      memory.gather(name, undefined)
      return undefined
    }
    const evidence = evidenceOfBets(gathered.logs)
    gathered.calls++
    if (shown) note(gathered, call)
    gathered.series.push([memory.calls, Math.round((evidence / Math.LN10) * 100) / 100])
    if (gathered.series.length > seriesMax) gathered.series.shift()
    gathered.crossed ||= evidence >= this.#line
    if (!gathered.crossed || gathered.hits < look.hitsMin || distinctOf(gathered.prompts) < look.promptsMin) {
      return undefined
    }
    // Told again whenever twice as much has been drawn out.
    if (gathered.version > 0 && gathered.hits < 2 * gathered.told) return undefined
    gathered.version++
    gathered.told = gathered.hits
    return this.#finding(group, name, look, gathered, call, evidence)
  }

  #finding(
    group: readonly string[],
    name: LookName,
    look: Look,
    gathered: Gathered,
    call: Call,
    evidence: number,
  ): BehaviorFinding {
    const [principal, model] = group as [string, string]
    const { sinceMs, calls, hits, outTokens, version } = gathered
    const prompts = distinctOf(gathered.prompts)
    const allowed = Math.round(100 * look.benignShare)
    const strength = strengthOf(evidence, this.#line)
    return {
      anchor: `${name}/${sinceMs}`,
      version,
      status: 'open',
      supersedes: [],
      group: { 'warden.principal': principal, 'warden.model.id': model },
      timeMs: call.timeMs,
      window: { startMs: Math.min(sinceMs, call.timeMs), endMs: call.timeMs },
      entities: gathered.entities,
      evidence: { count: hits, events: gathered.evidence },
      explanation:
        `${principal} ${look.words}: ${hits} of ${calls} calls of ${model}, with about ${prompts} different inputs ` +
        `(benign accounts: at most ${allowed} % of calls). ${strengthWords(strength)}.`,
      facts: {
        look: name,
        calls,
        shown: hits,
        inputs: prompts,
        outputTokens: outTokens,
        ...strength,
      },
      exposure: { queries: hits, ...(outTokens > 0 ? { tokens: outTokens } : {}) },
      threat: look.threat,
      series: [strengthSeries(gathered.series, strength)],
    }
  }
}

function memoryOf(entries: GroupEntries): Memory | undefined {
  const kept = entries.get<Parameters<typeof Memory.of>[0]>('')
  return kept === undefined ? undefined : Memory.of(kept)
}

function begun(timeMs: number): Gathered {
  return {
    logs: [], sinceMs: timeMs, calls: 0, hits: 0, outTokens: 0, prompts: [], series: [], crossed: false, version: 0, told: 0,
    entities: [], evidence: [],
  } // prettier-ignore
}

function note(gathered: Gathered, call: Call): void {
  gathered.hits++
  gathered.outTokens += call.outTokens ?? 0
  addDistinct(gathered.prompts, String(call.prompt))
  if (gathered.evidence.length >= limits.signalEvidenceMax && gathered.hits > 2 * limits.signalEvidenceMax) return
  gathered.entities = mergeEntities(gathered.entities, call.entities())
  gathered.evidence = mergeEvidence(gathered.evidence, [call.evidence()], limits.signalEvidenceMax)
}

/** By the day, so that not every call moves it. */
function dueOf({ lastMs }: Memory): number {
  return (Math.floor(lastMs / dayMs) + 1) * dayMs + silentMs
}
