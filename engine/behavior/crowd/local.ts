/**
 * The local step of `account-crowd`: tells the pooling step of an account's queries, as many as one account may in a day, and
 * how unlike honest ones each is by itself.
 */
import type { Event } from '../../../core/event.ts'
import type { Entity } from '../../../core/signal.ts'
import { driftedSince, isStrange } from '../drift/told.ts'
import { entitiesOf, evidenceOf, timeOf } from '../entities.ts'
import { inputOf, packedInput, type QueryInput } from '../input/input.ts'
import { countNoise, isNoisy } from '../model-queries/honest/noisy.ts'
import { openReference, levelCount, type Reference } from '../model-queries/honest/reference.ts'
import { agentFamily, networkOf } from '../network.ts'
import { referenceNames } from '../told-name.ts'
import type { BehaviorStep, GroupEntries, StepContext, StepOutcome } from '../types.ts'
import type { CrowdParams, Sight } from './params.ts'

const dayMs = 86_400_000
const nothing: readonly never[] = []
const nothingLearned: NoveltyTold = { novelty: 0 }
/** The bets are on this much more than an honest account may show. */
const gain = 0.5

type NoveltyTold = Pick<Sight, 'novelty' | 'past' | 'noisy'>

interface Told {
  day: number
  count: number
  /** What is counted of its noise (noisy.ts); states of before have none. */
  noise?: number
}

export class TellStep implements BehaviorStep {
  readonly stateVersion = 1
  readonly groupBy = ['warden.principal', 'warden.model.id']
  readonly #params: CrowdParams
  readonly #hits = new WeakMap<Reference, readonly number[]>()

  constructor(params: CrowdParams) {
    this.#params = params
  }

  apply(
    group: readonly string[],
    entries: GroupEntries,
    observation: unknown,
    _watermarkMs: number,
    context: StepContext,
  ): StepOutcome {
    const event = observation as Event
    const timeMs = timeOf(event)
    const day = Math.floor(timeMs / dayMs)
    const told = entries.get<Told>('') ?? { day, count: 0 }
    if (day > told.day) {
      told.day = day
      told.count = 0
    }
    const dueMs = (told.day + 2) * dayMs
    if (day < told.day || told.count >= this.#params.queriesPerDayMax)
      return { findings: nothing, shuffled: nothing, dueMs }
    told.count++
    const model = group[1]!
    const input = inputOf(event)
    const reference = input === undefined ? undefined : referenceOf(context, model, input)
    const drifted = isStrange(driftedSince(context, model, timeMs), timeMs, reference?.told.since)
    const isKnown = input !== undefined && reference !== undefined && !drifted
    const { novelty, past, noisy } = isKnown ? this.#noveltyOf(input, reference, told) : nothingLearned
    const tokens = tokensOf(event)
    // Each property by name, undefined where it is absent: what is put together by spreading takes a microsecond more.
    const sight: Sight = {
      timeMs,
      principal: group[0]!,
      tenant: event.organization.id,
      network: networkOf(event.source?.ip ?? ''),
      agent: agentFamily(event.user_agent?.original ?? ''),
      kind: input?.kind ?? 'none',
      x: input === undefined ? '' : packedInput(input),
      novelty,
      past,
      noisy,
      answer: tokens?.answer,
      prompt: tokens?.prompt,
      drifted: drifted ? true : undefined,
      entities: credentialOf(entitiesOf(event)),
      evidence: evidenceOf(event),
    }
    entries.set('', told)
    return { findings: nothing, shuffled: [{ group: [model], observation: sight }], dueMs }
  }

  advance(_group: readonly string[], entries: GroupEntries, watermarkMs: number): StepOutcome {
    const told = entries.get<Told>('')
    const dueMs = told === undefined ? 0 : (told.day + 2) * dayMs
    if (watermarkMs === Infinity || watermarkMs < dueMs) return { findings: [], shuffled: [], dueMs }
    return { findings: [], shuffled: [], dueMs: Infinity, forget: true }
  }

  /** How unlike honest inputs it is by itself, and with room for its account's noise. It is counted as one more of its inputs. */
  #noveltyOf(input: QueryInput, reference: Reference, told: Told): NoveltyTold {
    const { x, label, kind, blackAndWhite } = input
    const { novelty: lines, share } = reference.told.lines
    const novelty = reference.novelty(x, label)
    const rarest = share[levelCount - 1]!
    const [past, log] = this.#betOn(novelty, input, reference)
    const of = { novelty: log, past: [past, Math.ceil(rarest * 1e6) / 1e6] } as const
    if (kind !== 'features' || blackAndWhite) return of
    const left = novelty > lines[0]! ? reference.noveltyWithRoom(x, label) : novelty
    const before = told.noise ?? 0
    told.noise = countNoise(before, novelty > lines[0]!, left > lines[0]!)
    if (past === 0 || !isNoisy(before)) return of
    return { ...of, noisy: this.#betOn(left, input, reference) }
  }

  /**
   * How many lines that is past, and the logarithm of the mean of bets over the lines of novelty and margin. Under each
   * an honest query falls with a probability of at most share^allowance, so each bet has mean at most one, and so has
   * their mean.
   */
  #betOn(novelty: number, { margin }: QueryInput, reference: Reference): readonly [lines: number, log: number] {
    const { lines } = reference.told
    const hits = this.#hitsAt(reference)
    let sum = 0
    let bets = 0
    let past = 0
    for (let level = 0; level < levelCount; level++) {
      const isPast = novelty > lines.novelty[level]!
      if (isPast) past++
      sum += isPast ? hits[level]! : 1 - gain
      bets++
      if (margin === undefined) continue
      sum += margin < lines.margin[level]! ? hits[level]! : 1 - gain
      bets++
    }
    return [past, Math.round(Math.log(sum / bets) * 1e3) / 1e3]
  }

  /** What a hit at each of its lines brings. */
  #hitsAt(reference: Reference): readonly number[] {
    let hits = this.#hits.get(reference)
    if (hits === undefined) {
      hits = reference.told.lines.share.map((share) => {
        const honest = share ** this.#params.allowance
        return (honest + (1 - honest) * gain) / honest
      })
      this.#hits.set(reference, hits)
    }
    return hits
  }
}

/** Of a language model's answer and its prompt, where both are known. */
function tokensOf({ gen_ai: ai }: Event): Pick<Sight, 'answer' | 'prompt'> | undefined {
  const { output_tokens: answer, input_tokens: prompt } = ai?.usage ?? {}
  return isCount(answer) && isCount(prompt) ? { answer, prompt } : undefined
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value < 1e9
}

/** Alone, as a list: it travels as one. */
function credentialOf(entities: readonly Entity[]): readonly Entity[] {
  for (const entity of entities) if (entity.type === 'credential') return [entity]
  return nothing
}

function referenceOf(context: StepContext, model: string, input: QueryInput): Reference | undefined {
  const reference = openReference(context.baseline(referenceNames[input.kind].of(model), 'model-queries'))
  return reference?.told.dimension === input.x.length ? reference : undefined
}
