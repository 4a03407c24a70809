/**
 * Replaces what is sensitive in a record: before the bus in its text, at normalize in its parsed form, to the same effect.
 *
 * Pure. Promises of the text form: every other byte stays as it was (order of keys, spelling of numbers, white space); a key
 * written twice or with escapes is found each time; values under names that always mean a secret go too, at any depth.
 */
import { contentDigest } from './convert.ts'
import type { MappingContext } from './mapping-context.ts'
import { isObject, parsePath, type Step } from './path.ts'
import { isSecretName } from './secret-names.ts'

export type SensitiveKind = 'credential' | 'digest' | 'mask'

/** Where sensitive values stand: a tree of keys, with `*` for any. */
export interface SensitivePlan {
  readonly children: ReadonlyMap<string, SensitivePlan>
  readonly kind: SensitiveKind | undefined
}

const any = '*'
const mask = '[masked]'

interface PlanBuilder extends SensitivePlan {
  readonly children: Map<string, PlanBuilder>
  kind: SensitiveKind | undefined
}

export const nothingSensitive: SensitivePlan = { children: new Map(), kind: undefined }

/** The plan for these fields; the index of the first that is no path otherwise. */
export function sensitivePlan(
  fields: readonly { readonly field: string; readonly as: SensitiveKind }[],
): SensitivePlan | number {
  const root: PlanBuilder = { children: new Map(), kind: undefined }
  for (const [index, { field, as }] of fields.entries()) {
    const steps = parsePath(field)
    if (steps === undefined) return index
    let node = root
    for (const step of steps) {
      const key = typeof step === 'number' ? any : step
      let next = node.children.get(key)
      if (next === undefined) {
        next = { children: new Map(), kind: undefined }
        node.children.set(key, next)
      }
      node = next
    }
    node.kind = as
  }
  return root
}

function childOf(plan: SensitivePlan | undefined, key: string): SensitivePlan | undefined {
  return plan?.children.get(key) ?? plan?.children.get(any)
}

/** Whether a value at this path has been replaced by a credential's digest before it is mapped. */
export function isSealed(plan: SensitivePlan, steps: readonly Step[]): boolean {
  let node: SensitivePlan | undefined = plan
  for (const step of steps) {
    node = childOf(node, String(step))
    if (node?.kind !== undefined) return node.kind === 'credential'
  }
  return false
}

/** What stands for a value of this kind; `undefined`: it stays. */
function replacement(kind: SensitiveKind, value: unknown, context: MappingContext): unknown {
  if (value === null || value === undefined || value === '') return undefined
  if (kind === 'mask') return mask
  if (kind === 'digest') return contentDigest(value)
  if (typeof value === 'string') return context.credential(value)
  if (typeof value === 'number') return context.credential(String(value))
  if (Array.isArray(value)) return value.map((item) => replacement('credential', item, context) ?? (item as unknown))
  return typeof value === 'object' ? mask : undefined
}

/** Replaces the declared fields in place. (What stands under secrets' names is replaced where it is copied.) */
export function redactParsed(value: unknown, plan: SensitivePlan, context: MappingContext): void {
  if (Array.isArray(value)) {
    const child = plan.children.get(any)
    if (child === undefined) return
    for (const [index, item] of value.entries())
      redactChild(value as unknown as Record<string, unknown>, String(index), item, child, context)
    return
  }
  if (!isObject(value)) return
  for (const [key, child] of plan.children) {
    if (key === any) for (const each of Object.keys(value)) redactChild(value, each, value[each], child, context)
    else if (Object.hasOwn(value, key)) redactChild(value, key, value[key], child, context)
  }
}

function redactChild(
  holder: Record<string, unknown>,
  key: string,
  value: unknown,
  plan: SensitivePlan,
  context: MappingContext,
): void {
  if (plan.kind === undefined) {
    redactParsed(value, plan, context)
    return
  }
  const replaced = replacement(plan.kind, value, context)
  if (replaced === undefined) return
  if (key !== '__proto__') {
    holder[key] = replaced
    return
  }
  // As a record's own key it must be written as one.
  Object.defineProperty(holder, key, { value: replaced, writable: true, enumerable: true, configurable: true })
}

/** The record's text with what is sensitive replaced. `text` must be JSON (one value), nested within the limit. */
export function redactText(text: string, plan: SensitivePlan, context: MappingContext): string {
  return new TextRedaction(text, context).run(plan)
}

