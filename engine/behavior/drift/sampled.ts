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
  /** Of the last answer: as a text once a checkpoint was made of it. */
  #evidence: EvidenceRef | string = ''

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
    this.#answers = this.#answers === '' ? packed(answer) : [this.#answers, packed(answer)].join('')
    this.#evidence = evidence
  }

  /** What waits. */
  answers(): Answer[] {
    // Made at its length: a list that grows takes room for many more, and a day's last answers of all accounts are handed on at once.
    const answers = new Array<Answer>(this.waiting)
    for (let n = 0; n < this.waiting; n++) {
      answers[n] = unpacked(this.#answers, n * bytes.length, this.#subgroups?.[n])
    }
    return answers
  }

  /** The same, and the evidence of the last of it. */
  pending(): { readonly answers: Answer[]; readonly evidence: EvidenceRef | undefined } {
    const answers = this.answers()
    const evidence = this.#evidence
    if (answers.length === 0) return { answers, evidence: undefined }
    return { answers, evidence: typeof evidence === 'string' ? unpackedEvidence(evidence) : evidence }
  }

  handedOn(): void {
    this.waiting = 0
    this.#answers = ''
    this.#evidence = ''
    this.#subgroups = undefined
  }

  toJSON(): Omit<Spelled, 'evidence'> & { readonly evidence: EvidenceRef | undefined } {
    const { model, span, count } = this
    const { answers, evidence } = this.pending()
    // From here on it may have to be kept for long.
    if (evidence !== undefined) this.#evidence = packedEvidence(evidence)
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

/** An id and a digest, 48 bytes in hexadecimal as a rule; whatever else they are is kept as JSON. */
const [idBytes, digestBytes] = [16, 48]
const digests = Buffer.alloc(digestBytes)

/** Whether it is spelled as we spell bytes: so many of them, in lower case. */
function isHex(text: string, count: number): boolean {
  if (text.length !== 2 * count) return false
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code < 0x30 || code > 0x66 || (code > 0x39 && code < 0x61)) return false
  }
  return true
}

function packedEvidence({ id, timestamp, hash, position }: EvidenceRef): string {
  const { topic, partition, offset, index } = position
  if (!isHex(id, idBytes) || !isHex(hash, digestBytes - idBytes)) {
    return JSON.stringify({ id, timestamp, hash, position })
  }
  digests.write(id, 0, 'hex')
  digests.write(hash, idBytes, 'hex')
  return [' ', digests.toString('latin1'), [timestamp, partition, offset, index, topic].join(' ')].join('')
}

function unpackedEvidence(text: string): EvidenceRef {
  if (!text.startsWith(' ')) return JSON.parse(text) as EvidenceRef
  const hex = Buffer.from(text.slice(1, 1 + digestBytes), 'latin1').toString('hex')
  const [timestamp, partition, offset, index, ...topic] = text.slice(1 + digestBytes).split(' ') as [string, string, string, string] // prettier-ignore
  return {
    id: hex.slice(0, 32),
    timestamp,
    hash: hex.slice(32),
    position: { topic: topic.join(' '), partition: Number(partition), offset: Number(offset), index: Number(index) },
  }
}

function unpacked(text: string, at: number, subgroup: string | undefined): Answer {
  bytes.write(text.slice(at, at + bytes.length), 'latin1')
  const right = Number.isNaN(numbers[1]!) ? undefined : numbers[1] === 1
  const channels = new Array<number | null>(channelNames.length)
  for (let n = 0; n < channels.length; n++) {
    const value = numbers[2 + n]!
    channels[n] = Number.isNaN(value) ? null : value
  }
  return { timeMs: numbers[0]!, channels, subgroup, right }
}
