/**
 * Reads the fields of one event that a set of rules asks for: all of them in one walk over what the event has.
 *
 * Stands under every rule: rules share the slots of one FieldReader. What a field's name means is field-path.ts's to say; the
 * walk (path-tree.ts) finds the same, at the cost of the event's keys rather than of the fields that rules know. Promise:
 * the text of a value is made and folded at most once an event.
 */
import { compilePath, type Getter } from './field-path.ts'
import { PathTree, type SlotSink } from './path-tree.ts'
import { fold } from './pattern.ts'
import type { EventTree } from './types.ts'

/** Texts of one field: undefined where there are none, a string for one, an array for several. */
export type Texts = string | readonly string[] | undefined

/** The text of a scalar; of an object its JSON, as a console shows it. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return JSON.stringify(value)
}

function textsOf(value: unknown): Texts {
  if (typeof value === 'string') return value
  if (value === undefined || value === null) return undefined
  if (!Array.isArray(value)) return textOf(value)
  const texts: string[] = []
  collectTexts(value, texts)
  return texts.length === 0 ? undefined : texts.length === 1 ? texts[0] : texts
}

/** Flattens arrays in arrays. Events are no deeper than `limits.recordDepthMax`. */
function collectTexts(values: readonly unknown[], into: string[]): void {
  for (const value of values) {
    if (Array.isArray(value)) collectTexts(value, into)
    else if (value !== null && value !== undefined) into.push(textOf(value))
  }
}

function foldTexts(texts: Texts): Texts {
  if (texts === undefined) return undefined
  return typeof texts === 'string' ? fold(texts) : texts.map(fold)
}

/** All texts of an event, for keywords. Each form is made when it is first asked for. */
export class AllText {
  readonly #event: EventTree
  #values: readonly string[] | undefined
  #folded: readonly string[] | undefined
  #joined: string | undefined

  constructor(event: EventTree) {
    this.#event = event
  }

