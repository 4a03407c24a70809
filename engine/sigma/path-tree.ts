/**
 * The paths that rules read, as a tree that an event is walked along.
 *
 * Pure. Stands inside FieldReader. The plain way, names one by one through objects, is told at once; where an array or a name
 * with dots in it stands on the way, the walk only says which slots need the careful reading of field-path.ts. So both find
 * the same, and an event costs its keys, not the fields that rules know.
 */
import type { EventTree } from './types.ts'

export interface SlotSink {
  /** The event has this value there, and no other counts. */
  found(slot: number, value: unknown): void
  /** It may have one. */
  doubt(slot: number): void
}

interface PathNode {
  /** The slot of the path that ends here, or -1. */
  slot: number
  /** By name, and by several names with dots between them. */
  next: Map<string, Step> | undefined
  /** The slots of all longer paths. */
  readonly below: number[]
}

interface Step {
  /** What a name leads to. Undefined: several names with dots between them. */
  node: PathNode | undefined
  /** A name with dots: the slots whose paths go this way. */
  readonly slots: number[]
  /** Of these, the one whose path ends with this name. */
  ends: number
  /** Shorter beginnings of the name: where the object has one of them, that may be meant. */
  readonly shorter: readonly string[]
}

function newNode(): PathNode {
  return { slot: -1, next: undefined, below: [] }
}

export class PathTree {
  readonly #root = newNode()

  add(path: string, slot: number): void {
    const names = path.split('.')
    let node = this.#root
    for (const [depth, name] of names.entries()) {
      node.below.push(slot)
      node.next ??= new Map()
      this.#addDotted(node.next, names, depth, slot)
      let step = node.next.get(name)
      if (step === undefined) {
        step = { node: newNode(), slots: [], ends: -1, shorter: [] }
        node.next.set(name, step)
      }
      // No single name has a dot in it: this is never an entry of #addDotted.
      node = step.node!
    }
    node.slot = slot
  }

  #addDotted(next: Map<string, Step>, names: readonly string[], depth: number, slot: number): void {
    let dotted = names[depth]!
    const shorter = [dotted]
    for (let end = depth + 1; end < names.length; end++) {
      dotted += `.${names[end]!}`
      let step = next.get(dotted)
      if (step === undefined) {
        step = { node: undefined, slots: [], ends: -1, shorter: [...shorter] }
        next.set(dotted, step)
      }
      step.slots.push(slot)
      if (end === names.length - 1) step.ends = slot
      shorter.push(dotted)
    }
  }

  walk(event: EventTree, sink: SlotSink): void {
    walkObject(this.#root, event, sink, true)
  }
}

function walkObject(node: PathNode, object: Readonly<Record<string, unknown>>, sink: SlotSink, atRoot: boolean): void {
  const { next } = node
  if (next === undefined) return
  for (const key in object) {
    const step = next.get(key)
    if (step === undefined) continue
    const value = object[key]
    if (value === undefined) continue
    const then = step.node
    if (then === undefined) {
      takeDotted(step, value, object, sink, atRoot)
      continue
    }
    if (then.slot >= 0) sink.found(then.slot, value)
    if (then.next === undefined || typeof value !== 'object' || value === null) continue
    if (Array.isArray(value)) for (const slot of then.below) sink.doubt(slot)
    else walkObject(then, value as Readonly<Record<string, unknown>>, sink, false)
  }
}

/** `{ "a.b": 1 }` is the field a.b, if there is no `a` that could hold it: records that came flattened have no more than that. */
function takeDotted(
  step: Step,
  value: unknown,
  object: Readonly<Record<string, unknown>>,
  sink: SlotSink,
  atRoot: boolean,
): void {
  const alone = atRoot && step.slots.length === 1 && step.ends >= 0
  if (alone && step.shorter.every((name) => object[name] === undefined)) sink.found(step.ends, value)
  else for (const slot of step.slots) sink.doubt(slot)
}
