/**
 * Ranges of bytes of one object, added up: parts that overlap count once.
 *
 * `bytes=0-1048575` as HTTP spells it (RFC 9110, section 14.1.2). What was asked for is no more than a wish: only as
 * many bytes count as were sent. Promises: bounded; where there are more pieces than kept, the two nearest are joined,
 * so that what is said to be read is never less than what was.
 */
const unit = /^\s*bytes\s*=\s*/i
const rangeText = /^(?:(\d{1,15})\s*-\s*(\d{1,15})?|-\s*(\d{1,15}))$/
const rangesMax = 64
const piecesMax = 64

/** First and last byte, both included. */
export type Piece = readonly [first: number, last: number]

/** Where the last bytes of an object of unknown size are put: beyond all that can be named from its beginning. */
const unknownEnd = 2 ** 51
const fromEnd = 2 ** 50
/** What an answer may be larger than its ranges: its headers, and those of each of several parts. */
const headerBytes = 1_024
const partBytes = 256

/**
 * The pieces of an object of `size` bytes that `bytes` were sent of. Undefined: the text is no range. What is sent
 * beyond the ranges says that the server did not heed them, as S3 does with several, and all do where `If-Range` does
 * not fit: then it is the beginning.
 */
export function parseRange(text: unknown, size: number | undefined, bytes: number): readonly Piece[] | undefined {
  if (typeof text !== 'string' || !unit.test(text)) return undefined
  const parts = text.replace(unit, '').split(',', rangesMax)
  const pieces: Piece[] = []
  let left = bytes
  for (const part of parts) {
    const piece = pieceOf(part.trim(), size ?? unknownEnd)
    if (piece === undefined) return undefined
    const last = Math.min(piece[1], piece[0] + left - 1)
    if (last < piece[0]) continue
    pieces.push([piece[0], last])
    left -= last - piece[0] + 1
  }
  return left > headerBytes + partBytes * parts.length ? [[0, bytes - 1]] : pieces
}

/** Of an object of so many bytes, those that are asked for: all without a range. What lies past its end is none. */
export function bytesAsked(text: unknown, size: number): number {
  if (typeof text !== 'string' || !unit.test(text)) return size
  const pieces = text
    .replace(unit, '')
    .split(',', rangesMax)
    .map((part) => pieceOf(part.trim(), size))
  if (pieces.includes(undefined)) return size
  return Math.min(
    size,
    pieces.reduce((sum, piece) => sum + Math.max(0, piece![1] - piece![0] + 1), 0),
  )
}

function pieceOf(text: string, size: number): Piece | undefined {
  const [, from, to, suffix] = rangeText.exec(text) ?? []
  if (suffix !== undefined) return [Math.max(0, size - Number(suffix)), size - 1]
  if (from === undefined || (to !== undefined && Number(to) < Number(from))) return undefined
  return [Number(from), Math.min(to === undefined ? Infinity : Number(to), size - 1)]
}

/** How large an object of which this was read is at least. */
export function reachOf([first, last]: Piece): number {
  return first >= fromEnd ? last - first + 1 : last + 1
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
