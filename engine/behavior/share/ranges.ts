/**
 * Ranges of bytes of one object, added up: parts that overlap count once.
 *
 * `bytes=0-1048575` as HTTP spells it (RFC 9110, section 14.1.2). What was asked for is no more than a wish: only as many bytes count as
 * were sent. Promises: bounded; where there are more pieces than kept, the two nearest are joined, so that what is said to be read is
 * never less than what was.
 */
const unit = /^\s*bytes\s*=\s*/i
const rangeText = /^(?:(\d{1,15})\s*-\s*(\d{1,15})?|-\s*(\d{1,15}))$/
const rangesMax = 64
const piecesMax = 64

/** First and last byte, both included. */
export type Piece = readonly [first: number, last: number]

/**
 * The pieces of an object of `size` bytes that `bytes` were sent of. Undefined: the text is no range, or where it lies can't be
 * told without the size.
 */
export function parseRange(text: unknown, size: number | undefined, bytes: number): readonly Piece[] | undefined {
  if (typeof text !== 'string' || !unit.test(text)) return undefined
  const parts = text.replace(unit, '').split(',', rangesMax)
  const pieces: Piece[] = []
  let left = bytes
  for (const part of parts) {
    const piece = pieceOf(part.trim(), size)
    if (piece === undefined) return undefined
    const last = Math.min(piece[1], piece[0] + left - 1)
    if (last < piece[0]) continue
    pieces.push([piece[0], last])
    left -= last - piece[0] + 1
  }
  return pieces
}

function pieceOf(text: string, size: number | undefined): Piece | undefined {
  const [, from, to, suffix] = rangeText.exec(text) ?? []
  if (from !== undefined) {
    const last = Math.min(to === undefined ? Infinity : Number(to), size === undefined ? Infinity : size - 1)
    return to !== undefined && Number(to) < Number(from) ? undefined : [Number(from), last]
  }
  return suffix === undefined || size === undefined ? undefined : [Math.max(0, size - Number(suffix)), size - 1]
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
