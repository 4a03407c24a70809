/**
 * Literals by their characters from the start, or from the end: which of many a text begins or ends with.
 *
 * Pure. Promise: a lookup costs what the text shares with a literal, and what is found; not how many literals there are. Where
 * a single literal is left, it is compared as a whole.
 */
import { NumberTable } from './number-table.ts'

/** What is filed under a literal. */
export interface Filed {
  readonly text: string
  readonly entries: readonly number[]
}

interface Open {
  readonly node: number
  readonly depth: number
  readonly literals: readonly Filed[]
}

export class Trie {
  readonly #edges = new NumberTable()
  /** By node: what ends there. */
  readonly #ends: (readonly number[] | undefined)[] = []
  /** By node: the only literal from there on. */
  readonly #only: (Filed | undefined)[] = []
  readonly #fromEnd: boolean

  constructor(literals: readonly Filed[], fromEnd: boolean) {
    this.#fromEnd = fromEnd
    const open: Open[] = [{ node: this.#newNode(), depth: 0, literals }]
    for (let next = open.pop(); next !== undefined; next = open.pop()) this.#fill(next, open)
  }

  #newNode(): number {
    this.#only.push(undefined)
    return this.#ends.push(undefined) - 1
  }

  #fill({ node, depth, literals }: Open, open: Open[]): void {
    if (literals.length === 1) {
      this.#only[node] = literals[0]
      return
    }
    const byCode = new Map<number, Filed[]>()
    for (const literal of literals) {
      const { text, entries } = literal
      if (text.length === depth) {
        this.#ends[node] = entries
        continue
      }
      const code = text.charCodeAt(this.#fromEnd ? text.length - 1 - depth : depth)
      const same = byCode.get(code)
      if (same === undefined) byCode.set(code, [literal])
      else same.push(literal)
    }
    for (const [code, same] of byCode) {
      const next = this.#newNode()
      this.#edges.set(node, code, next)
      open.push({ node: next, depth: depth + 1, literals: same })
    }
  }

  /** `from`: where in the text literals begin; of literals by their end, 0. */
  look(text: string, found: (entries: readonly number[]) => void, from = 0): void {
    const edges = this.#edges
    const last = text.length - 1
    const fromEnd = this.#fromEnd
    for (let node = 0, at = from; node >= 0; at++) {
      const only = this.#only[node]
      if (only !== undefined) {
        if (fromEnd ? text.endsWith(only.text) : text.startsWith(only.text, from)) found(only.entries)
        return
      }
      const entries = this.#ends[node]
      if (entries !== undefined) found(entries)
      if (at > last) return
      node = edges.get(node, text.charCodeAt(fromEnd ? last - at : at))
    }
  }
}
