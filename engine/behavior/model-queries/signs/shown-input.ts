/** What of an input the signs look at. */
import type { QueryInput } from '../../input/input.ts'

export type ShownInput = Pick<QueryInput, 'kind' | 'x' | 'values' | 'label' | 'margin' | 'blackAndWhite'>

/**
 * Only of inputs themselves do lines, places and single values mean what they seem to, and not of those that are yes and no
 * alone, as pictures in black and white: two of one class are unlike in few.
 */
export function isPlace({ kind, blackAndWhite }: ShownInput): boolean {
  return kind === 'embedding' || (kind === 'features' && !blackAndWhite)
}
