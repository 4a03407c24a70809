/**
 * Judges the one-token calls with biased logits of one principal.
 *
 * Who uses a bias to pick one of a few answers asks each prompt once, and always with the same bias. Who reads logits asks
 * the same prompt again and again with another bias. So each call is a bet on that: a call that changes the bias on a prompt
 * asked before multiplies the evidence, any other call divides it.
 *
 * Whoever goes over many prompts in passes comes back to each after many others: that is a second bet (passes.ts).
 *
 * Promises: where at most one call in five of a benign account does so whatever came before, the evidence is a
 * supermartingale between its returns to one, and a false alarm comes at most once in `callsPerFalseAlarm` calls on
 * average (Page's test with likelihood ratios: Lorden 1971), of which the second bet may have a tenth. Memory is
 * bounded: 4 models, 48 prompts of each.
 */
import { limits } from '../../../core/limits.ts'
import type { Entity, EvidenceRef } from '../../../core/signal.ts'
import { mergeEntities, mergeEvidence } from '../entities.ts'
import { inTens, strengthOf, strengthSeries, strengthWords, type Strength } from '../strength.ts'
import type { BehaviorFinding, BehaviorStep, GroupEntries, StepOutcome } from '../types.ts'
import { addDistinct, distinctOf, hash32 } from '../distinct.ts'
import { addAnswers, emptyMatrix, rankOf, type LogitMatrix } from './matrix.ts'
import type { BiasedCall, LogitLeakParams } from './params.ts'
import { evidenceOf, isSparse, passesBenign, passOver, type Passes } from './passes.ts'

/** The bets: a benign account changes the bias on a known prompt in at most this share of such calls; a thief mostly. */
const benignShare = 0.2
const thiefShare = 0.9
const hit = Math.log(thiefShare / benignShare)
const miss = Math.log((1 - thiefShare) / (1 - benignShare))

const passesShare = 0.1
/**
 * In passes, so many times the tokens: who looks for words that stand for the classes of a classifier tries dozens on
 * the same prompts.
 */
const passesTokens = 4
const promptsMax = 48
const biasesPerPromptMax = 64
const modelsMax = 4
const evidenceMax = limits.signalEvidenceMax
const silentMsMax = 30 * 86_400_000
/** Calls with evidence from which answers are laid down to estimate the rank. */
const matrixFrom = 3

interface Reading {
  calls: number
  changed: number
  /** Log of the evidence, at least 0; and since when it is above. */
  log: number
  sinceMs: number
  lastMs: number
  /** Calls since then. */
  run: number
  /** The smallest hashes of biased tokens. */
  tokens: number[]
  /** Prompt -> digests of the biases it was asked with. The one asked longest ago first. */
  prompts: [prompt: string, biases: string[]][]
  /** States of before have none. */
  passes?: Passes
  sparse?: Passes
  matrix: LogitMatrix
  /** Rows of the matrix when its rank was looked at last; -1 once the hidden size is known. */
  ranked: number
  series: [number, number][]
  crossed: boolean
  version: number
  told: number
  entities: readonly Entity[]
  evidence: readonly EvidenceRef[]
}

export class LogitLeakStep implements BehaviorStep {
  readonly stateVersion = 1
  readonly groupBy = ['warden.principal']
  readonly #params: LogitLeakParams
  readonly #line: number
  readonly #passesLine: number

  constructor(params: LogitLeakParams) {
    this.#params = params
    this.#line = Math.log(params.callsPerFalseAlarm / (1 - passesShare))
    this.#passesLine = Math.log(params.callsPerFalseAlarm / passesShare)
  }

  apply(group: readonly string[], entries: GroupEntries, input: unknown): StepOutcome {
    const call = input as BiasedCall
    const models = entries.get<Record<string, Reading>>('') ?? {}
    const reading = this.#readingOf(models, call)
    this.#bet(reading, call)
    entries.set('', models)
    const finding = this.#tell(group, call.model, reading)
    return { findings: finding === undefined ? [] : [finding], shuffled: [], dueMs: dueOf(models) }
  }

  advance(_group: readonly string[], entries: GroupEntries, watermarkMs: number): StepOutcome {
    const models = entries.get<Record<string, Reading>>('') ?? {}
    if (watermarkMs !== Infinity && watermarkMs < dueOf(models)) {
      return { findings: [], shuffled: [], dueMs: dueOf(models) }
    }
    return { findings: [], shuffled: [], dueMs: Infinity, forget: watermarkMs !== Infinity }
  }

