/** The members of a JSON object as they are spelled: what is carried in an envelope goes on byte for byte. */

/**
 * The text of each top-level member's value. `text` must be a valid JSON object. A key written twice: the last, as in
 * JSON.parse.
 */
export function memberTexts(text: string): ReadonlyMap<string, string> {
  const members = new Map<string, string>()
  let at = text.indexOf('{') + 1
  for (;;) {
    at = skip(text, at, ' \t\r\n,')
    if (text[at] !== '"') return members
    const keyEnd = endOfText(text, at)
    const key = JSON.parse(text.slice(at, keyEnd)) as string
    const from = skip(text, keyEnd, ' \t\r\n:')
    const end = endOfValue(text, from)
    members.set(key, text.slice(from, end))
    at = end
  }
}

function skip(text: string, at: number, passed: string): number {
  while (at < text.length && passed.includes(text[at]!)) at++
  return at
}

/** `at` is the opening quote; the index after the closing one. */
function endOfText(text: string, at: number): number {
  for (let end = at + 1; end < text.length; end++) {
    if (text[end] === '\\') end++
    else if (text[end] === '"') return end + 1
  }
  return text.length
}

function endOfValue(text: string, from: number): number {
  let depth = 0
  for (let at = from; at < text.length; at++) {
    const char = text[at]!
    if (char === '"') {
      at = endOfText(text, at) - 1
      if (depth === 0) return at + 1
    } else if (char === '{' || char === '[') depth++
    else if (char === '}' || char === ']') {
      // Of a bare value the object's own bracket is the end.
      if (depth === 0) return at
      if (--depth === 0) return at + 1
    } else if (depth === 0 && ', \t\r\n'.includes(char)) return at
  }
  return text.length
}
