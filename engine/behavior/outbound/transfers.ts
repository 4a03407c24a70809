/**
 * The grouped step of `outbound-transfer`, one group a tenant: follows what each principal gathers and sends, and where to.
 *
 * Promises: acts on arrival; state is bounded for each principal, for the tenant's places and sizes; one finding for each
 * principal and place, revised when the amount has grown by half.
 */
import type { Entity, EvidenceRef } from '../../../core/signal.ts'
import { limits } from '../../../core/limits.ts'
import { mergeEntities, mergeEvidence, type WithContext } from '../entities.ts'
import type { BehaviorFinding, BehaviorStep, GroupEntries, StepOutcome } from '../types.ts'
import { explainOutbound } from './explain.ts'
import type { Moved, OutboundParams } from './params.ts'
import { dayOf, dropOldest, noteGathered, OutboundState, sentTo, type Person, type Sent } from './state.ts'
import { judgeOutbound, type OutboundVerdict } from './verdict.ts'

const dayMs = 86_400_000
const growth = 1.5
const sentDaysMax = 32

export class OutboundTransfers implements BehaviorStep {
  readonly stateVersion = 1
  readonly groupBy = ['organization.id']
  readonly #params: OutboundParams

  constructor(params: OutboundParams) {
    this.#params = params
  }

  apply(_group: readonly string[], entries: GroupEntries, input: unknown): StepOutcome {
    const { of: moved, entities, evidence } = input as WithContext<Moved>
    const state = new OutboundState(entries)
    const day = dayOf(moved.timeMs)
    const since = state.since(day)
    const person = state.person(moved.principal)
    if (moved.channel === 'in') {
      if (!moved.covered) noteGathered(person, day, moved.bytes, moved.piece)
      state.keep(moved.principal, person)
      return quiet
    }
    const sent = sentTo(person, `${moved.channel} ${moved.place}`, day)
    this.#count(state, moved, sent, day, entities, evidence)
    const place = state.use(moved.channel, moved.place, moved.principal, day)
    const verdict = moved.covered
      ? undefined
      : judgeOutbound(this.#params, {
          ...this.#amounts(person, sent, day),
          others: place.others,
          sizes: state.sizes(moved.channel),
          isArtifact: moved.channel === 'copy',
          isNewPlace: place.first - since >= this.#params.learning / dayMs,
        })
    const findings = verdict === undefined ? [] : this.#find(moved, sent, day, verdict)
    state.keep(moved.principal, person)
    return { ...quiet, findings }
  }

  advance(): StepOutcome {
    return quiet
  }

  /** Adds an amount to its day; earlier days of this place go to the sizes that are usual. */
  #count(
    state: OutboundState,
    moved: Moved,
    sent: Sent,
    day: number,
    entities: readonly Entity[],
    evidence: readonly EvidenceRef[],
  ): void {
    for (const [earlier, bytes] of Object.entries(sent.days)) {
      if (Number(earlier) < sent.told || Number(earlier) >= day || sent.finding !== undefined) continue
      if (bytes > 0) state.addSize(moved.channel, bytes)
    }
    sent.told = Math.max(sent.told, day)
    sent.days[day] = (sent.days[day] ?? 0) + moved.bytes
    sent.count++
    dropOldest(sent.days, sentDaysMax, (_, key) => Number(key))
    sent.entities = mergeEntities(sent.entities, entities)
    sent.evidence = mergeEvidence(sent.evidence, evidence, limits.signalEvidenceMax)
  }

  #amounts(person: Person, sent: Sent, day: number) {
    const from = day - Math.round(this.#params.span / dayMs) + 1
    const days = Object.entries(sent.days).filter(([at, bytes]) => Number(at) >= from && Number(at) <= day && bytes > 0)
    const fresh = (at: number): number => (person.fresh?.[at] ?? 0) + (person.fresh?.[at - 1] ?? 0)
    return {
      today: sent.days[day] ?? 0,
      newest: days
        .sort(([a], [b]) => Number(b) - Number(a))
        .map(([at, bytes]) => ({ bytes, fresh: fresh(Number(at)) })),
      span: days.reduce((sum, [, bytes]) => sum + bytes, 0),
      days: days.length,
      gathered: gatheredSince(person, day - Math.round(this.#params.staging / dayMs), day),
      gatheredSpan: gatheredSince(person, from - 1, day),
    }
  }

  #find(moved: Moved, sent: Sent, day: number, verdict: OutboundVerdict): BehaviorFinding[] {
    const total = Object.values(sent.days).reduce((sum, bytes) => sum + bytes, 0)
    const last = sent.finding
    if (last !== undefined && total < last.bytes * growth) return []
    const finding = { anchor: last?.anchor ?? day, version: (last?.version ?? 0) + 1, bytes: total }
    sent.finding = finding
    const { explanation, facts } = explainOutbound(moved, verdict, sent, total)
    return [
      {
        anchor: `${moved.channel} ${moved.place} ${finding.anchor}`,
        version: finding.version,
        status: 'open',
        supersedes: [],
        group: { 'warden.principal': moved.principal, place: moved.place },
        timeMs: moved.timeMs,
        window: { startMs: Math.min(...Object.keys(sent.days).map(Number)) * dayMs, endMs: moved.timeMs },
        entities: sent.entities,
        evidence: { count: sent.count, events: sent.evidence },
        explanation,
        facts,
        exposure: { bytes: total },
      },
    ]
  }
}

const quiet: StepOutcome = { findings: [], shuffled: [], dueMs: Infinity }

function gatheredSince(person: Person, from: number, to: number): number {
  let sum = 0
  for (const [day, bytes] of Object.entries(person.gathered)) if (Number(day) >= from && Number(day) <= to) sum += bytes
  return sum
}
