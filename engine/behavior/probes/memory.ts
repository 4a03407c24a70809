/**
 * What is remembered of the last calls of one account at one model: few bytes, since every account has it. Bounded.
 *
 * In memory its numbers are one list; in the state they are spelled out.
 */
import type { Entity, EvidenceRef } from '../../../core/signal.ts'
import type { Call } from './call.ts'
import type { LookName } from './params.ts'

const promptsMax = 16
const placesMax = 4
const answersMax = 8
/** Of the numbers at the beginning of the list; after them, two for each prompt: itself, and how often it was asked. */
const at = { lastMs: 0, calls: 1, ms: 2, latencyMs: 3, inTokens: 4, maxTokens: 5, prompts: 6 } as const

/** The call before; numbers of tokens are -1 where they were not told. */
export interface LastCall {
  readonly ms: number
  readonly latencyMs: number
  readonly inTokens: number
  readonly maxTokens: number
}

/** Evidence of one look since it was last at zero. JSON. */
export interface Gathered {
  logs: number[]
  sinceMs: number
  calls: number
  hits: number
  outTokens: number
  /** Smallest hashes of the prompts that showed it. */
  prompts: number[]
  series: [number, number][]
  crossed: boolean
  version: number
  told: number
  entities: readonly Entity[]
  evidence: readonly EvidenceRef[]
}

/** JSON. */
interface Spelled {
  readonly lastMs: number
  readonly calls: number
  readonly memory: {
    /** The last different prompts, the newest last: how often each was asked in a row of calls near each other. */
    readonly prompts: readonly (readonly [prompt: number, times: number])[]
    readonly places: readonly number[][]
    readonly answers: readonly (readonly [answer: number, count: number])[]
    readonly last: LastCall | null
  }
  readonly gathered: Partial<Record<LookName, Gathered>>
}

/** What a call is to those before it. */
export interface Known {
  /** How often its prompt was asked before, among the last different ones; and how many different ones ago. */
  readonly times: number
  readonly ago: number
  /**
   * Cosine to the closest of the last prompts; 0 where places are not known. Reckoned where it is asked for, before the
   * call is remembered.
   */
  readonly alike: () => number
  readonly last: LastCall | null
}

export class Memory {
  #numbers: number[]
  /** Of the last prompts, where they have any. */
  #places: number[][] | undefined
  /** Answers that come most often (Misra and Gries 1982), each followed by a count that others take down. */
  #answers: number[] | undefined
  #gathered: Partial<Record<LookName, Gathered>> | undefined

  constructor(timeMs: number) {
    this.#numbers = [timeMs, 0, Number.NaN, 0, -1, -1]
  }

  get lastMs(): number {
    return this.#numbers[at.lastMs]!
  }

  get calls(): number {
    return this.#numbers[at.calls]!
  }

  gathered(look: LookName): Gathered | undefined {
    return this.#gathered?.[look]
  }

