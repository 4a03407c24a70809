/**
 * Packs: several outputs of one task for one partition, as one record.
 *
 * Stands between a task's outputs (task-outputs.ts) and the task that reads them (task-steps.ts). A record of its own costs
 * more than a small output itself. Each output in a pack keeps its mark, so a redelivery is told one by one, however the packs
 * were cut; its key has done its work, which is to choose the partition. What many outputs have in common, their head, stands
 * in a pack once.
 *
 * Promises: the outputs of a partition stay in order; a pack has at most `packCharsMax` characters; what is alone, or larger,
 * goes as a record of its own; a pack that is refused whole fits its dead letter, as far as it is ASCII.
 */
import { limits } from '../../core/limits.ts'
import type { BusRecord, OutgoingRecord } from '../../core/ports/bus.ts'
import { headers } from '../../core/topics.ts'
import { marked } from './marks.ts'

const frame = '{"heads":[],"items":[]}'

/** As JSON: small enough that a reader works through one in some ms. */
export const packCharsMax = limits.deadLetterBytesMax - frame.length

/** An output on its way. `offset` and `index` are those of its mark; `arrived`: ms since 1970, as text. */
export interface ToPack {
  readonly key: string
  /** JSON: of all of it, or of what is its own beside its head. */
  readonly json: string
  /** JSON of what it shares with others. */
  readonly head: string | undefined
  /** All of it: what is written of one with a head that is alone. */
  readonly whole: unknown
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
  /** Heads of what is gathered, by number. */
  readonly #heads = new Map<string, number>()
  #headsText = ''

  constructor(origin: string, topic: string, partition: number) {
    this.#origin = origin
    this.#topic = topic
    this.#partition = partition
  }

  /** False where it has no room: to be taken first. */
  add(output: ToPack): boolean {
    const { offset, index, arrived, json, head } = output
    const known = head === undefined ? undefined : this.#heads.get(head)
    const number = head === undefined ? '' : `,${known ?? this.#heads.size}`
    const item = `[${offset},${index},${arrived},${json}${number}]`
    // With the commas before them.
    const added = 1 + item.length + (head === undefined || known !== undefined ? 0 : 1 + head.length)
    if (this.#first === undefined) this.#first = output
    else if (this.#text.length + this.#headsText.length + added > packCharsMax) return false
    if (head !== undefined && known === undefined) {
      this.#headsText = this.#headsText === '' ? head : `${this.#headsText},${head}`
      this.#heads.set(head, this.#heads.size)
    }
    this.#text = this.#text === '' ? item : `${this.#text},${item}`
    this.#last = output
    return true
  }

  /** Empties it. */
  take(): OutgoingRecord | undefined {
    const [first, last, text, heads] = [this.#first, this.#last, this.#text, this.#headsText]
    if (first === undefined || last === undefined) return undefined
    this.#first = undefined
    this.#text = ''
    if (heads !== '') {
      this.#headsText = ''
      this.#heads.clear()
    }
    const at = { topic: this.#topic, partition: this.#partition }
    if (first === last) {
      const own = marked({ [headers.arrived]: first.arrived }, this.#origin, first.offset, first.index)
      const value = first.head === undefined ? first.json : JSON.stringify(first.whole)
      return { ...at, key: first.key, value, headers: own }
    }
    const value = heads === '' ? `[${text}]` : `{"heads":[${heads}],"items":[${text}]}`
    return { ...at, value, headers: { [headers.arrived]: last.arrived, [headers.packed]: this.#origin } }
  }
}

/** An output of a pack that shares its head with others. */
export interface Headed {
  readonly head: unknown
  /** What is its own. */
  readonly of: unknown
}

export interface Unpacked {
  /** Which of its pack, from 0. */
  readonly place: number
  readonly offset: number
  readonly index: number
  readonly arrivedMs: number
  /** A Headed where it shares its head with others. */
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
  const [listed, heads] = Array.isArray(parsed) ? [parsed, nothing] : partsOf(parsed)
  if (!Array.isArray(listed) || !Array.isArray(heads)) return undefined
  const items: Unpacked[] = []
  for (const [place, each] of (listed as readonly unknown[]).entries()) {
    const item = Array.isArray(each) ? itemOf(each, place, heads) : undefined
    if (item === undefined) return undefined
    items.push(item)
  }
  return { origin, items }
}

const nothing: readonly unknown[] = []

function partsOf(parsed: unknown): readonly [items: unknown, heads: unknown] {
  const { items, heads } = (parsed ?? {}) as { readonly items?: unknown; readonly heads?: unknown }
  return [items, heads]
}

function itemOf(each: readonly unknown[], place: number, heads: readonly unknown[]): Unpacked | undefined {
  const [offset, index, arrivedMs, own, head] = each
  if (!isCount(offset) || !isCount(index) || typeof arrivedMs !== 'number') return undefined
  if (each.length === 4) return { place, offset, index, arrivedMs, value: own }
  if (each.length !== 5 || !isCount(head) || head >= heads.length) return undefined
  const value: Headed = { head: heads[head], of: own }
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
