/**
 * What waits of one account's answers at one model until it is handed on: few bytes, since every busy account has some.
 *
 * In memory an answer is one text of its numbers, in the state it is spelled out.
 */
import type { EvidenceRef } from '../../../core/signal.ts'
import { channelNames } from './channels.ts'
import type { Answer } from './params.ts'

/** Numbers of an answer: its time, whether it was right, its channels. */
const numbers = new Float64Array(2 + channelNames.length)
const bytes = Buffer.from(numbers.buffer)

/** JSON. An older state had each under its model's name. */
export interface Spelled {
  readonly model: string
  readonly span: number
  readonly count: number
  readonly pending: readonly Answer[]
  readonly evidence: EvidenceRef
}

export class Sampled {
  readonly model: string
  /** Of event time; `count` answers were sampled in it. */
  span: number
  count = 0
  waiting = 0
  /** A character for each byte. */
  #answers = ''
  /** Of each answer, where one has any. */
  #subgroups: (string | undefined)[] | undefined
  /** Of the last answer, as JSON. */
  #evidence = ''

  constructor(model: string, span: number) {
    this.model = model
    this.span = span
  }

  wait(answer: Answer, evidence: EvidenceRef): void {
    if (answer.subgroup !== undefined || this.#subgroups !== undefined) {
      this.#subgroups ??= new Array<undefined>(this.waiting).fill(undefined)
      this.#subgroups.push(answer.subgroup)
    }
    this.waiting++
    // Joined: what is added up keeps its parts beside the whole.
    this.#answers = [this.#answers, packed(answer)].join('')
    const { id, timestamp, hash, position } = evidence
    this.#evidence = JSON.stringify([id, timestamp, hash, position])
  }

  /** What waits, and the evidence of the last of it. */
  pending(): { readonly answers: Answer[]; readonly evidence: EvidenceRef | undefined } {
    const answers: Answer[] = []
    for (let n = 0; n < this.waiting; n++) {
      answers.push(unpacked(this.#answers, n * bytes.length, this.#subgroups?.[n]))
    }
    if (answers.length === 0) return { answers, evidence: undefined }
    const [id, timestamp, hash, position] = JSON.parse(this.#evidence) as [
      string,
      string,
      string,
      EvidenceRef['position'],
    ]
    return { answers, evidence: { id, timestamp, hash, position } }
  }

  handedOn(): void {
    this.waiting = 0
    this.#answers = this.#evidence = ''
    this.#subgroups = undefined
  }

  toJSON(): Omit<Spelled, 'evidence'> & { readonly evidence: EvidenceRef | undefined } {
    const { model, span, count } = this
    const { answers, evidence } = this.pending()
    return { model, span, count, pending: answers, evidence }
  }

  static of(kept: Sampled | Spelled): Sampled {
    if (kept instanceof Sampled) return kept
    const sampled = new Sampled(kept.model, kept.span)
    sampled.count = kept.count
    for (const answer of kept.pending) sampled.wait(answer, kept.evidence)
    return sampled
  }
}

function packed({ timeMs, right, channels }: Answer): string {
  numbers[0] = timeMs
  numbers[1] = right === undefined ? NaN : right ? 1 : 0
  for (let n = 0; n < channelNames.length; n++) numbers[2 + n] = channels[n] ?? NaN
  return bytes.toString('latin1')
}

function unpacked(text: string, at: number, subgroup: string | undefined): Answer {
  bytes.write(text.slice(at, at + bytes.length), 'latin1')
  const right = Number.isNaN(numbers[1]!) ? undefined : numbers[1] === 1
  const channels: (number | null)[] = []
  for (let n = 2; n < numbers.length; n++) {
    const value = numbers[n]!
    channels.push(Number.isNaN(value) ? null : value)
  }
  return { timeMs: numbers[0]!, channels, subgroup, right }
}
