/**
 * What waits of one account's answers until it is handed on, of each model that it calls: one block of bytes, since
 * every account that calls has some for an hour.
 *
 * `Samples` is the form to work in: a block is opened over it, changed, and put back. In the state it is spelled out.
 */
import type { EvidenceRef } from '../../../core/signal.ts'
import { Block, type BlockRoom } from '../block.ts'
import { channelNames } from './channels.ts'
import type { Answer } from './params.ts'

/** Of a model, as JSON. An older state had each under its model's name. */
export interface Spelled {
  readonly model: string
  readonly span: number
  readonly count: number
  readonly pending: readonly Answer[]
  /** Of the last answer, where one waits. */
  readonly evidence: EvidenceRef | undefined
}

/**
 * A record of a model, in numbers of 64 bits: these, then the model's name, the answers that wait, and the texts of the
 * evidence as one. `answersEnd` and `length` count from the record's beginning, the ends of texts from that of the one.
 */
const at = {
  length: 0, span: 1, count: 2, waiting: 3, answersEnd: 4, partition: 5, offset: 6, index: 7, idEnd: 8, timestampEnd: 9, hashEnd: 10,
} as const // prettier-ignore
const headNumbers = 11
/** Of an answer, before its subgroup: its time, whether it was right, its channels. */
const answerNumbers = 2 + channelNames.length
/** A text is its length and how many bytes each of its characters has; then they. */
const textHeadBytes = 4
const noText = 0xffff_ffff

export class SampledBlock extends Block {
  /** From the state, where it is spelled out after a restart. */
  static of(kept: SampledBlock | readonly Spelled[], room?: BlockRoom): SampledBlock {
    if (kept instanceof SampledBlock) return kept
    samples.open(undefined)
    for (const { model, span, count, pending, evidence } of kept) {
      samples.begin(model, span)
      samples.count = count
      for (const answer of pending) samples.wait(answer, evidence!)
    }
    return samples.putBack(undefined, room)
  }

  override toJSON(): readonly Spelled[] {
    samples.open(this)
    return samples.all()
  }
}

class Samples {
  #bytes!: Buffer
  #numbers!: Float64Array
  /** Numbers that are in use. */
  #end = 0
  /** Where the record begins that is looked at. */
  #record = 0

  constructor() {
    this.#make(4_096)
  }