  /** Each value by itself. */
  get values(): readonly string[] {
    if (this.#values === undefined) {
      const values: string[] = []
      collectLeaves(this.#event, values)
      this.#values = values
    }
    return this.#values
  }

  get folded(): readonly string[] {
    return (this.#folded ??= this.values.map(fold))
  }

  /** All in one, folded, each with a NUL before it. */
  get joined(): string {
    return (this.#joined ??= fold(joinLeaves(this.#event)))
  }
}

/** A rope of texts, flattened by whoever reads it: half the cost of a list that is joined. */
function joinLeaves(node: object): string {
  let joined = ''
  if (Array.isArray(node)) for (const value of node as unknown[]) joined += joinValue(value)
  else for (const key in node) joined += joinValue((node as Record<string, unknown>)[key])
  return joined
}

function joinValue(value: unknown): string {
  if (typeof value === 'string') return `\u0000${value}`
  if (typeof value === 'number' || typeof value === 'boolean') return `\u0000${value}`
  return typeof value === 'object' && value !== null ? joinLeaves(value) : ''
}

/** Strings first, lists by index: this runs over every value of every event that meets a keyword rule. */
function collectLeaves(node: object, into: string[]): void {
  if (Array.isArray(node)) {
    for (const value of node as unknown[]) {
      if (typeof value === 'string') into.push(value)
      else collectOther(value, into)
    }
    return
  }
  for (const key in node) {
    const value = (node as Record<string, unknown>)[key]
    if (typeof value === 'string') into.push(value)
    else collectOther(value, into)
  }
}

function collectOther(value: unknown, into: string[]): void {
  if (typeof value === 'number' || typeof value === 'boolean') into.push(String(value))
  else if (typeof value === 'object' && value !== null) collectLeaves(value, into)
}

/** What the walk has said of a slot in this turn. */
const absent = 0
const found = 1
/** Something on the way there needs the careful reading of field-path.ts; done when the slot is asked for. */
const careful = 2

export class FieldReader implements SlotSink {
  readonly #slotByPath = new Map<string, number>()
  readonly #getters: Getter[] = []
  readonly #tree = new PathTree()
  /** By slot: `turn * 4 + state`; an older turn means that the event has no such field. */
  #marks = new Float64Array(64)
  readonly #values: unknown[] = []
  readonly #textsAt: number[] = []
  readonly #texts: Texts[] = []
  readonly #foldedAt: number[] = []
  readonly #folded: Texts[] = []
  /** By slot, the text that was folded last: most fields say the same from event to event. */
  readonly #foldedOf: (string | undefined)[] = []
  /** The slots that the event at hand may have a value for: the first `presentCount`. (An array that is emptied grows anew.) */
  readonly present: number[] = []
  presentCount = 0
  #event: EventTree = {}
  /** Counts events: what a slot holds is good where its mark is of this turn. */
  #turn = 0
  #allText: AllText | undefined

  slot(path: string): number {
    const known = this.#slotByPath.get(path)
    if (known !== undefined) return known
    const slot = this.#getters.length
    this.#slotByPath.set(path, slot)
    this.#getters.push(compilePath(path))
    this.#values.push(undefined)
    this.#textsAt.push(0)
    this.#texts.push(undefined)
    this.#foldedAt.push(0)
    this.#folded.push(undefined)
    this.#foldedOf.push(undefined)
    if (slot >= this.#marks.length) {
      const larger = new Float64Array(this.#marks.length * 2)
      larger.set(this.#marks)
      this.#marks = larger
    }
    this.#tree.add(path, slot)
    // The event at hand was walked without it.
    if (this.#turn > 0) this.doubt(slot)
    return slot
  }

  read(event: EventTree): void {
    this.#event = event
    this.#turn++
    this.#allText = undefined
    this.presentCount = 0
    this.#tree.walk(event, this)
  }

  /** From the walk: the event has this value. */
  found(slot: number, value: unknown): void {
    if (this.#marks[slot]! < this.#turn * 4) this.present[this.presentCount++] = slot
    this.#marks[slot] = this.#turn * 4 + found
    this.#values[slot] = value
  }

  /** From the walk: look again, the careful way, unless the plain way has found it. */
  doubt(slot: number): void {
    if (this.#marks[slot]! >= this.#turn * 4) return
    this.present[this.presentCount++] = slot
    this.#marks[slot] = this.#turn * 4 + careful
  }

  value(slot: number): unknown {
    const state = this.#marks[slot]! - this.#turn * 4
    if (state <= absent) return undefined
    if (state === careful) {
      this.#marks[slot] = this.#turn * 4 + found
      this.#values[slot] = this.#getters[slot]!(this.#event)
    }
    return this.#values[slot]
  }

  /** Whether the event may have a value for each of the slots. */
  mayHave(slots: readonly number[]): boolean {
    for (let at = 0; at < slots.length; at++) if (this.#marks[slots[at]!]! < this.#turn * 4) return false
    return true
  }

  texts(slot: number): Texts {
    if (this.#marks[slot]! < this.#turn * 4) return undefined
    if (this.#textsAt[slot] !== this.#turn) {
      this.#textsAt[slot] = this.#turn
      this.#texts[slot] = textsOf(this.value(slot))
    }
    return this.#texts[slot]
  }

  /** Texts in folded case. */
  folded(slot: number): Texts {
    if (this.#marks[slot]! < this.#turn * 4) return undefined
    if (this.#foldedAt[slot] !== this.#turn) {
      this.#foldedAt[slot] = this.#turn
      const texts = this.texts(slot)
      if (typeof texts !== 'string') {
        this.#foldedOf[slot] = undefined
        this.#folded[slot] = foldTexts(texts)
      } else if (texts !== this.#foldedOf[slot]) {
        this.#foldedOf[slot] = texts
        this.#folded[slot] = fold(texts)
      }
    }
    return this.#folded[slot]
  }

  allText(): AllText {
    return (this.#allText ??= new AllText(this.#event))
  }
}

/** The texts of a field outside of a matcher: what correlations group and count by. */
export function readTexts(get: Getter, event: EventTree): readonly string[] {
  const texts = textsOf(get(event))
  return texts === undefined ? [] : typeof texts === 'string' ? [texts] : texts
}
