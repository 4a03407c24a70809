/**
 * Collections: the documents of one file that share what they have in common (`action: global`, `reset`, `repeat`).
 *
 * Pure. As pySigma does it: a global document is what every rule after it begins with, until the next or a reset; a repetition
 * is the rule before it, changed. Correlations and filters take no part. What a rule has from another document keeps its place
 * as far as the own document can tell.
 */
import type { ParsedYaml } from '../../core/yaml.ts'
import type { Mistakes } from './mistakes.ts'

type Tree = Readonly<Record<string, unknown>>

export class Collection {
  readonly #mistakes: Mistakes
  #global: Tree = {}
  #previous: Tree = {}

  constructor(mistakes: Mistakes) {
    this.#mistakes = mistakes
  }

  /** The rule that the next document of the file stands for; undefined: none. */
  take(parsed: ParsedYaml): ParsedYaml | undefined {
    const { value } = parsed
    if (!isTree(value)) return parsed
    const { action, ...rest } = value
    if (action === undefined) {
      if ('correlation' in rest || 'filter' in rest || 'behavior' in rest) return parsed
      const merged = merge(this.#global, rest)
      this.#previous = merged
      return Object.keys(this.#global).length === 0 ? parsed : { ...parsed, value: merged }
    }
    if (action === 'global') this.#global = this.#previous = rest
    else if (action === 'reset') this.#global = {}
    else if (action === 'repeat') {
      this.#previous = merge(this.#previous, rest)
      return { ...parsed, value: this.#previous }
    } else {
      const message = 'The action of a document in a collection is global, reset or repeat.'
      this.#mistakes.add('SIGMA_NOT_A_RULE', message, parsed.place(['action']))
    }
    return undefined
  }
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Maps are merged key by key, all else is replaced. Documents are no deeper than what YAML files may be. */
function merge(base: Tree, changes: Tree): Tree {
  const merged = new Map(Object.entries(base))
  for (const [key, change] of Object.entries(changes)) {
    const before = merged.get(key)
    merged.set(key, isTree(change) && isTree(before) ? merge(before, change) : change)
  }
  return Object.fromEntries(merged)
}
