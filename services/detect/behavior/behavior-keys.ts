/** Under which keys the groups of behavior rules stand in the state, and by which names their values are looked up. */
import { derivedId } from '../../../core/ids.ts'
import { groupCharsMax, groupKey, isPlain } from '../observations.ts'

export const prefix = 'b/'
/** Longest entry name that is spelled out in a state key. */
const nameCharsMax = 600
/** Group keys are JSON or hexadecimal: neither has this character unescaped. */
const divider = '\u0000'

/** Put together by `spelledOf`. */
const parts: string[] = []
/** What was spelled last, of one value and of several: the groups of an account have the same lists. */
const lastSpelled = [1, 2].map(() => ({ scope: '', values: [] as readonly string[], text: '' }))

/** Joined, not added up: what is added up keeps its parts beside the whole. */
export function keyOf(rule: string, scope: string, values: readonly string[]): string {
  const last = lastSpelled[values.length === 1 ? 0 : 1]!
  if (last.values !== values || last.scope !== scope) {
    last.text = spelledOf(scope, values)
    last.values = values
    last.scope = scope
  }
  return [prefix, rule, '/', last.text].join('')
}

/** As `groupKey`, without the parts of it. */
function spelledOf(scope: string, values: readonly string[]): string {
  let chars = scope.length + 4
  let plain = isPlain(scope)
  for (let n = 0; n < values.length; n++) {
    chars += values[n]!.length + 3
    plain &&= isPlain(values[n]!)
  }
  if (!plain || chars > groupCharsMax) return groupKey(scope, values)
  parts.length = 0
  parts.push('["', scope)
  for (let n = 0; n < values.length; n++) parts.push('","', values[n]!)
  parts.push('"]')
  return parts.join('')
}

export function ruleKeyOf(key: string): string {
  return key.slice(prefix.length, key.indexOf('/', prefix.length))
}

/** The keys of a group's entries, and then its own. */
export function keysOf(key: string, names: readonly string[]): string[] {
  return [...names.map((name) => entryKey(key, name)), key]
}

/** Whether a key is that of an entry, not of a group. */
export function isEntryKey(key: string): boolean {
  return key.includes(divider)
}

export function entryKey(key: string, name: string): string {
  return `${key}${divider}${name.length <= nameCharsMax ? name : derivedId('entry', name)}`
}

/** One text for all values; another one's texts may come to the same. */
export function nameOf(values: readonly string[]): string {
  return values.length === 1 ? values[0]! : values.join('\u0000')
}

/**
 * The same as `isSame`, for whom asks of the lists of one event one after the other: groups of one account have one
 * list, and so has the event.
 */
export function sameLists(): typeof isSame {
  let [oneA, oneB, moreA, moreB]: (readonly string[] | undefined)[] = []
  return (a, b) => {
    if ((a === oneA && b === oneB) || (a === moreA && b === moreB)) return true
    if (!isSame(a, b)) return false
    if (a.length === 1) [oneA, oneB] = [a, b]
    else [moreA, moreB] = [a, b]
    return true
  }
}

export function isSame(a: readonly string[], b: readonly string[]): boolean {
  if (a === b) return true
  if (a.length !== b.length) return false
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false
  return true
}
