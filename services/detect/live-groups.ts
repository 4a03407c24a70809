/**
 * Finds the groups of one correlation that are in use, step by step: by scope, then by each value of the group.
 *
 * A cache beside the state. The texts of an event are looked up as they are: a key spelled of them would have to be put
 * together and hashed anew for each correlation that reads the event.
 */

interface Node<Group> {
  /** Of most there are none, as of groups themselves: a map of nothing takes more than all else of a node. */
  children: Map<string, Node<Group>> | undefined
  here: Group | undefined
}

export class LiveGroups<Group> {
  readonly #root: Node<Group> = newNode()

  get(scope: string, values: readonly string[]): Group | undefined {
    let node = this.#root.children?.get(scope)
    for (let at = 0; node !== undefined && at < values.length; at++) node = node.children?.get(values[at]!)
    return node?.here
  }

  set(scope: string, values: readonly string[], group: Group): void {
    let node = this.#root
    for (const step of [scope, ...values]) {
      const children = (node.children ??= new Map<string, Node<Group>>())
      let next = children.get(step)
      if (next === undefined) children.set(step, (next = newNode()))
      node = next
    }
    node.here = group
  }

  delete(scope: string, values: readonly string[]): void {
    remove(this.#root, [scope, ...values], 0)
  }
}

function newNode<Group>(): Node<Group> {
  return { children: undefined, here: undefined }
}

/** What is left empty goes with it. */
function remove<Group>(node: Node<Group>, steps: readonly string[], depth: number): void {
  if (depth === steps.length) {
    node.here = undefined
    return
  }
  const step = steps[depth]!
  const next = node.children?.get(step)
  if (next === undefined) return
  remove(next, steps, depth + 1)
  if (next.here === undefined && (next.children?.size ?? 0) === 0) node.children?.delete(step)
}
