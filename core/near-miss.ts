/** Finds the word that was probably meant by one that is unknown. Pure. */

/** Of a word that surely is none: any that is somewhat like it helps. */
const editsForHint = (known: string): number => Math.max(2, Math.floor(known.length / 3))
/** Of a word that may be one in its own right: as few edits as nobody gets to by another word. */
export const editsOfSlip = (known: string): number => Math.floor(known.length / 4)

/** The nearest of `known`, if it is near enough to have been meant: at most so many edits away, upper and lower case aside. */
export function nearest(unknown: string, known: Iterable<string>, editsMax = editsForHint): string | undefined {
  const word = unknown.toLowerCase().slice(0, 128)
  let best: { readonly key: string; readonly distance: number } | undefined
  for (const key of known) {
    const within = Math.min(best?.distance ?? Infinity, editsMax(key) + 1)
    if (Math.abs(key.length - word.length) >= within) continue
    const distance = editDistance(key.toLowerCase(), word)
    if (distance < within) best = { key, distance }
  }
  return best?.key
}

/** Letters to insert, remove, replace, or swap with their neighbor (optimal string alignment). */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, column) => column)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      let least = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + same)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, rows[i - 2]![j - 2]! + 1)
      row.push(least)
    }
    rows.push(row)
  }
  return rows[a.length]![b.length]!
}
