/**
 * Makes hostile text safe to show on a terminal.
 *
 * Escape sequences can move the cursor, rewrite lines or set the window's title; bidirectional overrides make text read as
 * what it is not, and characters without width or picture make two names look like one. All of them become visible escapes.
 */
import { unseen } from '../core/unseen.ts'

/** For text of several lines: tabs and line ends stay. */
export function neutralText(text: string): string {
  return text.replace(unseen, escaped)
}

/** As in JSON, so that JSON shown so is still the same JSON. */
function escaped(character: string): string {
  const units = Array.from({ length: character.length }, (_, at) => character.charCodeAt(at))
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('')
}

/** For one line of a table or a list: line ends and tabs become spaces; at most `charsMax` characters. */
export function neutralLine(text: string, charsMax = 500): string {
  const line = neutralText(text.replace(/\s+/g, ' ').trim())
  return line.length > charsMax ? `${line.slice(0, charsMax - 1)}…` : line
}
