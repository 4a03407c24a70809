/** What is learned of honest traffic: ten accounts with 150 queries each. For tests of what queries show beside it. */
import { learnReference, type ToldReference } from '../../engine/behavior/model-queries/honest/reference.ts'

/** `random`: for the margins, drawn after each input. */
export function learnedOf(
  natural: () => Float64Array,
  labelOf: (x: Float64Array) => string,
  random: () => number,
): ToldReference {
  return learnReference(
    Array.from({ length: 10 }, () =>
      Array.from({ length: 150 }, () => {
        const x = natural()
        return { x, label: labelOf(x), margin: 0.1 + random() }
      }),
    ),
  )!
}