  /** Undefined: nothing is kept of the account. */
  open(block: SampledBlock | undefined): void {
    const length = block?.length ?? 0
    if (length > this.#bytes.length) this.#make(2 * length)
    block?.copyTo(this.#bytes)
    this.#end = length / 8
    this.#record = 0
  }

  /** `room`: where a new block is to lie. */
  putBack(block: SampledBlock | undefined, room: BlockRoom | undefined): SampledBlock {
    if (block === undefined) return new SampledBlock(this.#bytes, 8 * this.#end, room)
    block.put(this.#bytes, 8 * this.#end)
    return block
  }

  get models(): number {
    let count = 0
    for (let record = 0; record < this.#end; record += this.#numbers[record]!) count++
    return count
  }

  /** Looks at the record of this model; false: there is none. */
  find(model: string): boolean {
    for (let record = 0; record < this.#end; record += this.#numbers[record]!) {
      if (!this.#isText(record + headNumbers, model)) continue
      this.#record = record
      return true
    }
    return false
  }

  /** Looks at a new record, behind the others. */
  begin(model: string, span: number): void {
    const record = this.#end
    this.#reserve(headNumbers + roomFor(model))
    this.#record = record
    const end = this.#putText(record + headNumbers, model)
    this.#numbers.fill(0, record, record + headNumbers)
    this.#numbers[record + at.span] = span
    this.#numbers[record + at.length] = this.#numbers[record + at.answersEnd] = end - record
    this.#end = end
  }

  /** Of event time; `count` answers were sampled in it. */
  get span(): number {
    return this.#numbers[this.#record + at.span]!
  }

  set span(span: number) {
    this.#numbers[this.#record + at.span] = span
  }

  get count(): number {
    return this.#numbers[this.#record + at.count]!
  }

  set count(count: number) {
    this.#numbers[this.#record + at.count] = count
  }

  get waiting(): number {
    return this.#numbers[this.#record + at.waiting]!
  }

  wait(answer: Answer, { id, timestamp, hash, position }: EvidenceRef): void {
    const { subgroup } = answer
    const text = [id, timestamp, hash, position.topic].join('')
    const behind = this.#takeBehind()
    this.#reserve(answerNumbers + roomFor(subgroup) + roomFor(text) + behind.length / 8)
    const [numbers, record] = [this.#numbers, this.#record]
    let end = record + numbers[record + at.answersEnd]!
    putAnswer(numbers, end, answer)
    end = this.#putText(end + answerNumbers, subgroup)
    numbers[record + at.waiting]!++
    numbers[record + at.answersEnd] = end - record
    numbers[record + at.partition] = position.partition
    numbers[record + at.offset] = position.offset
    numbers[record + at.index] = position.index
    numbers[record + at.idEnd] = id.length
    numbers[record + at.timestampEnd] = id.length + timestamp.length
    numbers[record + at.hashEnd] = id.length + timestamp.length + hash.length
    this.#endAt(this.#putText(end, text), behind)
  }

  /** What waits of the model. */
  answers(): Answer[] {
    // Made at its length: a list that grows takes room for many more, and a day's last answers of all accounts are
    // handed on at once.
    const answers = new Array<Answer>(this.waiting)
    let from = this.#answersFrom()
    for (let n = 0; n < answers.length; n++) {
      answers[n] = answerAt(this.#numbers, from, this.#textAt(from + answerNumbers))
      from = this.#behindText(from + answerNumbers)
    }
    return answers
  }

  handedOn(): void {
    const behind = this.#takeBehind()
    const from = this.#answersFrom()
    this.#numbers[this.#record + at.waiting] = 0
    this.#numbers[this.#record + at.answersEnd] = from - this.#record
    this.#endAt(from, behind)
  }

  /** Of all models, in the order in which they came. */
  all(): Spelled[] {
    const all: Spelled[] = []
    for (let record = 0; record < this.#end; record += this.#numbers[record]!) {
      this.#record = record
      const [model, evidence] = [this.#textAt(record + headNumbers)!, this.#evidence()]
      all.push({ model, span: this.span, count: this.count, pending: this.answers(), evidence })
    }
    return all
  }

  #evidence(): EvidenceRef | undefined {
    if (this.waiting === 0) return undefined
    const [numbers, record] = [this.#numbers, this.#record]
    const text = this.#textAt(record + numbers[record + at.answersEnd]!)!
    const idEnd = numbers[record + at.idEnd]!
    const timestampEnd = numbers[record + at.timestampEnd]!
    const hashEnd = numbers[record + at.hashEnd]!
    const position = {
      topic: text.slice(hashEnd),
      partition: numbers[record + at.partition]!,
      offset: numbers[record + at.offset]!,
      index: numbers[record + at.index]!,
    }
    return {
      id: text.slice(0, idEnd),
      timestamp: text.slice(idEnd, timestampEnd),
      hash: text.slice(timestampEnd, hashEnd),
      position,
    }
  }

  #answersFrom(): number {
    return this.#behindText(this.#record + headNumbers)
  }

  /** A copy of the records behind the one that is looked at. */
  #takeBehind(): Buffer {
    const behind = this.#record + this.#numbers[this.#record]!
    return behind === this.#end ? nothingBehind : Buffer.from(this.#bytes.subarray(8 * behind, 8 * this.#end))
  }

  /** The record that is looked at ends here, and behind it are these. */
  #endAt(end: number, behind: Buffer): void {
    this.#numbers[this.#record + at.length] = end - this.#record
    behind.copy(this.#bytes, 8 * end)
    this.#end = end + behind.length / 8
  }

  #putText(from: number, text: string | undefined): number {
    const [bytes, first] = [this.#bytes, 8 * from + textHeadBytes]
    const width = text === undefined ? 0 : widthOf(text)
    bytes.writeUInt32LE(text === undefined ? noText : 2 * text.length + width - 1, 8 * from)
    if (text !== undefined && width === 2) bytes.write(text, first, 'utf16le')
    else if (text !== undefined) for (let n = 0; n < text.length; n++) bytes[first + n] = text.charCodeAt(n)
    return this.#behindText(from)
  }

  #textAt(from: number): string | undefined {
    const head = this.#bytes.readUInt32LE(8 * from)
    if (head === noText) return undefined
    const first = 8 * from + textHeadBytes
    return this.#bytes.toString((head & 1) === 1 ? 'utf16le' : 'latin1', first, first + bytesOf(head))
  }

  #isText(from: number, text: string): boolean {
    const head = this.#bytes.readUInt32LE(8 * from)
    if (head >>> 1 !== text.length) return false
    if ((head & 1) === 1) return this.#textAt(from) === text
    const first = 8 * from + textHeadBytes
    for (let n = 0; n < text.length; n++) if (this.#bytes[first + n] !== text.charCodeAt(n)) return false
    return true
  }

  #behindText(from: number): number {
    const head = this.#bytes.readUInt32LE(8 * from)
    return from + Math.ceil((textHeadBytes + (head === noText ? 0 : bytesOf(head))) / 8)
  }

  /** For so many more numbers. */
  #reserve(more: number): void {
    const needed = 8 * (this.#end + more)
    if (needed <= this.#bytes.length) return
    const had = this.#bytes
    this.#make(2 * needed)
    had.copy(this.#bytes)
  }

  #make(bytes: number): void {
    this.#numbers = new Float64Array(Math.ceil(bytes / 8))
    this.#bytes = Buffer.from(this.#numbers.buffer)
  }
}

export const samples = new Samples()

const nothingBehind = Buffer.alloc(0)

function bytesOf(head: number): number {
  return (head >>> 1) * (1 + (head & 1))
}

/** Bytes of a character. */
function widthOf(text: string): number {
  for (let n = 0; n < text.length; n++) if (text.charCodeAt(n) > 0xff) return 2
  return 1
}

/** Numbers that a text needs at most. */
function roomFor(text: string | undefined): number {
  return Math.ceil((textHeadBytes + 2 * (text?.length ?? 0)) / 8)
}

function putAnswer(numbers: Float64Array, from: number, { timeMs, right, channels }: Answer): void {
  numbers[from] = timeMs
  numbers[from + 1] = right === undefined ? NaN : right ? 1 : 0
  for (let n = 0; n < channelNames.length; n++) numbers[from + 2 + n] = channels[n] ?? NaN
}

function answerAt(numbers: Float64Array, from: number, subgroup: string | undefined): Answer {
  const right = Number.isNaN(numbers[from + 1]!) ? undefined : numbers[from + 1] === 1
  const channels = new Array<number | null>(channelNames.length)
  for (let n = 0; n < channels.length; n++) {
    const value = numbers[from + 2 + n]!
    channels[n] = Number.isNaN(value) ? null : value
  }
  return { timeMs: numbers[from]!, channels, subgroup, right }
}
