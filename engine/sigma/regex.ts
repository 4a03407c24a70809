/**
 * Regular expressions, by RE2's rules: linear time whatever the text, and bounded programs.
 *
 * Pure. What is plainly an expression is not compiled to be checked (regex-plain.ts).
 */
import { RE2JS } from 're2js'
import { isPlainRegex } from './regex-plain.ts'
import type { Test } from './types.ts'
import type { Problem } from './values.ts'

/** Instructions a compiled expression may have: repetition counts unfold into them. */
const regexProgramMax = 20_000

/** The test for a text that the expression is found in. */
export function checkedRegex(source: string, flags: string): Test | Problem {
  if (isPlainRegex(source)) return { kind: 'regex', source, flags }
  try {
    const size = compileRegex(source, flags).programSize()
    if (size > regexProgramMax) {
      return {
        problem: 'SIGMA_TOO_LARGE',
        message: `The regular expression has ${size} instructions; ${regexProgramMax} are allowed.`,
      }
    }
  } catch (error) {
    return {
      problem: 'SIGMA_REGEX_INVALID',
      message: `The regular expression can't be used: ${(error as Error).message.slice(0, 200)}.`,
      hint: 'Expressions run in linear time: look-around and back references are not to be had.',
    }
  }
  return { kind: 'regex', source, flags }
}

/** Throws where the expression is not one. */
export function compileRegex(source: string, flags: string): RE2JS {
  const bits =
    (flags.includes('i') ? RE2JS.CASE_INSENSITIVE : 0) |
    (flags.includes('m') ? RE2JS.MULTILINE : 0) |
    (flags.includes('s') ? RE2JS.DOTALL : 0)
  return RE2JS.compile(source, bits)
}