  /** Undefined: it is over. */
  gather(look: LookName, gathered: Gathered | undefined): void {
    if (gathered !== undefined) (this.#gathered ??= {})[look] = gathered
    else if (this.#gathered !== undefined) Reflect.deleteProperty(this.#gathered, look)
  }

  /** Counts a call. */
  begin(timeMs: number): void {
    this.#numbers[at.calls]!++
    if (timeMs > this.lastMs) this.#numbers[at.lastMs] = timeMs
  }

  known({ prompt, place }: Call): Known {
    const numbers = this.#numbers
    const found = this.#placeOf(prompt)
    const times = found < 0 ? 0 : numbers[found + 1]!
    const ago = found < 0 ? Infinity : (numbers.length - found) / 2 - 1
    return { times, ago, alike: () => (place === undefined ? 0 : this.#alike(place)), last: this.#last() }
  }

  remember(call: Call): void {
    const found = this.#placeOf(call.prompt)
    const times = found < 0 ? 1 : this.#numbers[found + 1]! + 1
    const full = this.#numbers.length >= at.prompts + 2 * promptsMax
    if (found < 0 && !full) this.#numbers = this.#numbers.concat(call.prompt, times)
    else {
      // The one that was found, or else the oldest, makes room behind all others.
      const numbers = this.#numbers
      for (let n = found < 0 ? at.prompts : found; n < numbers.length - 2; n++) numbers[n] = numbers[n + 2]!
      numbers[numbers.length - 2] = call.prompt
      numbers[numbers.length - 1] = times
    }
    if (call.place !== undefined) this.#keepPlace(call.place)
    const numbers = this.#numbers
    // Not a number: there was none before.
    const before = numbers[at.ms]!
    numbers[at.ms] = Math.max(call.timeMs, Number.isNaN(before) ? 0 : before)
    numbers[at.latencyMs] = call.latencyMs
    numbers[at.inTokens] = call.inTokens ?? -1
    numbers[at.maxTokens] = call.maxTokens ?? -1
  }

  /** How often this answer has come, as far as it is among the most frequent; takes note of it. */
  countAnswer(answer: number): number {
    const answers = (this.#answers ??= [])
    for (let n = 0; n < answers.length; n += 2) if (answers[n] === answer) return answers[n + 1]!++
    if (answers.length < 2 * answersMax) answers.push(answer, 1)
    else
      this.#answers = answers.flatMap((each, n) =>
        n % 2 === 0 && answers[n + 1]! > 1 ? [each, answers[n + 1]! - 1] : [],
      )
    return 0
  }

  toJSON(): Spelled {
    const [lastMs, calls] = this.#numbers as [number, number]
    const [places, gathered] = [this.#places ?? [], this.#gathered ?? {}]
    const [prompts, answers] = [paired(this.#numbers.slice(at.prompts)), paired(this.#answers ?? [])]
    return { lastMs, calls, memory: { prompts, places, answers, last: this.#last() }, gathered }
  }

  /** From the state, where it is spelled out after a restart. */
  static of(kept: Memory | Spelled): Memory {
    if (kept instanceof Memory) return kept
    const { prompts, places, answers, last } = kept.memory
    const memory = new Memory(kept.lastMs)
    const head = [
      kept.lastMs,
      kept.calls,
      last?.ms ?? Number.NaN,
      last?.latencyMs ?? 0,
      last?.inTokens ?? -1,
      last?.maxTokens ?? -1,
    ]
    memory.#numbers = head.concat(prompts.flat())
    if (places.length > 0) memory.#places = [...places]
    if (answers.length > 0) memory.#answers = answers.flat()
    if (Object.keys(kept.gathered).length > 0) memory.#gathered = { ...kept.gathered }
    return memory
  }

  /** Where the numbers of a prompt begin; -1: it is none of the last. */
  #placeOf(prompt: number): number {
    const numbers = this.#numbers
    for (let n = numbers.length - 2; n >= at.prompts; n -= 2) if (numbers[n] === prompt) return n
    return -1
  }

  #last(): LastCall | null {
    const numbers = this.#numbers
    const ms = numbers[at.ms]!
    if (Number.isNaN(ms)) return null
    const [latencyMs, inTokens, maxTokens] = [numbers[at.latencyMs]!, numbers[at.inTokens]!, numbers[at.maxTokens]!]
    return { ms, latencyMs, inTokens, maxTokens }
  }

  #alike(place: Float64Array): number {
    let alike = 0
    for (const each of this.#places ?? []) {
      if (each.length !== place.length) continue
      let dot = 0
      let squares = 0
      let own = 0
      for (let i = 0; i < place.length; i++) {
        dot += each[i]! * place[i]!
        squares += each[i]! ** 2
        own += place[i]! ** 2
      }
      const cosine = dot / Math.sqrt(squares * own)
      if (cosine > alike) alike = cosine
    }
    return alike
  }

  #keepPlace(place: Float64Array): void {
    const places = (this.#places ??= [])
    // The oldest makes room behind all others.
    const kept = places.length < placesMax ? [] : places.shift()!
    kept.length = 0
    for (let i = 0; i < place.length; i++) kept.push(Math.round(place[i]! * 1e3) / 1e3)
    places.push(kept)
  }
}

function paired(list: readonly number[]): [number, number][] {
  return Array.from({ length: list.length / 2 }, (_, n) => [list[2 * n]!, list[2 * n + 1]!])
}
