/**
 * String values with wildcards: read by Sigma's backslash rules, matched without backtracking.
 *
 * Pure. Promises: a match costs at most text length times pattern length, whatever the text.
 */
import type { PatternPart } from './types.ts'

const any: PatternPart = { wild: 'any' }
const one: PatternPart = { wild: 'one' }
const dash: PatternPart = { wild: 'dash' }

/** Hyphen, slash, en dash, em dash, horizontal bar: what Windows commands take for each other. */
const dashes = new Set(['-', '/', '\u2013', '\u2014', '\u2015'])
/** Where such a dash begins an option: not after a word's letter, and before one. */
const optionDash = /\B[-/\u2013\u2014\u2015]\b/g

/**
 * Reads a value: `*` any text, `?` one character; a backslash takes the meaning of a wildcard or of a backslash after it, and
 * is a plain backslash everywhere else.
 */
export function parsePattern(text: string): readonly PatternPart[] {
  const parts: PatternPart[] = []
  let plain = ''
  /** Where what is to be taken as it stands begins. */
  let from = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === backslash) {
      const next = text.charCodeAt(at + 1)
      if (next !== asterisk && next !== questionMark && next !== backslash) continue
      plain += text.slice(from, at)
      from = ++at
    } else if (code === asterisk || code === questionMark) {
      plain += text.slice(from, at)
      if (plain !== '') parts.push(plain)
      plain = ''
      from = at + 1
      if (code === questionMark) parts.push(one)
      else if (parts.at(-1) !== any) parts.push(any)
    }
  }
  plain += text.slice(from)
  if (plain !== '') parts.push(plain)
  return parts
}

const backslash = 0x5c
const asterisk = 0x2a
const questionMark = 0x3f

/** The text of a pattern without wildcards; undefined where it has one. */
export function plainText(parts: readonly PatternPart[]): string | undefined {
  let text = ''
  for (const part of parts) {
    if (typeof part !== 'string') return undefined
    text += part
  }
  return text
}

/** A pattern as a text: wildcards as they are written, nothing escaped. */
export function writtenPattern(parts: readonly PatternPart[]): string {
  return parts.map((part) => (typeof part === 'string' ? part : { any: '*', one: '?', dash: '-' }[part.wild])).join('')
}

export function startingWith(parts: readonly PatternPart[]): readonly PatternPart[] {
  return isAny(parts.at(-1)) ? parts : [...parts, any]
}

export function endingWith(parts: readonly PatternPart[]): readonly PatternPart[] {
  return isAny(parts[0]) ? parts : [any, ...parts]
}

export function containing(parts: readonly PatternPart[]): readonly PatternPart[] {
  return startingWith(endingWith(parts))
}

/** Replaces each dash that begins an option by any of the dashes. */
export function withAnyDash(parts: readonly PatternPart[]): readonly PatternPart[] {
  return parts.flatMap((part): readonly PatternPart[] => {
    if (typeof part !== 'string') return [part]
    const pieces = part.split(optionDash)
    return pieces.flatMap((piece, index) => [...(index === 0 ? [] : [dash]), ...(piece === '' ? [] : [piece])])
  })
}

export function isAny(part: PatternPart | undefined): boolean {
  return part !== undefined && typeof part !== 'string' && part.wild === 'any'
}

/** Case folding: two texts that differ by case alone come out equal. ASCII stays as long as it is. */
export function fold(text: string): string {
  const lower = text.toLowerCase()
  // Unicode folds both sigmas and the long s; toLowerCase doesn't. On Latin-1 text this search costs next to nothing.
  return foldedOtherwise.test(lower) ? lower.replaceAll('\u03c2', '\u03c3').replaceAll('\u017f', 's') : lower
}

const foldedOtherwise = /[\u03c2\u017f]/

export function foldPattern(parts: readonly PatternPart[]): readonly PatternPart[] {
  return parts.map((part) => (typeof part === 'string' ? fold(part) : part))
}

export type TextTest = (text: string) => boolean

