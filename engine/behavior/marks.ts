/** Prompts that were asked before, a byte each. */

const rowSize = 4

/** Takes note of a prompt; false: it is there. Of more prompts that fall into one row than it has room for the last are known. */
export function markIn(marks: Uint8Array, key: number): boolean {
  const mixed = Math.imul(key ^ (key >>> 15), 0x2c1b3c6d) >>> 0
  const row = (mixed % (marks.length / rowSize)) * rowSize
  // 0 is a place that is empty.
  const mark = 1 + ((mixed >>> 8) % 255)
  const place = marks.subarray(row, row + rowSize).indexOf(mark)
  if (place >= 0) return false
  marks.copyWithin(row + 1, row, row + rowSize - 1)
  marks[row] = mark
  return true
}
