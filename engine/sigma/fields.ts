/**
 * Reads fields of an event: dotted paths into nested objects, through arrays, each field once an event.
 *
 * Stands under every rule: rules share the slots of one FieldReader. Promises: own properties only, so that `constructor` or
 * `__proto__` in a rule or an event never reach a prototype; the text of a value is made and folded at most once an event.
 */
import { fold } from './pattern.ts'
import type { EventTree } from './types.ts'

type Path = readonly string[]
type Getter = (event: EventTree) => unknown

/** Names that every object or array inherits: only these need the check for an own property. */
function isInherited(name: string): boolean {
  return name in Object.prototype || name in Array.prototype
}

/**
 * A getter for a dotted path. `undefined`: there is no such field. A name with dots in it is found too (`labels.app.kubernetes.io/x`).
 * Through an array every element is followed, and what is found is collected.
 */
export function compilePath(path: string): Getter {
  const names = path.split('.')
  if (names.some(isInherited)) return (event) => resolve(event, names, 0)
  const last = names.length - 1
  return (event) => {
    let node: unknown = event
    for (let depth = 0; depth <= last; depth++) {
      if (typeof node !== 'object' || node === null) return undefined
      if (Array.isArray(node)) return resolve(node, names, depth)
      const next = (node as Record<string, unknown>)[names[depth]!]
      if (next === undefined) return depth === last ? undefined : resolve(node, names, depth)
      node = next
    }
    return node
  }
}

/** The careful way: arrays, dots within names, inherited names. */
function resolve(node: unknown, names: Path, depth: number): unknown {
  if (depth === names.length) return node
  if (typeof node !== 'object' || node === null) return undefined
  if (Array.isArray(node)) {
    const index = names[depth]!
    if (/^\d{1,9}$/.test(index) && Number(index) < node.length) return resolve(node[Number(index)], names, depth + 1)
    const found: unknown[] = []
    for (const item of node as unknown[]) {
      const value = resolve(item, names, depth)
      if (value !== undefined) found.push(value)
    }
    return found.length === 0 ? undefined : found
  }
  let name = names[depth]!
  for (let end = depth + 1; ; end++) {
    if (Object.hasOwn(node, name)) {
      const value = resolve((node as Record<string, unknown>)[name], names, end)
      if (value !== undefined) return value
    }
    if (end >= names.length) return undefined
    name += `.${names[end]!}`
  }
}

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

/** All texts of an event, for keywords: each value by itself, and all in one, parted by NUL. */
export interface AllText {
  readonly values: readonly string[]
  readonly folded: readonly string[]
  readonly joined: string
}

interface Slot {
  readonly path: string
  readonly get: Getter
  valueAt: number
  value: unknown
  textsAt: number
  texts: Texts
  foldedAt: number
  folded: Texts
}

/** The fields that a set of rules reads, and their values in the event at hand. */
export class FieldReader {
  readonly #slots: Slot[] = []
  readonly #slotByPath = new Map<string, number>()
  #event: EventTree = {}
  /** Counts events: what a slot holds is good where its mark equals it. */
  #turn = 0
  #allText: AllText | undefined

  slot(path: string): number {
    const known = this.#slotByPath.get(path)
    if (known !== undefined) return known
    const index = this.#slots.length
    this.#slotByPath.set(path, index)
    this.#slots.push({
      path,
      get: compilePath(path),
      valueAt: 0,
      value: undefined,
      textsAt: 0,
      texts: undefined,
      foldedAt: 0,
      folded: undefined,
    })
    return index
  }

  read(event: EventTree): void {
    this.#event = event
    this.#turn++
    this.#allText = undefined
  }

  value(slot: number): unknown {
    const entry = this.#slots[slot]!
    if (entry.valueAt !== this.#turn) {
      entry.valueAt = this.#turn
      entry.value = entry.get(this.#event)
    }
    return entry.value
  }

  texts(slot: number): Texts {
    const entry = this.#slots[slot]!
    if (entry.textsAt !== this.#turn) {
      entry.textsAt = this.#turn
      entry.texts = textsOf(this.value(slot))
    }
    return entry.texts
  }

  /** Texts in folded case. */
  folded(slot: number): Texts {
    const entry = this.#slots[slot]!
    if (entry.foldedAt !== this.#turn) {
      entry.foldedAt = this.#turn
      entry.folded = foldTexts(this.texts(slot))
    }
    return entry.folded
  }

  allText(): AllText {
    if (this.#allText === undefined) {
      const values: string[] = []
      collectLeaves(this.#event, values)
      const folded = values.map(fold)
      this.#allText = { values, folded, joined: folded.join('\u0000') }
    }
    return this.#allText
  }

  /** Lets go of the event. */
  release(): void {
    this.#event = {}
    this.#allText = undefined
  }
}

function collectLeaves(node: unknown, into: string[]): void {
  if (typeof node === 'string') into.push(node)
  else if (typeof node === 'number' || typeof node === 'boolean') into.push(String(node))
  else if (typeof node === 'object' && node !== null) {
    for (const value of Object.values(node)) collectLeaves(value, into)
  }
}

/** The texts of a field outside of a matcher: what correlations group and count by. */
export function readTexts(get: Getter, event: EventTree): readonly string[] {
  const texts = textsOf(get(event))
  return texts === undefined ? [] : typeof texts === 'string' ? [texts] : texts
}
