/**
 * When something happened, by stretches of event time: the first and the last instant in each, one after the other, in
 * order of the last.
 */

/** The stretch of this number reaches to `t` then; false: the entity is not known in it. */
export function widen(spans: number[], t: number, number: number, lengthMs: number): boolean {
  for (let at = spans.length - 1; at > 0; at -= 2) {
    const here = Math.floor(spans[at]! / lengthMs)
    if (here < number) return false
    if (here > number) continue
    if (t > spans[at]!) spans[at] = t
    if (t < spans[at - 1]!) spans[at - 1] = t
    return true
  }
  return false
}

/** In its place by the last instant. */
export function insert(spans: number[], first: number, last: number): void {
  let at = spans.length
  if (at === 0 || spans[at - 1]! <= last) {
    spans.push(first, last)
    return
  }
  while (at > 0 && spans[at - 1]! > last) at -= 2
  spans.splice(at, 0, first, last)
}

export function overlaps(spans: readonly number[], fromMs: number, toMs: number): boolean {
  for (let at = 0; at < spans.length; at += 2) if (spans[at]! <= toMs && spans[at + 1]! >= fromMs) return true
  return false
}

export function isEqual(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false
  return true
}
