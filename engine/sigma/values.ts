/**
 * What a value of a detection is while modifiers work on it.
 */
import type { SigmaMistakeCode } from './mistakes.ts'
import type { PatternPart, Test, TimePart } from './types.ts'

/** What placeholders stand for: values, or anything at all. */
export interface Placeholders {
  has(name: string): boolean
  get(name: string): readonly (string | number)[] | 'anything' | undefined
}

export interface Problem {
  readonly problem: SigmaMistakeCode
  readonly message: string
  readonly hint?: string
}

export interface Text {
  readonly type: 'text'
  readonly parts: readonly PatternPart[]
  readonly cased: boolean
  /** Each character stands for one byte: an encoding modifier made it. */
  readonly bytes: boolean
}

export type Value =
  | Text
  | { readonly type: 'number'; readonly value: number; readonly written: string }
  | { readonly type: 'boolean'; readonly value: boolean }
  | { readonly type: 'null' }
  | { readonly type: 'regex'; readonly source: string; readonly flags: string }
  | { readonly type: 'time'; readonly part: TimePart; readonly value: number }
  | { readonly type: 'several'; readonly values: readonly Value[] }
  | { readonly type: 'test'; readonly test: Test }
