/**
 * What travels from the first step of detect to the second: the few fields that a rule grouped by something other than the
 * principal needs. Rule and group choose the partition; in it, those of a batch travel in one record (runtime/stage/packs.ts).
 */
import { derivedId } from '../../core/ids.ts'
import { topics } from '../../core/topics.ts'
import type { StageOutput } from '../../runtime/stage/stage.ts'
import { headOf, ownOf, together } from './observations-together.ts'
import type { Observed } from './observed.ts'

/** Longer ones are not spelled out. */
export const groupCharsMax = 300

/** Spells a group as part of a key: readable where it is short. As JSON, which plain text is spelled as without asking. */
export function groupKey(scope: string, group: readonly string[]): string {
  let spelled = `[${quoted(scope)}`
  for (const value of group) spelled += `,${quoted(value)}`
  spelled += ']'
  return spelled.length <= groupCharsMax ? spelled : derivedId('group', scope, ...group)
}

function quoted(text: string): string {
  return isPlain(text) ? `"${text}"` : JSON.stringify(text)
}

/** Whether JSON spells it as it is. */
export function isPlain(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code < 0x20 || code > 0x7e || code === 0x22 || code === 0x5c) return false
  }
  return true
}

/** Where it is looked for: with others of its rule and group. A correlation may be placed otherwise (rule-set/placement.ts). */
export function observedKey({ rule, scope, group }: Pick<Observed, 'rule' | 'scope' | 'group'>): string {
  return `${rule} ${groupKey(scope, group)}`
}

/**
 * Spells the same. What a detector hands on is mostly grouped by a model, which is mostly that of the time before: told
 * at a glance.
 */
export class ObservedKeys {
  readonly #last = new Map<
    string,
    { readonly scope: string; readonly group: readonly string[]; readonly key: string }
  >()

  of(rule: string, scope: string, group: readonly string[]): string {
    const last = this.#last.get(rule)
    if (last !== undefined && last.scope === scope && isSame(last.group, group)) return last.key
    const key = observedKey({ rule, scope, group })
    this.#last.set(rule, { scope, group, key })
    return key
  }
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false
  return true
}

export function observationOutput(observed: Observed, key = observedKey(observed)): StageOutput {
  const shared = { head: headOf(observed), of: ownOf(observed) }
  return { topic: topics.observations, key, value: observed, shared }
}

/** Reads what the first step wrote. Undefined: it is none of it. */
export function readObserved(bytes: Buffer): Observed | undefined {
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
  return observedIn(value)
}

/** As it was parsed, by itself or with the others of its record. Undefined: it is none. */
export function observedIn(value: unknown): Observed | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  if ('head' in value && 'of' in value) return together(value)
  const { engine, rule, key, scope, group, observation } = value as Partial<Observed>
  const known = engine === 'sigma' || engine === 'behavior'
  if (!known || typeof rule !== 'string' || typeof key !== 'string' || typeof scope !== 'string') return undefined
  if (!Array.isArray(group) || typeof observation !== 'object' || observation === null) return undefined
  return value as Observed
}
