/**
 * Paths into parsed JSON: `userIdentity.arn`, `resources[0].ARN`, `sourceIPs[-1]`, `annotations.example\.com/reason`.
 *
 * Promises: a getter reads own properties alone, so a record can't make it see a prototype; it never throws.
 */

/** One step: a key of an object, or an index of an array (negative: from its end). */
export type Step = string | number

const stepsMax = 16
const keyOrIndex = /\[(-?[0-9]{1,6})\]|((?:\\.|[^.[\]\\])+)/y

/** The steps of a path, or `undefined` where it is none. `\.` and `\[` are a dot and a bracket in a key. */
export function parsePath(text: string): readonly Step[] | undefined {
  const steps: Step[] = []
  let at = 0
  while (at < text.length) {
    if (at > 0 && text[at] === '.') at++
    else if (at > 0 && text[at] !== '[') return undefined
    keyOrIndex.lastIndex = at
    const found = keyOrIndex.exec(text)
    if (found === null || (found[1] !== undefined && (at === 0 || text[at - 1] === '.'))) return undefined
    steps.push(found[1] === undefined ? found[2]!.replaceAll(/\\(.)/g, '$1') : Number(found[1]))
    at = keyOrIndex.lastIndex
  }
  return steps.length === 0 || steps.length > stepsMax ? undefined : steps
}

export type Getter = (value: unknown) => unknown

/** A function that follows the steps; `undefined` where they lead nowhere. */
export function compileGetter(steps: readonly Step[]): Getter {
  const [first, second, third, ...rest] = steps.map(compileStep)
  if (first === undefined) return (value) => value
  if (second === undefined) return first
  if (third === undefined) return (value) => second(first(value))
  if (rest.length === 0) return (value) => third(second(first(value)))
  return (value) => {
    let found = third(second(first(value)))
    for (const step of rest) found = step(found)
    return found
  }
}

function compileStep(step: Step): Getter {
  if (typeof step === 'number') {
    return (value) => (Array.isArray(value) ? (value.at(step) as unknown) : undefined)
  }
  // Only the names that every object inherits can be anything but the object's own; the check costs where it is needed.
  if (step in Object.prototype) {
    return (value) => (isObject(value) && Object.hasOwn(value, step) ? value[step] : undefined)
  }
  return (value) => (isObject(value) ? value[step] : undefined)
}

/** A JSON object, not an array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
