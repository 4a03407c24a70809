/** Splits a body that is in memory as a whole: piece by piece, so that others may have a turn between two. */
import { RecordSplitter, type SplitterOptions, type Unit } from './splitter.ts'

/** Cut to pieces of this size, a stream of many small records is not in memory as units all at once. */
const pieceBytes = 256 * 1024

/** What the splitter makes of a whole body, piece by piece. */
export function* unitsOf(body: Buffer, splitter: RecordSplitter): Generator<readonly Unit[]> {
  for (let at = 0; at < body.length; at += pieceBytes) yield splitter.push(body.subarray(at, at + pieceBytes))
  yield splitter.end()
}

/** Whether a body has more records than this, before anything is made of them. */
export function holdsMoreThan(countMax: number, body: Buffer, options: SplitterOptions): boolean {
  // Each takes a byte and what divides it from the next.
  if (body.length < 2 * countMax) return false
  let count = 0
  for (const units of unitsOf(body, new RecordSplitter(options))) {
    count += units.length
    if (count > countMax) return true
  }
  return false
}
