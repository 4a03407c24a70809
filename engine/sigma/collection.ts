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

const nothing: Tree = {}

export class Collection {
  readonly #mistakes: Mistakes
  #global: Tree = nothing
  #previous: Tree = nothing

  constructor(mistakes: Mistakes) {
    this.#mistakes = mistakes
  }

  /** The rule that the next document of the file stands for; undefined: none. */
  take(parsed: ParsedYaml): ParsedYaml | undefined {
    const { value } = parsed
    if (!isTree(value)) return parsed
    if (value['action'] === undefined) {
      if ('correlation' in value || 'filter' in value || 'behavior' in value) return parsed
      // A rule by itself, as nearly all are.
      const alone = this.#global === nothing
      this.#previous = alone ? value : merge(this.#global, value)
      return alone ? parsed : withValue(parsed, this.#previous)
    }
    const { action, ...rest } = value
    if (action === 'global') this.#global = this.#previous = rest
    else if (action === 'reset') this.#global = nothing
    else if (action === 'repeat') {
      this.#previous = merge(this.#previous, rest)
      return withValue(parsed, this.#previous)
    } else {
      const message = 'The action of a document in a collection is global, reset or repeat.'
      this.#mistakes.add('SIGMA_NOT_A_RULE', message, parsed.place(['action']))
    }
    return undefined
  }
}

/** The document with another value: where things stand is still its own to say. */
function withValue(parsed: ParsedYaml, value: Tree): ParsedYaml {
  return {
    file: parsed.file,
    // Asked for when something is wrong, if at all.
    get document() {
      return parsed.document
    },
    value,
    mistakes: parsed.mistakes,
    place: (path) => parsed.place(path),
    keyPlace: (path) => parsed.keyPlace(path),
    writtenNumber: (path) => parsed.writtenNumber(path),
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
