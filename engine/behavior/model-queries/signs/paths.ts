/**
 * Whether single values of an input that is like honest ones are halved to find the paths of a tree (Tramèr et al. 2016).
 *
 * To find what would change a decision is advice: of each value that half is gone on in between whose ends one line lies,
 * the same for all values: a score of 0.2, or two, as grades have. Who looks for paths goes on wherever answers differ at
 * all, so that up and down from the input's own answer, and between any others, there is always some line.
 *
 * Only answers that are equal for a while and then others, as a tree's are, say that; a way to another class may be to
 * find that class. Pure.
 */

/** Halved values that are kept of one input, and fewest that tell: who asks for advice halves few. */
const gapsMax = 8
const gapsMin = 4
/** Lines that decisions may have. */
const linesMax = 2
/** Of more classes answers aren't kept. */
const classesMax = 4

/** The probabilities of all classes. */
export type Answer = readonly number[]

/** One value, and between which answers it was halved last, by class. JSON. */
export interface Gap {
  readonly value: number
  readonly from: Answer
  readonly to: Answer
}

/** What is to be kept of an answer. */
export function answerKept(probabilities: Answer | undefined): Answer | undefined {
  return probabilities !== undefined && probabilities.length <= classesMax ? probabilities : undefined
}

/** With one more value that was halved, between two places with these answers; the newest last. */
export function withGap(
  gaps: readonly Gap[],
  value: number,
  answer: Answer | undefined,
  below: Answer | undefined,
  above: Answer | undefined,
): readonly Gap[] {
  if (answer === undefined || below === undefined || above === undefined) return gaps
  // Who asks chooses, at some APIs, of how many classes answers tell.
  if (answer.length !== below.length || answer.length !== above.length) return gaps
  if (classOf(below) !== classOf(above) || !(isSame(answer, below) || isSame(answer, above))) return gaps
  const from = below.map((one, n) => Math.min(one, above[n]!))
  const to = below.map((one, n) => Math.max(one, above[n]!))
  const others = gaps.filter((gap) => gap.value !== value && gap.from.length === from.length)
  return [...others, { value, from, to }].slice(-gapsMax)
}

/** Whether four values or more were halved, and no lines that a decision has explain between which answers. */
export function arePaths(gaps: readonly Gap[]): boolean {
  if (gaps.length < gapsMin) return false
  return gaps[0]!.from.every((_, n) => {
    const lines = linesIn(gaps, n)
    return lines > linesMax || (lines === linesMax && haveOneEnd(gaps, n))
  })
}

/** The fewest lines of which one lies in each gap, as far as this class goes. */
function linesIn(gaps: readonly Gap[], n: number): number {
  let [lines, last] = [0, -Infinity]
  for (const { from, to } of gaps.toSorted((a, b) => a.to[n]! - b.to[n]!)) {
    if (from[n]! < last) continue
    last = to[n]!
    lines++
  }
  return lines
}

/** Whether one answer is an end of each gap: the input's own is, where what is looked for is any other. */
function haveOneEnd(gaps: readonly Gap[], n: number): boolean {
  const { from, to } = gaps[0]!
  return [from[n]!, to[n]!].some((end) => gaps.every((gap) => gap.from[n] === end || gap.to[n] === end))
}

function isSame(one: Answer, other: Answer): boolean {
  return one.every((value, n) => value === other[n])
}

function classOf(answer: Answer): number {
  return answer.indexOf(Math.max(...answer))
}
