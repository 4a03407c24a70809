/**
 * Packs: several outputs of one task for one partition, as one record.
 *
 * Stands between a task's outputs (task-outputs.ts) and the task that reads them (task-steps.ts). A record of its own costs
 * more than a small output itself. Each output in a pack keeps its mark, so a redelivery is told one by one, however the packs
 * were cut; its key has done its work, which is to choose the partition.
 *
 * Promises: the outputs of a partition stay in order; a pack has at most `packCharsMax` characters; what is alone, or larger,
 * goes as a record of its own; a pack that is refused whole fits its dead letter, as far as it is ASCII.
 */
import { limits } from '../core/limits.ts'
import type { BusRecord, OutgoingRecord } from '../core/ports/bus.ts'
import { headers } from '../core/topics.ts'
import { marked } from './marks.ts'

const brackets = '[]'

/** As JSON: small enough that a reader works through one in some ms. */
export const packCharsMax = limits.deadLetterBytesMax - brackets.length

/** An output on its way. `offset` and `index` are those of its mark; `arrived`: ms since 1970, as text. */
export interface ToPack {
  readonly key: string
  readonly json: string
  readonly offset: number
  readonly index: number
  readonly arrived: string
}

/** What is gathered for one partition. */
export class Pack {
  readonly #origin: string
  readonly #topic: string
  readonly #partition: number
  #first: ToPack | undefined
  #last: ToPack | undefined
  #text = ''

  constructor(origin: string, topic: string, partition: number) {
    this.#origin = origin
    this.#topic = topic
    this.#partition = partition
  }

  /** False where it has no room: to be taken first. */
  add(output: ToPack): boolean {
    const item = `[${output.offset},${output.index},${output.arrived},${output.json}]`
    if (this.#first === undefined) this.#first = output
    else if (this.#text.length + item.length > packCharsMax) return false
    this.#text = this.#text === '' ? item : `${this.#text},${item}`
    this.#last = output
    return true
  }

  /** Empties it. */
  take(): OutgoingRecord | undefined {
    const [first, last, text] = [this.#first, this.#last, this.#text]
    if (first === undefined || last === undefined) return undefined
    this.#first = undefined
    this.#text = ''
    const at = { topic: this.#topic, partition: this.#partition }
    if (first === last) {
      const own = marked({ [headers.arrived]: first.arrived }, this.#origin, first.offset, first.index)
      return { ...at, key: first.key, value: first.json, headers: own }
    }
    return { ...at, value: `[${text}]`, headers: { [headers.arrived]: last.arrived, [headers.packed]: this.#origin } }
  }
}

export interface Unpacked {
  /** Which of its pack, from 0. */
  readonly place: number
  readonly offset: number
  readonly index: number
  readonly arrivedMs: number
  readonly value: unknown
}

export interface UnpackedRecord {
  /** Whose marks they are. */
  readonly origin: string
  readonly items: readonly Unpacked[]
}

/** Undefined: it does not have the form of a pack. */
export function unpack({ value, headers: told }: Pick<BusRecord, 'value' | 'headers'>): UnpackedRecord | undefined {
  const origin = told[headers.packed]
  if (origin === undefined || value === null) return undefined
  let parsed: unknown
  try {
    parsed = JSON.parse(value.toString('utf8'))
  } catch {
    return undefined
  }
  if (!Array.isArray(parsed)) return undefined
  const items: Unpacked[] = []
  for (const [place, each] of (parsed as readonly unknown[]).entries()) {
    const item = Array.isArray(each) && each.length === 4 ? itemOf(each, place) : undefined
    if (item === undefined) return undefined
    items.push(item)
  }
  return { origin, items }
}

function itemOf(each: readonly unknown[], place: number): Unpacked | undefined {
  const [offset, index, arrivedMs, value] = each
  if (!isCount(offset) || !isCount(index) || typeof arrivedMs !== 'number') return undefined
  return { place, offset, index, arrivedMs, value }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/** One of a pack as if it had come alone, but for the header that says which it was: what is kept of it where it is refused. */
export function aloneFrom(record: BusRecord, { value, place }: Unpacked): BusRecord {
  const { [headers.packed]: _packed, ...told } = record.headers
  const own = { ...told, [headers.item]: String(place) }
  return { ...record, value: Buffer.from(JSON.stringify(value)), headers: own }
}