  #readingOf(models: Record<string, Reading>, { model, timeMs }: BiasedCall): Reading {
    const known = Object.hasOwn(models, model) ? models[model] : undefined
    if (known !== undefined) return known
    const names = Object.keys(models)
    if (names.length >= modelsMax) {
      Reflect.deleteProperty(
        models,
        names.reduce((a, b) => (models[b]!.lastMs < models[a]!.lastMs ? b : a)),
      )
    }
    const reading: Reading = {
      calls: 0,
      changed: 0,
      log: 0,
      sinceMs: timeMs,
      lastMs: timeMs,
      run: 0,
      tokens: [],
      prompts: [],
      matrix: emptyMatrix(),
      ranked: 0,
      series: [],
      crossed: false,
      version: 0,
      told: 0,
      entities: [],
      evidence: [],
    }
    Object.defineProperty(models, model, { value: reading, enumerable: true, writable: true, configurable: true })
    return reading
  }

  /** As it is held against the line of the first bet. */
  #evidence({ log, passes, sparse }: Reading): number {
    return Math.max(log, passes === undefined ? 0 : evidenceOf(passes, sparse) - (this.#passesLine - this.#line))
  }

  #strength(reading: Reading): Strength {
    return strengthOf(this.#evidence(reading), this.#line)
  }

  /** Both bets on prompts that come back. */
  #passed(reading: Reading, call: BiasedCall): boolean {
    const [prompt, tokens] = [hash32(call.prompt), hash32(call.tokens.join(','))]
    const most = 3 * this.#passesLine
    const passed = passOver((reading.passes ??= { asked: '', logs: [] }), prompt, tokens, most)
    if (!isSparse(prompt)) return passed
    return passOver((reading.sparse ??= { asked: '', logs: [] }), prompt, tokens, most) || passed
  }

  #bet(reading: Reading, call: BiasedCall): void {
    const changed = changesBias(reading, call)
    const isBegun = reading.log > 0 || (reading.passes !== undefined && evidenceOf(reading.passes, reading.sparse) > 0)
    const passed = this.#passed(reading, call)
    const speaks = changed || passed
    reading.calls++
    if (speaks) reading.changed++
    if (!isBegun && speaks) Object.assign(reading, { sinceMs: call.timeMs, run: 0, series: [] })
    reading.log = Math.max(0, reading.log + (changed ? hit : miss))
    // Past the line more evidence says no more; it must be able to fade again.
    reading.log = Math.min(reading.log, 3 * this.#line)
    reading.lastMs = Math.max(reading.lastMs, call.timeMs)
    reading.run++
    for (const token of call.tokens) addDistinct(reading.tokens, token)
    if (reading.log === 0 && !passed) return
    if (reading.run <= 64) reading.series.push([reading.run, round(this.#evidence(reading))])
    reading.entities = mergeEntities(reading.entities, call.entities)
    reading.evidence = mergeEvidence(reading.evidence, [call.evidence], evidenceMax)
    if (this.#evidence(reading) >= matrixFrom * hit)
      addAnswers(reading.matrix, call.prompt, call.tokens.join(','), call.logprobs)
  }

  #tell(group: readonly string[], model: string, reading: Reading): BehaviorFinding | undefined {
    const { biasedTokensMin, bisectionsMin } = this.#params
    const tokens = distinctOf(reading.tokens)
    reading.crossed ||=
      (reading.log >= this.#line && (tokens >= biasedTokensMin || reading.changed >= bisectionsMin)) ||
      (this.#evidence(reading) >= this.#line && tokens >= passesTokens * biasedTokensMin)
    if (!reading.crossed || (!settles(reading) && reading.calls < 2 * reading.told)) return undefined
    reading.told = reading.calls
    reading.version++
    const rank = rankOf(reading.matrix)
    return {
      anchor: `${model}/${reading.sinceMs}`,
      version: reading.version,
      status: 'open',
      supersedes: [],
      group: { 'warden.principal': group[0]!, 'warden.model.id': model },
      timeMs: reading.lastMs,
      window: { startMs: reading.sinceMs, endMs: reading.lastMs + 1 },
      entities: reading.entities,
      evidence: { count: reading.run, events: reading.evidence },
      explanation: this.#words(group[0]!, model, reading, tokens, rank),
      facts: {
        calls: reading.calls,
        callsThatChangedTheBias: reading.changed,
        biasedTokens: tokens,
        ...this.#strength(reading),
        rank: rank.rank,
        rankIsHiddenSize: rank.settled,
      },
      exposure: { queries: reading.calls },
      series: [
        {
          ...strengthSeries(
            reading.series.map(([call, evidence]) => [call, inTens(evidence)]),
            this.#strength(reading),
          ),
          benign: [0, inTens(hit)],
        },
      ],
    }
  }

  #words(principal: string, model: string, reading: Reading, tokens: number, rank: ReturnType<typeof rankOf>): string {
    const share = Math.round((100 * reading.changed) / reading.calls)
    const seen =
      rank.rank === 0
        ? ''
        : rank.settled
          ? ` The answers have rank ${rank.rank}: the caller knows that the hidden size is ${rank.rank}.`
          : ` The answers have rank ${rank.rank} so far.`
    return (
      `${principal} asked ${model} ${reading.calls} times for a token or a few with biased logits; ${share} % of these calls ` +
      `repeat a prompt with another bias (benign programs: at most ${100 * benignShare} %, of other tokens ${100 * passesBenign} %), over about ${tokens} different ` +
      `tokens. ${strengthWords(this.#strength(reading))}.${seen}`
    )
  }
}

/** Whether the call repeats a prompt with a bias that it was not asked with before; remembers both. */
function changesBias({ prompts }: Reading, { prompt, bias }: BiasedCall): boolean {
  const at = prompts.findIndex(([known]) => known === prompt)
  if (at < 0) {
    if (prompts.length >= promptsMax) prompts.shift()
    prompts.push([prompt, [bias]])
    return false
  }
  const [entry] = prompts.splice(at, 1)
  prompts.push(entry!)
  const biases = entry![1]
  if (biases.includes(bias)) return false
  if (biases.length >= biasesPerPromptMax) biases.shift()
  biases.push(bias)
  return true
}

/** Whether it has just become known how large the hidden layer is: looked at once for each row. */
function settles(reading: Reading): boolean {
  const rows = Object.keys(reading.matrix.rows).length
  if (reading.ranked < 0 || rows === reading.ranked) return false
  const { settled } = rankOf(reading.matrix)
  reading.ranked = settled ? -1 : rows
  return settled
}

function dueOf(models: Record<string, Reading>): number {
  return Math.max(...Object.values(models).map(({ lastMs }) => lastMs), 0) + silentMsMax
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
