/**
 * Makes hostile text safe to show on a terminal.
 *
 * Escape sequences can move the cursor, rewrite lines or set the window's title; bidirectional overrides make text read as
 * what it is not. All of them become visible escapes.
 */

/** C0 and C1 controls but tab and line feed, DEL, and the bidirectional controls. */
const unsafe = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g

/** For text of several lines: tabs and line ends stay. */
export function neutralText(text: string): string {
  return text.replace(unsafe, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** For one line of a table or a list: line ends and tabs become spaces; at most `charsMax` characters. */
export function neutralLine(text: string, charsMax = 500): string {
  const line = neutralText(text.replace(/\s+/g, ' ').trim())
  return line.length > charsMax ? `${line.slice(0, charsMax - 1)}…` : line
}
