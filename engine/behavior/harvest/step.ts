/**
 * The local step of `answer-harvest`: weighs each call of one account at one language model, and lets it teach while it is above
 * suspicion.
 *
 * Promises: each different prompt is a bet; where an honest account shows what is bet on in at most the share that is allowed,
 * whatever came before, a false alarm comes at most once in `callsPerFalseAlarm` different prompts (bets.ts). Repeated prompts
 * carry no evidence. O(1) a call; state is bounded; silence longer than `forget` ends it.
 */
import type { Entity, EvidenceRef } from '../../../core/signal.ts'
import { evidenceOfBets } from '../bets.ts'
import type { BehaviorFinding, BehaviorStep, GroupEntries, Shuffled, StepContext, StepOutcome } from '../types.ts'
import { Account, AccountBlock } from './account.ts'
import { betsOver, weigh, type Bets } from './bets.ts'
import { wasAsked } from './asked-before.ts'
import { busyMin, busyShare, weighBusy } from './busy.ts'
import { nothing, openCover, suiteMost, weighCover, type OpenedCover, type WeighedCover } from './cover.ts'
import { coverVersion, isOwnText, type ToldCover } from './cover-lines.ts'
import { findingOf, muchFindingOf } from './explain.ts'
import { intervalRoom, type ToldLines } from './lines.ts'
import { newMs } from './newcomers.ts'
import { packedPrompt } from './packed-prompt.ts'
import type { Even, HarvestParams, Taught } from './params.ts'
import { begun, isNews, note, stack, type Suspicion } from './suspicion.ts'

export interface Answered {
  readonly timeMs: number
  /** 32 bits: equal prompts have equal ones. */
  readonly prompt: number
  /** Its embedding, of length 1: good until the input of another event is read. */
  readonly x?: Float64Array
  readonly inTokens: number
  readonly outTokens: number
  readonly entities: () => readonly Entity[]
  readonly evidence: () => EvidenceRef
}

const dayMs = 86_400_000
/** A translation has up to so many times the tokens of the text. */
const translatedTimes = 1.5
/** Of the false alarms of what is looked at where prompts have embeddings. */
const muchShare = 0.1
/** Evidence, as a logarithm, from which an account is under suspicion, and below which suspicion ends. */
const suspect = Math.log(1_000)
const cleared = Math.log(10)
/** Calls that an account teaches in a day, and in its first, in which they are weighed with those of other newcomers. */
const taughtMax = 128
const taughtFirstMax = 512
/** Answers for which a reader would take so many days, waiting to be read, are more than a person has written for itself. */
const unreadDays = 0.5
const suspicionName = 'suspicion'

/** What a model's lines come to for one account. */
interface Opened {
  readonly told: ToldLines
  readonly bets: Bets
  /** Undefined: it was told before there was any. */
  readonly busy: Bets | undefined
  readonly own: ReadonlyMap<string, Bets>
}

export class HarvestStep implements BehaviorStep {
  readonly stateVersion = 1
  readonly groupBy = ['warden.principal', 'warden.model.id']
  readonly #params: HarvestParams
  readonly #line: number
  readonly #busyLine: number
  readonly #coverLine: number
  readonly #muchLine: number
  readonly #account = new Account()
  readonly #opened = new WeakMap<object, Opened>()
  readonly #covers = new WeakMap<object, OpenedCover>()

  constructor(params: HarvestParams) {
    this.#params = params
    this.#line = Math.log((params.callsPerFalseAlarm * intervalRoom) / (1 - busyShare))
    this.#busyLine = Math.log((params.callsPerFalseAlarm * intervalRoom) / busyShare)
    this.#coverLine = Math.log(params.callsPerFalseAlarm / (1 - muchShare))
    this.#muchLine = Math.log(params.callsPerFalseAlarm / muchShare)
  }

  apply(
    group: readonly string[],
    entries: GroupEntries,
    observation: unknown,
    _watermarkMs: number,
    context: StepContext,
  ): StepOutcome {
    const call = observation as Answered
    const account = this.#account
    const block = account.open(AccountBlock.of(entries.get('')), call.timeMs)
    const isEven = account.keepsPace(call.timeMs)
    // Who asks a suite of tests again is known from its first run on, whether or not anything has been learned by then.
    const isAgain = call.x !== undefined && wasAsked(entries, call.prompt)
    const isNew = account.ask(call.prompt) && !isAgain
    const outcome = isNew ? this.#weigh(group, entries, call, isEven, context) : this.#outcome([], [])
    account.putBack(block)
    entries.set('', block)
    return outcome
  }

