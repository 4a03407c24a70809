/**
 * Compiles a rules set, and reads an inventory, once for all tasks of a process: each partition of both steps takes the same
 * up.
 *
 * A cache over a pure function. The matcher is shared too: tasks match one event at a time, and it keeps nothing between
 * two events but what makes it fast.
 */
import type { Bundle, ContentFile } from '../../../core/content.ts'
import { readInventory, type ReadInventory } from '../../../engine/inventory/inventory.ts'
import { Exceptions } from '../../../engine/sigma/exceptions.ts'
import { createMatcher } from '../../../engine/sigma/matcher.ts'
import type { Matcher } from '../../../engine/sigma/types.ts'
import { compileRules, type CompiledRules } from './rule-set.ts'

export interface SharedRules extends CompiledRules {
  readonly matcher: Matcher
  readonly exceptions: Exceptions
}

/** Sets of each kind kept: the one in force, the one before it for tasks that are behind, and the one on its way. */
const setsMax = 3

const shared = new Map<string, SharedRules>()

export function sharedRules(bundle: Bundle, files: readonly ContentFile[]): SharedRules {
  const known = shared.get(bundle.digest)
  if (known !== undefined) return known
  const compiled = compileRules(files)
  const rules: SharedRules = {
    ...compiled,
    matcher: createMatcher(compiled.set.sigma),
    exceptions: new Exceptions(compiled.set.exceptions),
  }
  shared.set(bundle.digest, rules)
  if (shared.size > setsMax) shared.delete(shared.keys().next().value!)
  return rules
}

const inventories = new Map<string, ReadInventory>()

export function sharedInventory(bundle: Bundle, files: readonly ContentFile[]): ReadInventory {
  const known = inventories.get(bundle.digest)
  if (known !== undefined) return known
  const read = readInventory(files)
  inventories.set(bundle.digest, read)
  if (inventories.size > setsMax) inventories.delete(inventories.keys().next().value!)
  return read
}
