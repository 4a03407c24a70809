/**
 * Reads one field of an event: a dotted path into nested objects, through arrays.
 *
 * Pure. The one definition of what a field's name means; FieldReader finds many fields in one walk and must find the same.
 * Promise: own properties only, so that `constructor` or `__proto__` in a rule or an event never reach a prototype.
 */
import type { EventTree } from './types.ts'

type Path = readonly string[]
export type Getter = (event: EventTree) => unknown

/** Names that every object or array inherits: only these need the check for an own property. */
function isInherited(name: string): boolean {
  return name in Object.prototype || name in Array.prototype
}

/**
 * A getter for a dotted path. `undefined`: there is no such field. A name with dots in it is found too
 * (`labels.app.kubernetes.io/x`). Through an array every element is followed, and what is found is collected.
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
