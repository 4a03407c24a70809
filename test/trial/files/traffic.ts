/**
 * One file of traffic while it is made: what was called when, by whom, and what that was in truth.
 *
 * Customers and attacks call through a client, which answers as the victim does and writes the log; ids come last, in order.
 */
import type { Dice } from '../dice.ts'
import type { Identity } from '../customers/identity.ts'
import type { EventTruth, FileTruth, HonestTruth, RunTruth } from '../truth/truth.ts'
import type { Ask, LanguageModel } from '../victims/language.ts'
import { rounded, type Input } from '../victims/numbers.ts'
import type { Answer, Victim } from '../victims/victim.ts'

export interface Made {
  readonly atMs: number
  readonly account: string
  readonly model: string
  readonly body: Record<string, unknown>
  readonly run: string | undefined
  /** What was asked and answered, where that is a vector. */
  readonly asked: { readonly input: Input; readonly probs: readonly number[] } | undefined
}

export interface WrittenFile {
  readonly truth: FileTruth
  readonly records: readonly Record<string, unknown>[]
  readonly made: readonly Made[]
}

export class Traffic {
  readonly file: string
  readonly startMs: number
  readonly #endMs: number
  readonly #dice: Dice
  readonly #made: Made[] = []
  readonly #honest: HonestTruth[] = []
  readonly #runs: RunTruth[] = []

  /** What happens at `endMs` or later is no longer in the file. */
  constructor(file: string, startMs: number, dice: Dice, endMs = Infinity) {
    this.file = file
    this.startMs = startMs
    this.#dice = dice
    this.#endMs = endMs
  }

  honest(account: string, kind: string): void {
    if (!this.#honest.some((each) => each.account === account)) this.#honest.push({ account, kind })
  }

  /** A name for the next run of this file. */
  runId(scenario: string): string {
    return `${scenario} ${this.#runs.length + 1}`
  }

  run(run: RunTruth): void {
    this.#runs.push(run)
  }

  call(
    atMs: number,
    who: Identity,
    victim: Victim,
    x: Input,
    run?: string,
    more: Record<string, unknown> = {},
  ): Answer {
    const answer = victim.answer(x)
    const body = {
      ...callBody(who, victim.id, victim.version),
      ...victim.logged(x),
      ...answer,
      latencyMs: rounded(3 + this.#dice.exponential(3), 100),
      bytesOut: 40 + 9 * answer.probs.length,
      status: 200,
      ...more,
    }
    const asked = { input: x, probs: answer.probs }
    this.#made.push({ atMs, account: who.principal, model: victim.id, body, run, asked })
    return answer
  }

  prompt(atMs: number, who: Identity, model: LanguageModel, ask: Ask, run?: string): void {
    const body = {
      ...callBody(who, model.id, model.version),
      ...model.record(ask),
      latencyMs: rounded(120 + ask.outputTokens * this.#dice.between(8, 20), 100),
      status: 200,
    }
    this.#made.push({ atMs, account: who.principal, model: model.id, body, run, asked: undefined })
  }

  /** A record of another type. */
  other(atMs: number, account: string, body: Record<string, unknown>, run?: string): void {
    this.#made.push({ atMs, account, model: '', body, run, asked: undefined })
  }

  written(): WrittenFile {
    const made = this.#made.filter(({ atMs }) => atMs < this.#endMs).sort((a, b) => a.atMs - b.atMs)
    const ids = new Set<string>()
    const records = made.map(({ atMs, body }): Record<string, unknown> => {
      let id = this.#dice.hex(14)
      while (ids.has(id)) id = this.#dice.hex(14)
      ids.add(id)
      return { id, ts: new Date(atMs).toISOString(), ...body }
    })
    const events = made.map(({ account, model, run }, n): EventTruth => {
      return { id: records[n]!['id'] as string, account, model, ...(run === undefined ? {} : { run }) }
    })
    return { truth: { file: this.file, events, runs: this.#runs, honest: this.#honest }, records, made }
  }
}

function callBody(who: Identity, model: string, modelVersion: string): Record<string, unknown> {
  return {
    type: 'inference',
    tenant: who.tenant,
    principal: who.principal,
    apiKey: who.apiKey,
    ip: who.ip,
    userAgent: who.userAgent,
    country: who.country,
    model,
    modelVersion,
  }
}
