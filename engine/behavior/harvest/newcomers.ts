/**
 * Accounts that have just begun to use a model, put together: who splits a set of prompts among many accounts opens them for it.
 *
 * The calls of all newcomers are one stream, and it is weighed as an account's is: where none of them shows more than
 * an honest account may, neither do they together, so the same bound holds, and nothing that they share has to be
 * known. Whoever brought evidence of its own to it is of those who are told, if its prompts are like those of the
 * others: of honest newcomers at most one in 11 ever has so much (Ville's inequality; e^3.2 over `intervalRoom`), but
 * writers among them, who have as much, ask what nobody else asks (one-kind.ts).
 *
 * Promises: at most `newcomersMax` are kept, each for its first day, that with the least evidence goes first;
 * O(newcomers) for each few calls of one.
 */
import type { Entity, EvidenceRef } from '../../../core/signal.ts'
import { evidenceOfBets } from '../bets.ts'
import { Asked, packedZeros, type AskedJson } from '../asked.ts'
import { mergeEntities, mergeEvidence } from '../entities.ts'
import { inTens, power, strengthOf, strengthWords } from '../strength.ts'
import type { BehaviorFinding } from '../types.ts'
import { betsCount, weigh, type Bets } from './bets.ts'
import type { ToldLines } from './lines.ts'
import { ofOneKind } from './one-kind.ts'
import { findingOfSeveral } from './explain.ts'
import { unpackedPrompt } from './packed-prompt.ts'
import type { Taught } from './params.ts'

export const newMs = 86_400_000
const newcomersMax = 64
/** Fewest of them that are told of together; two, where each has brought as much as of 69 honest ones one ever has. */
const membersMin = 3
const pairMin = 2
const pairOwnMin = Math.log(150)
/** Evidence of its own, as a logarithm, that makes one of them a member; below `cleared` what was told is over. */
const ownMin = Math.log(25)
const cleared = Math.log(10)
const leastLog = -30

interface Newcomer {
  readonly principal: string
  lastMs: number
  logs: number[]
  calls: number
  long: number
  tokens: number
  /** What it asks, where prompts have embeddings; states of before have none. */
  asked?: AskedJson
  entities: readonly Entity[]
  evidence: readonly EvidenceRef[]
}

/** JSON. */
export interface Newcomers {
  /** Evidence of all of them together since it was last at nothing, and calls since then. */
  logs: number[]
  sinceMs: number
  calls: number
  /** Members that were told of last, and how often any were. */
  told: number
  version: number
  each: Newcomer[]
}

export function noNewcomers(timeMs: number): Newcomers {
  return { logs: [], sinceMs: timeMs, calls: 0, told: 0, version: 0, each: [] }
}

export interface Limits {
  readonly line: number
  readonly callsMin: number
}

/** Some calls of one newcomer. */
export function pour(
  model: string,
  newcomers: Newcomers,
  taught: Taught,
  { told, bets }: { readonly told: ToldLines; readonly bets: Bets },
  { line, callsMin }: Limits,
): BehaviorFinding | undefined {
  const one = newcomerOf(newcomers, taught)
  for (const tokens of taught.answers) {
    weigh(newcomers.logs, bets, told.lines, tokens, [0, 2 * line])
    weigh(one.logs, bets, told.lines, tokens, [leastLog, 2 * line])
    newcomers.calls++
    one.calls++
    one.tokens += Math.abs(tokens)
    if (tokens > told.lines[0]!) one.long++
  }
  const evidence = evidenceOfBets(newcomers.logs)
  const isOver = evidence < cleared && newcomers.version > 0
  if (isOver) newcomers.told = newcomers.version = 0
  // What comes after one that was told is another, with an anchor of its own.
  if (isOver || evidence === 0) Object.assign(newcomers, { sinceMs: taught.timeMs, calls: 0 })
  if (evidence < line || newcomers.calls < callsMin) return undefined
  const members = ofOneKind(
    newcomers.each.filter(({ logs }) => evidenceOfBets(logs) >= ownMin),
    newcomers.each,
  )
  const isPair = members.length === pairMin && members.every(({ logs }) => evidenceOfBets(logs) >= pairOwnMin)
  if ((members.length < membersMin && !isPair) || members.length <= newcomers.told) return undefined
  newcomers.told = members.length
  newcomers.version++
  return findingOf(model, newcomers, members, { evidence, line, timeMs: taught.timeMs, told })
}

/** Those whose first day is over are no newcomers any more. */
export function withoutOld(newcomers: Newcomers, watermarkMs: number): void {
  newcomers.each = newcomers.each.filter(({ lastMs }) => lastMs + newMs > watermarkMs)
}

function newcomerOf(newcomers: Newcomers, { principal, timeMs, entities = [], evidence, prompt }: Taught): Newcomer {
  let one = newcomers.each.find((each) => each.principal === principal)
  if (one === undefined) {
    if (newcomers.each.length >= newcomersMax) {
      newcomers.each
        .sort((a, b) => most(a) - most(b) || a.lastMs - b.lastMs || (a.principal < b.principal ? -1 : 1))
        .shift()
    }
    const logs = Array.from({ length: betsCount }, () => 0)
    one = { principal, lastMs: timeMs, logs, calls: 0, long: 0, tokens: 0, entities: [], evidence: [] }
    newcomers.each.push(one)
  }
  one.lastMs = Math.max(one.lastMs, timeMs)
  if (prompt !== undefined) one.asked = asking(one.asked, unpackedPrompt(prompt.x), timeMs)
  one.entities = mergeEntities(one.entities, entities)
  one.evidence = mergeEvidence(one.evidence, evidence === undefined ? [] : [evidence], 3)
  return one
}

function asking(known: AskedJson | undefined, x: Float64Array, timeMs: number): AskedJson {
  const mine = known === undefined ? undefined : new Asked(known)
  const asked =
    mine?.mean.length === x.length
      ? mine
      : new Asked({ tenant: '', mean: packedZeros(x.length), calls: 0, firstMs: timeMs, lastMs: timeMs })
  asked.add(x, timeMs, undefined)
  return asked.toJSON()
}

function most({ logs }: Newcomer): number {
  return Math.max(...logs)
}

interface Crossing {
  readonly evidence: number
  readonly line: number
  readonly timeMs: number
  readonly told: ToldLines
}

function findingOf(
  model: string,
  { sinceMs, calls, version }: Newcomers,
  found: readonly Newcomer[],
  { evidence, line, timeMs, told }: Crossing,
): BehaviorFinding {
  const each = found.map((one) => ({ ...one, events: one.evidence, why: whyOf(one, told) }))
  const strength = strengthOf(evidence, line)
  return findingOfSeveral('newcomers', model, { sinceMs, version, timeMs }, each, (queries) => ({
    count: queries,
    explanation:
      `${each.length} accounts that have just begun to use ${model} gather its answers, as one does who trains another model ` +
      `on them and splits the prompts: new prompts, shorter than their answers, at an even pace, and answers of more than ` +
      `${told.lines[0]!} tokens, as 5 % of all honest answers are. Looked at were ${calls} calls of all new accounts together. ` +
      `${strengthWords(strength)}.`,
    facts: { longFrom: told.lines[0]!, ...strength },
  }))
}

function whyOf({ calls, long, logs }: Newcomer, { lines }: ToldLines): string {
  return `of ${calls} calls ${long} gathered more than ${lines[0]!} tokens (${power(inTens(evidenceOfBets(logs)))})`
}