/** The shapes that native string functions answer. `undefined`: it takes the general matcher. */
export function simpleShape(
  parts: readonly PatternPart[],
): { readonly kind: 'equals' | 'prefix' | 'suffix' | 'contains' | 'anything'; readonly text: string } | undefined {
  const [first, second, third] = parts
  if (parts.length === 0) return { kind: 'equals', text: '' }
  if (parts.length === 1 && typeof first === 'string') return { kind: 'equals', text: first }
  if (parts.length === 1 && isAny(first)) return { kind: 'anything', text: '' }
  if (parts.length === 2 && typeof first === 'string' && isAny(second)) return { kind: 'prefix', text: first }
  if (parts.length === 2 && isAny(first) && typeof second === 'string') return { kind: 'suffix', text: second }
  if (parts.length === 3 && isAny(first) && typeof second === 'string' && isAny(third)) {
    return { kind: 'contains', text: second }
  }
  return undefined
}

/** Compiles a pattern. Patterns that ignore case must come folded, and meet folded text. */
export function compilePattern(parts: readonly PatternPart[]): TextTest {
  const shape = simpleShape(parts)
  switch (shape?.kind) {
    case 'equals':
      return (text) => text === shape.text
    case 'prefix':
      return (text) => text.startsWith(shape.text)
    case 'suffix':
      return (text) => text.endsWith(shape.text)
    case 'contains':
      return (text) => text.includes(shape.text)
    case 'anything':
      return () => true
    case undefined:
      return compileGeneral(parts)
  }
}

/** What stands between two `*`: a piece of fixed length. */
interface Segment {
  readonly length: number
  readonly pieces: readonly PatternPart[]
  /** The first literal and where it stands, to jump by. */
  readonly literal: string | undefined
  readonly literalAt: number
}

/**
 * The classic: first segment at the start, last at the end, those between leftmost first. Leftmost is enough, because a segment
 * has a fixed length and what follows may stand anywhere after it.
 */
function compileGeneral(parts: readonly PatternPart[]): TextTest {
  const segments = segmentsOf(parts)
  const [first, ...rest] = segments
  const last = rest.pop()
  if (first === undefined) return (text) => text === ''
  if (last === undefined) return (text) => text.length === first.length && matchesAt(first, text, 0)
  const leastLength = segments.reduce((sum, segment) => sum + segment.length, 0)
  return (text) => {
    if (text.length < leastLength || !matchesAt(first, text, 0)) return false
    const end = text.length - last.length
    if (!matchesAt(last, text, end)) return false
    let from = first.length
    for (const segment of rest) {
      const at = findFrom(segment, text, from, end)
      if (at < 0) return false
      from = at + segment.length
    }
    return from <= end
  }
}

function segmentsOf(parts: readonly PatternPart[]): readonly Segment[] {
  const segments: Segment[] = []
  let pieces: PatternPart[] = []
  const close = (): void => {
    const index = pieces.findIndex((piece) => typeof piece === 'string')
    segments.push({
      length: pieces.reduce<number>((sum, piece) => sum + lengthOf(piece), 0),
      pieces,
      literal: index < 0 ? undefined : (pieces[index] as string),
      literalAt: index,
    })
    pieces = []
  }
  for (const part of parts) {
    if (isAny(part)) close()
    else pieces.push(part)
  }
  close()
  return segments
}

function lengthOf(part: PatternPart): number {
  return typeof part === 'string' ? part.length : 1
}

function matchesAt(segment: Segment, text: string, start: number): boolean {
  let at = start
  for (const piece of segment.pieces) {
    if (typeof piece === 'string') {
      if (!text.startsWith(piece, at)) return false
      at += piece.length
    } else {
      if (at >= text.length || (piece.wild === 'dash' && !dashes.has(text.charAt(at)))) return false
      at++
    }
  }
  return true
}

/** The leftmost place in [from, end - length] where a segment matches, or -1. */
function findFrom(segment: Segment, text: string, from: number, end: number): number {
  const latest = end - segment.length
  for (let at = from; at <= latest; at++) {
    if (segment.literal !== undefined) {
      // Pieces before the first literal are single characters: their number is its offset.
      const found = text.indexOf(segment.literal, at + segment.literalAt)
      if (found < 0) return -1
      at = found - segment.literalAt
      if (at > latest) return -1
    }
    if (matchesAt(segment, text, at)) return at
  }
  return -1
}