  advance(_group: readonly string[], entries: GroupEntries, watermarkMs: number): StepOutcome {
    const block = AccountBlock.of(entries.get(''))
    if (block === undefined) return { findings: [], shuffled: [], dueMs: Infinity, forget: true }
    this.#account.open(block, 0)
    const outcome = this.#outcome([], [])
    return watermarkMs !== Infinity && watermarkMs >= outcome.dueMs ? { ...outcome, forget: true } : outcome
  }

  #weigh(
    group: readonly string[],
    entries: GroupEntries,
    call: Answered,
    isEven: boolean,
    context: StepContext,
  ): StepOutcome {
    const [principal, model] = group as [string, string]
    const gathers = isEven && call.outTokens > translatedTimes * call.inTokens
    const opened = this.#open(context.baseline(`${model} answers`))
    const evidence = opened === undefined ? 0 : this.#settle(principal, call, gathers, opened)
    const findings =
      opened === undefined ? [] : this.#judge(group, entries, call, gathers, { evidence, told: opened.told })
    this.#account.askOn(Math.floor(call.timeMs / dayMs))
    const busy = opened === undefined ? nothing : this.#busy(group, entries, call, gathers, opened)
    const much = this.#much(group, entries, call, context)
    const cover = this.#cover(group, entries, call, context)
    const most = Math.max(evidence, busy.evidence, much.evidence, cover.evidence)
    const taught = this.#teach(principal, model, call, gathers, most)
    const even = cover.even === undefined ? [] : [this.#tellEven(principal, model, call, cover.even)]
    return this.#outcome([...findings, ...busy.findings, ...much.findings, ...cover.findings], [...taught, ...even])
  }

  /** Whoever was learned from for days, or was told of already, is looked at by its pace alone. */
  #busy(
    group: readonly string[],
    entries: GroupEntries,
    call: Answered,
    gathers: boolean,
    { told, busy, own }: Opened,
  ): Pick<WeighedCover, 'evidence' | 'findings'> {
    const isTold = (entries.get<Suspicion>(suspicionName)?.version ?? 0) > 0
    if (busy === undefined || isTold || own.has(group[0]!)) return nothing
    const line = this.#busyLine
    const asked = { call, tokens: tokensOf(call, gathers), today: this.#account.askedToday }
    const find = (suspicion: Suspicion, evidence: number): BehaviorFinding =>
      findingOf(
        group,
        suspicion,
        { evidence, line, timeMs: call.timeMs, told: { ...told, allowed: told.busy ?? told.allowed } },
        'busy',
      )
    const look = { name: 'busy', lines: told.lines, bets: busy, callsMin: 0, line, find } as const
    return weighBusy(entries, asked, look, this.#params.readADay)
  }

  /** At whatever pace; until it is told it may be a customer that others are like, and teaches. */
  #much(
    group: readonly string[],
    entries: GroupEntries,
    call: Answered,
    context: StepContext,
  ): Pick<WeighedCover, 'evidence' | 'findings'> {
    const opened = call.x === undefined ? undefined : this.#openCover(context.baseline(`${group[1]!} prompts`))
    const isTold = (entries.get<Suspicion>(suspicionName)?.version ?? 0) > 0
    if (opened?.much === undefined || isTold || opened.own.has(group[0]!)) return nothing
    const line = this.#muchLine
    const { told } = opened
    const asked = { call, tokens: longTokensOf(call), today: this.#account.askedToday }
    const find = (suspicion: Suspicion, evidence: number): BehaviorFinding =>
      muchFindingOf(group, suspicion, { evidence, line, timeMs: call.timeMs, told })
    const look = {
      name: 'much',
      lines: told.lines.slice(0, 1),
      bets: opened.much,
      callsMin: suiteMost - busyMin,
      withinMs: dayMs,
      line,
      find,
    } as const
    const weighed = weighBusy(entries, asked, look, this.#params.readADay)
    return weighed.isTold ? weighed : { ...weighed, evidence: 0 }
  }

  #cover(group: readonly string[], entries: GroupEntries, call: Answered, context: StepContext): WeighedCover {
    const opened = call.x === undefined ? undefined : this.#openCover(context.baseline(`${group[1]!} prompts`))
    return opened === undefined ? nothing : weighCover(group, entries, call, opened, this.#coverLine)
  }

  #tellEven(principal: string, model: string, call: Answered, even: Even): Shuffled {
    const observation: Taught = {
      principal,
      sinceMs: this.#account.firstMs,
      timeMs: call.timeMs,
      answers: [],
      even,
      entities: call.entities(),
      evidence: call.evidence(),
    }
    return { group: [model], observation }
  }

  #settle(principal: string, call: Answered, gathers: boolean, { told, bets, own }: Opened): number {
    const { logs } = this.#account
    weigh(logs, own.get(principal) ?? bets, told.lines, tokensOf(call, gathers), [0, 2 * this.#line])
    return evidenceOfBets([...logs])
  }

  #judge(
    group: readonly string[],
    entries: GroupEntries,
    call: Answered,
    gathers: boolean,
    { evidence, told }: { readonly evidence: number; readonly told: ToldLines },
  ): BehaviorFinding[] {
    const account = this.#account
    const known = entries.get<Suspicion>(suspicionName)
    // What comes after one that was told is another, with an anchor of its own.
    if (evidence === 0 || (evidence < cleared && known !== undefined && known.version > 0)) account.clear(call.timeMs)
    if (evidence < cleared) {
      entries.delete(suspicionName)
      return []
    }
    const suspicion = known ?? begun(account.sinceMs)
    note(suspicion, call, gathers && call.outTokens > told.lines[0]!, evidence)
    const { promptsMin, readADay } = this.#params
    stack(suspicion, call, readADay)
    entries.set(suspicionName, suspicion)
    const gathered = account.freshSince >= promptsMin && suspicion.tokens > suspicion.inTokens
    const isMuch = (suspicion.unread?.[2] ?? 0) > unreadDays * readADay
    if (evidence < this.#line || !gathered || !isMuch || !isNews(suspicion)) return []
    suspicion.version++
    suspicion.told = suspicion.calls
    return [findingOf(group, suspicion, { evidence, line: this.#line, timeMs: call.timeMs, told })]
  }

  #teach(principal: string, model: string, call: Answered, gathers: boolean, evidence: number): Shuffled[] {
    const account = this.#account
    const { timeMs } = call
    const of = { principal, sinceMs: account.firstMs, timeMs }
    if (evidence >= suspect && !account.withdrawn) {
      account.withdrawn = true
      return [{ group: [model], observation: { ...of, answers: [], suspect: true } satisfies Taught }]
    }
    if (account.withdrawn && evidence < cleared) account.withdrawn = false
    const isNew = timeMs < account.firstMs + newMs
    if (account.withdrawn && !isNew) return []
    const answers = account.teach(tokensOf(call, gathers), call.prompt, isNew ? taughtFirstMax : taughtMax)
    if (answers === undefined) return []
    const observation: Taught = {
      ...of,
      answers,
      ...(call.x === undefined ? {} : { prompt: { x: packedPrompt(call.x), tokens: longTokensOf(call) } }),
      ...(Math.max(account.askedToday, account.askedBefore) < busyMin ? {} : { busy: true }),
      ...(account.withdrawn ? { suspect: true } : {}),
      ...(isNew ? { entities: call.entities(), evidence: call.evidence() } : {}),
    }
    return [{ group: [model], observation }]
  }

  #open(told: unknown): Opened | undefined {
    if (typeof told !== 'object' || told === null || (told as ToldLines).version !== 1) return undefined
    let opened = this.#opened.get(told)
    if (opened === undefined) {
      const lines = told as ToldLines
      opened = {
        told: lines,
        bets: betsOver(lines.allowed),
        busy: lines.busy && betsOver(lines.busy),
        own: new Map(lines.own.map(([principal, allowed]) => [principal, betsOver(allowed)])),
      }
      this.#opened.set(told, opened)
    }
    return opened
  }

  #openCover(told: unknown): OpenedCover | undefined {
    if (typeof told !== 'object' || told === null || (told as ToldCover).version !== coverVersion) return undefined
    let opened = this.#covers.get(told)
    if (opened === undefined) {
      opened = openCover(told as ToldCover)
      this.#covers.set(told, opened)
    }
    return opened
  }

  /** By the day, so that not every call moves it. */
  #outcome(findings: readonly BehaviorFinding[], shuffled: readonly Shuffled[]): StepOutcome {
    const dueMs = (Math.floor(this.#account.lastMs / dayMs) + 1) * dayMs + this.#params.forget
    return { findings, shuffled, dueMs }
  }
}

/** As it is taught (params.ts). */
function tokensOf({ outTokens }: Answered, gathers: boolean): number {
  return gathers ? outTokens : -outTokens
}

/** As a prompt is taught (params.ts). */
function longTokensOf(call: Answered): number {
  return isOwnText(call) ? call.outTokens : -call.outTokens
}
