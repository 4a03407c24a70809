/**
 * New accounts that each seem to ask evenly of all that a model is asked, and for long answers: a set of prompts that
 * is split among them.
 *
 * Alone each might be somebody who tries the model with a suite of open questions; that several begin within days and
 * do so at the same time is no chance. Those who have been known for longer are left out: with a new version many
 * customers run their suites again.
 *
 * Each has brought evidence of both bets of its own (cover.ts): as an honest account shows once in ten thousand
 * prompts. Of twenty that begin on one day and ask 400 each, four do so by chance on one of eighty days at most, where
 * every one of them is as even and gets as long answers as any may.
 *
 * Promises: at most `eachMax` are kept, that with the least evidence goes first; O(accounts) each time that one tells.
 */
import type { Entity, EvidenceRef } from '../../../core/signal.ts'
import { mergeEntities, mergeEvidence } from '../entities.ts'
import { inTens, power } from '../strength.ts'
import type { BehaviorFinding } from '../types.ts'
import { findingOfSeveral } from './explain.ts'
import type { Even, Taught } from './params.ts'

/** Fewest that are told of together. */
const membersMin = 4
const eachMax = 64
/** How long one that has fallen silent counts. */
const silentMs = 86_400_000

interface One extends Even {
  readonly principal: string
  readonly lastMs: number
  readonly entities: readonly Entity[]
  readonly events: readonly EvidenceRef[]
  /** It was one of those that were told of. */
  readonly told?: true
}

/** JSON. */
export interface Together {
  readonly sinceMs: number
  /** How often any were told of. */
  readonly version: number
  readonly each: readonly One[]
}

/** News of one account. */
export function tellTogether(
  model: string,
  known: Together | undefined,
  taught: Taught & { readonly even: Even },
): { readonly together: Together; readonly finding?: BehaviorFinding } {
  const { principal, timeMs, even } = taught
  const before = known?.each.find((each) => each.principal === principal)
  const one: One = {
    ...even,
    ...(before?.told === true && { told: before.told }),
    principal,
    lastMs: timeMs,
    entities: mergeEntities(before?.entities ?? [], taught.entities ?? []),
    events: mergeEvidence(before?.events ?? [], taught.evidence === undefined ? [] : [taught.evidence], 3),
  }
  const each = [...(known?.each ?? []), one]
    .filter((each) => each === one || (each.principal !== principal && each.lastMs + silentMs > timeMs))
    .filter(({ evidence }) => evidence > 0)
    .sort((a, b) => b.evidence - a.evidence || (a.principal < b.principal ? -1 : 1))
    .slice(0, eachMax)
  // What comes after all of them were gone is another, with an anchor of its own.
  const isFirst = known === undefined || known.each.length === 0
  const { sinceMs, version } = isFirst ? { sinceMs: timeMs, version: 0 } : known
  if (each.length < membersMin || each.every(({ told }) => told)) return { together: { sinceMs, version, each } }
  const together: Together = {
    sinceMs,
    version: version + 1,
    each: each.map((one) => ({ ...one, told: true as const })),
  }
  return { together, finding: findingOf(model, together, timeMs) }
}

function findingOf(model: string, { sinceMs, version, each }: Together, timeMs: number): BehaviorFinding {
  const sum = (of: (one: One) => number): number => each.reduce((all, one) => all + of(one), 0)
  const gatherers = each.map((one) => ({ ...one, why: whyOf(one) }))
  return findingOfSeveral('together', model, { sinceMs, version, timeMs }, gatherers, (queries) => ({
    count: sum(({ long }) => long),
    explanation:
      `${each.length} accounts that are new at ${model} ask evenly of all that it is asked, each of them and for long ` +
      `answers, as those do who train another model on them and split the prompts: ${queries} different prompts of all together.`,
    facts: { evidenceLog10: inTens(sum(({ evidence }) => evidence)) },
  }))
}

function whyOf({ calls, long, evidence }: One): string {
  return `of ${calls} different prompts ${long} were aside from what it asks most and got long answers (${power(inTens(evidence))})`
}
