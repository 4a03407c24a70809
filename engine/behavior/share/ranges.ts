/**
 * Ranges of bytes of one object, added up: parts that overlap count once.
 *
 * `bytes=0-1048575` as HTTP spells it (RFC 9110, section 14.1.2). Promises: bounded; where there are more pieces than kept,
 * the two nearest are joined, so that what is said to be read is never less than what was.
 */
const rangeText = /^\s*bytes\s*=\s*(\d{1,15})\s*-\s*(\d{1,15})?\s*$/i
const piecesMax = 64

/** First and last byte, both included. */
export type Piece = readonly [first: number, last: number]

/** Undefined: the text is no range of known ends, or the size that would end it is unknown. */
export function parseRange(text: unknown, size: number | undefined): Piece | undefined {
  const found = typeof text === 'string' ? rangeText.exec(text) : null
  if (found === null) return undefined
  const first = Number(found[1])
  const last = found[2] === undefined ? (size === undefined ? undefined : size - 1) : Number(found[2])
  return last === undefined || last < first ? undefined : [first, last]
}

export function addPiece(pieces: readonly Piece[], piece: Piece): readonly Piece[] {
  const sorted = [...pieces, piece].sort((a, b) => a[0] - b[0])
  const merged: [number, number][] = []
  for (const [first, last] of sorted) {
    const before = merged.at(-1)
    if (before !== undefined && first <= before[1] + 1) before[1] = Math.max(before[1], last)
    else merged.push([first, last])
  }
  while (merged.length > piecesMax) joinNearest(merged)
  return merged
}

export function bytesOf(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, [first, last]) => sum + last - first + 1, 0)
}

function joinNearest(pieces: [number, number][]): void {
  let nearest = 1
  for (let at = 2; at < pieces.length; at++) {
    if (gap(pieces, at) < gap(pieces, nearest)) nearest = at
  }
  pieces[nearest - 1]![1] = pieces[nearest]![1]
  pieces.splice(nearest, 1)
}

function gap(pieces: readonly Piece[], at: number): number {
  return pieces[at]![0] - pieces[at - 1]![1]
}
