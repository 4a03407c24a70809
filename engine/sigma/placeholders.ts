/**
 * Replaces placeholders (`%admins%`, with the modifier `expand`) by what the pipelines say that they stand for.
 *
 * Pure. A placeholder that nothing is said of refuses its rule.
 */
import { RE2JS } from 're2js'
import { parsePattern } from './pattern.ts'
import type { PatternPart } from './types.ts'
import type { Placeholders, Problem, Text, Value } from './values.ts'

/** Values that one value may expand into. */
const expansionsMax = 1_000

const placeholder = /(?<!\\)%([^%\\]+)%/g

export function expand(text: Text, placeholders: Placeholders): Value | Problem {
  let variants: (readonly PatternPart[])[] = [[]]
  for (const part of text.parts) {
    const pieces = typeof part === 'string' ? splitPlaceholders(part, placeholders) : [[[part]]]
    if ('problem' in pieces) return pieces
    for (const choices of pieces) {
      if (variants.length * choices.length > expansionsMax) {
        return { problem: 'SIGMA_TOO_LARGE', message: `The placeholders stand for more than ${expansionsMax} values.` }
      }
      variants = variants.flatMap((before) => choices.map((choice) => [...before, ...choice]))
    }
  }
  const values = variants.map((parts): Text => ({ ...text, parts: joinPlain(parts) }))
  return values.length === 1 ? values[0]! : { type: 'several', values }
}

/** Neighboring texts become one. */
function joinPlain(parts: readonly PatternPart[]): readonly PatternPart[] {
  const joined: PatternPart[] = []
  for (const part of parts) {
    const last = joined.at(-1)
    if (typeof part === 'string' && typeof last === 'string') joined[joined.length - 1] = last + part
    else joined.push(part)
  }
  return joined
}

type Choices = readonly (readonly PatternPart[])[]

/** A text as a row of choices: plain text has one, a placeholder as many as it has values. */
function splitPlaceholders(text: string, placeholders: Placeholders): readonly Choices[] | Problem {
  const row: Choices[] = []
  let from = 0
  const plain = (end: number): void => {
    if (end > from) row.push([[text.slice(from, end).replaceAll('\\%', '%')]])
  }
  for (const match of text.matchAll(placeholder)) {
    const values = placeholders.get(match[1]!)
    if (values === undefined) return unresolved(match[1]!)
    plain(match.index)
    from = match.index + match[0].length
    row.push(values === 'anything' ? [[{ wild: 'any' }]] : values.map((value) => parsePattern(String(value))))
  }
  plain(text.length)
  return row
}

export function expandRegex(
  regex: { type: 'regex'; source: string; flags: string },
  placeholders: Placeholders,
): Value | Problem {
  for (const match of regex.source.matchAll(placeholder)) {
    if (!placeholders.has(match[1]!)) return unresolved(match[1]!)
  }
  const source = regex.source.replace(placeholder, (_whole, name: string) => {
    const values = placeholders.get(name)!
    return values === 'anything' ? '.*' : `(?:${values.map((value) => RE2JS.quote(String(value))).join('|')})`
  })
  return { ...regex, source: source.replaceAll('\\%', '%') }
}

function unresolved(name: string): Problem {
  return {
    problem: 'SIGMA_PLACEHOLDER_UNRESOLVED',
    message: `Nothing says what the placeholder %${name.slice(0, 60)}% stands for.`,
    hint: 'Give its values in a pipeline: vars and a value_placeholders transformation.',
  }
}
