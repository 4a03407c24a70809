/** Under which keys the groups of behavior rules stand in the state, and by which names their values are looked up. */
import { groupCharsMax, groupKey, isPlain } from './observations.ts'

export const prefix = 'b/'

/** Put together by `keyOf`. */
const parts: string[] = []

/** Joined, not added up: what is added up keeps its parts beside the whole. */
export function keyOf(rule: string, scope: string, values: readonly string[]): string {
  let chars = scope.length + 4
  let plain = isPlain(scope)
  for (let n = 0; n < values.length; n++) {
    chars += values[n]!.length + 3
    plain &&= isPlain(values[n]!)
  }
  if (!plain || chars > groupCharsMax) return [prefix, rule, '/', groupKey(scope, values)].join('')
  // As `groupKey` spells it, without the parts of it.
  parts.length = 0
  parts.push(prefix, rule, '/["', scope)
  for (let n = 0; n < values.length; n++) parts.push('","', values[n]!)
  parts.push('"]')
  return parts.join('')
}

export function ruleKeyOf(key: string): string {
  return key.slice(prefix.length, key.indexOf('/', prefix.length))
}

/** One text for all values; another one's texts may come to the same. */
export function nameOf(values: readonly string[]): string {
  return values.length === 1 ? values[0]! : values.join('\u0000')
}

/**
 * The same as `isSame`, for whom asks of the lists of one event one after the other: groups of one account have one list, and so has
 * the event.
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
