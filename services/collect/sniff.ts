/** Tells a stream of one record a line from other forms, by its beginning. */

/** Whether a stream that begins so has one record a line. */
export function sniff(head: Buffer, complete: boolean): 'lines' | 'values' {
  const text = head.toString('latin1')
  const first = text.search(/[^\s]/)
  if (first < 0) return 'lines'
  const opening = text[first]
  if (opening !== '{' && opening !== '[') return 'lines'
  const lines = text.slice(first).split('\n')
  // The last one may go on past what is seen.
  if (!complete) lines.pop()
  const alone = (line: string): boolean => (line.startsWith('{') || line.startsWith('[')) && isJson(line)
  const [firstLine = '', ...rest] = lines
  if (opening === '[') return alone(firstLine) && rest.some(alone) ? 'lines' : 'values'
  if (alone(firstLine)) return rest.some((line) => line.trim() !== '') ? 'lines' : 'values'
  return rest.some(alone) ? 'lines' : 'values'
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