const quote = 0x22
const backslash = 0x5c

class TextRedaction {
  readonly #text: string
  readonly #context: MappingContext
  #at = 0
  #copied = 0
  #out = ''

  constructor(text: string, context: MappingContext) {
    this.#text = text
    this.#context = context
  }

  run(plan: SensitivePlan): string {
    this.#value(plan)
    return this.#copied === 0 ? this.#text : this.#out + this.#text.slice(this.#copied)
  }

  #value(plan: SensitivePlan | undefined): void {
    this.#space()
    const first = this.#text[this.#at]
    if (first === '{') this.#object(plan)
    else if (first === '[') this.#array(plan)
    else this.#scalar()
  }

  #object(plan: SensitivePlan | undefined): void {
    this.#at++
    for (;;) {
      this.#space()
      if (this.#text[this.#at] === ',') {
        this.#at++
        continue
      }
      if (this.#text[this.#at] !== '"') break
      const key = this.#key()
      this.#space()
      this.#at++
      const child = childOf(plan, key)
      if (child?.kind !== undefined) this.#replace(child.kind)
      else if (isSecretName(key)) this.#replaceText(child)
      else this.#value(child)
    }
    this.#at++
  }

  #array(plan: SensitivePlan | undefined): void {
    const child = plan?.children.get(any)
    this.#at++
    for (;;) {
      this.#space()
      const next = this.#text[this.#at]
      if (next === ',') {
        this.#at++
        continue
      }
      if (next === ']' || next === undefined) break
      if (child?.kind !== undefined) this.#replace(child.kind)
      else this.#value(child)
    }
    this.#at++
  }

  /** Replaces the value that begins here. */
  #replace(kind: SensitiveKind): void {
    this.#space()
    const from = this.#at
    this.#skip()
    this.#write(from, replacement(kind, JSON.parse(this.#text.slice(from, this.#at)), this.#context))
  }

  /** Under a secret's name text and lists of text are secrets; anything else is looked into. */
  #replaceText(plan: SensitivePlan | undefined): void {
    this.#space()
    const from = this.#at
    const first = this.#text[from]
    if (first !== '"' && first !== '[') {
      this.#value(plan)
      return
    }
    this.#skip()
    const value: unknown = JSON.parse(this.#text.slice(from, this.#at))
    if (typeof value === 'string' || (Array.isArray(value) && value.every((item) => typeof item === 'string'))) {
      this.#write(from, replacement('credential', value, this.#context))
    } else {
      this.#at = from
      this.#value(plan)
    }
  }

  #write(from: number, value: unknown): void {
    if (value === undefined) return
    this.#out += this.#text.slice(this.#copied, from) + JSON.stringify(value)
    this.#copied = this.#at
  }

  #key(): string {
    const from = this.#at
    this.#string()
    const raw = this.#text.slice(from + 1, this.#at - 1)
    return raw.includes('\\') ? (JSON.parse(this.#text.slice(from, this.#at)) as string) : raw
  }

  /** Passes over the value that begins here without replacing anything in it. */
  #skip(): void {
    let depth = 0
    do {
      this.#space()
      const next = this.#text[this.#at]
      if (next === undefined) return
      if (next === '{' || next === '[') {
        depth++
        this.#at++
      } else if (next === '}' || next === ']') {
        depth--
        this.#at++
      } else if (next === ',' || next === ':') this.#at++
      else this.#scalar()
    } while (depth > 0)
  }

  #scalar(): void {
    if (this.#text.charCodeAt(this.#at) === quote) {
      this.#string()
      return
    }
    // A number, true, false or null: on to what ends it.
    for (;;) {
      const code = this.#text.charCodeAt(this.#at)
      if (Number.isNaN(code) || code === 0x2c || code === 0x5d || code === 0x7d || code <= 0x20) return
      this.#at++
    }
  }

  #string(): void {
    let end = this.#at
    for (;;) {
      end = this.#text.indexOf('"', end + 1)
      if (end < 0) {
        this.#at = this.#text.length
        return
      }
      let slashes = 0
      while (this.#text.charCodeAt(end - 1 - slashes) === backslash) slashes++
      if (slashes % 2 === 0) break
    }
    this.#at = end + 1
  }

  #space(): void {
    while (this.#text.charCodeAt(this.#at) <= 0x20) this.#at++
  }
}
