/**
 * What is kept of an account whose one key shows nothing, as nearly all are: few bytes instead of a dozen objects.
 *
 * In the state it is spelled as a list of `Habits`, as others are. Open, it is that list; most calls come from where all came from
 * so far, and change numbers alone.
 */
import { Block } from '../block.ts'
import type { Habits } from './known.ts'
import type { KeyUse } from './params.ts'

/** Of the numbers at the beginning, three more for each place behind them; then the texts, each with its length before it. */
const at = { firstMs: 0, lastMs: 1, calls: 2, changes: 3, fastestKmh: 4, paceMs: 5, places: 6, ofPlaces: 7 } as const
const ofPlace = { firstMs: 0, lastMs: 1, calls: 2 } as const
const numbersPerPlace = 3
const textBytesMax = 255
const placesMax = 10
const textsMax = 1 + 3 * placesMax
/** Blocks are as long as a multiple of it, so that there are few different lengths. */
const step = 16
const roomBytes = 8 * (at.ofPlaces + numbersPerPlace * placesMax) + textsMax * (1 + textBytesMax) + step

const numbers = new Float64Array(Math.ceil(roomBytes / 8))
const bytes = Buffer.from(numbers.buffer)

export class QuietHabits extends Block {
  /** Undefined: they are not quiet, or do not fit. */
  static of(keys: readonly Habits[]): QuietHabits | undefined {
    const length = packed(keys)
    return length === 0 ? undefined : new QuietHabits(bytes, length)
  }

  /** Good until a block of this kind is asked for anything else. */
  open(): [Habits] {
    this.copyTo(bytes)
    const count = numbers[at.places]!
    const texts = { from: 8 * (at.ofPlaces + numbersPerPlace * count) }
    const credential = textAt(texts)
    const places = Array.from({ length: count }, (_, n) => {
      const first = at.ofPlaces + numbersPerPlace * n
      const [network, agent, country] = [textAt(texts), textAt(texts), textAt(texts)]
      const [firstMs, lastMs] = [numbers[first + ofPlace.firstMs]!, numbers[first + ofPlace.lastMs]!]
      return { network, agent, country, firstMs, lastMs, calls: numbers[first + ofPlace.calls]! }
    })
    return [
      {
        credential,
        firstMs: numbers[at.firstMs]!,
        lastMs: numbers[at.lastMs]!,
        calls: numbers[at.calls]!,
        places,
        logs: [],
        changes: numbers[at.changes]!,
        changed: false,
        fastestKmh: numbers[at.fastestKmh]!,
        paceMs: numbers[at.paceMs]!,
        trail: undefined,
      },
    ]
  }

  /** These are its habits now; false: they are not quiet, or do not fit. */
  close(keys: readonly Habits[]): boolean {
    const length = packed(keys)
    if (length > 0) this.put(bytes, length)
    return length > 0
  }

  /** Takes in a use of the key at the only place it was ever used from; undefined: it is another one. When it was used last then. */
  repeat(use: KeyUse, paceAfter: (calls: number, paceMs: number, intervalMs: number) => number): number | undefined {
    this.copyTo(bytes)
    if (numbers[at.places] !== 1) return undefined
    let from = 8 * (at.ofPlaces + numbersPerPlace)
    for (const text of [use.credential, use.network, use.agent, use.country]) {
      if (!isAt(from, text)) return undefined
      from += 1 + text.length
    }
    const place = at.ofPlaces
    const lastMs = numbers[at.lastMs]!
    const calls = numbers[at.calls]!
    numbers[at.paceMs] = paceAfter(calls, numbers[at.paceMs]!, use.timeMs - lastMs)
    numbers[place + ofPlace.calls]!++
    numbers[place + ofPlace.lastMs] = Math.max(numbers[place + ofPlace.lastMs]!, use.timeMs)
    numbers[at.calls] = calls + 1
    numbers[at.lastMs] = Math.max(lastMs, use.timeMs)
    this.put(bytes, this.length)
    return numbers[at.lastMs]
  }

  override toJSON(): readonly Habits[] {
    return this.open()
  }
}

/** Their length in bytes; 0: they are not quiet, or do not fit. */
function packed(keys: readonly Habits[]): number {
  const [habits] = keys
  if (habits === undefined || keys.length > 1 || !isQuiet(habits)) return 0
  const { places } = habits
  numbers[at.firstMs] = habits.firstMs
  numbers[at.lastMs] = habits.lastMs
  numbers[at.calls] = habits.calls
  numbers[at.changes] = habits.changes
  numbers[at.fastestKmh] = habits.fastestKmh
  numbers[at.paceMs] = habits.paceMs
  numbers[at.places] = places.length
  let end = write(8 * (at.ofPlaces + numbersPerPlace * places.length), habits.credential)
  for (const [n, { network, agent, country, firstMs, lastMs, calls }] of places.entries()) {
    const first = at.ofPlaces + numbersPerPlace * n
    numbers[first + ofPlace.firstMs] = firstMs
    numbers[first + ofPlace.lastMs] = lastMs
    numbers[first + ofPlace.calls] = calls
    for (const text of [network, agent, country]) end = write(end, text)
  }
  if (end === 0) return 0
  const length = Math.ceil(end / step) * step
  bytes.fill(0, end, length)
  return length
}

function isQuiet({ places, logs, changed, newcomer, shared, takenOver, trail }: Habits): boolean {
  const isLoud = changed || (newcomer ?? shared ?? takenOver ?? trail) !== undefined
  return !isLoud && places.length <= placesMax && logs.every((log) => log === 0)
}

/** Where it ends; 0: it does not fit, as nothing does after it. */
function write(from: number, text: string): number {
  if (from === 0 || text.length > textBytesMax || !text.isWellFormed()) return 0
  // Of a longer text more than `textBytesMax` are written, wherever its last character is cut off.
  const length = bytes.write(text, from + 1, textBytesMax + 5)
  if (length > textBytesMax) return 0
  bytes[from] = length
  return from + 1 + length
}

function textAt(texts: { from: number }): string {
  const from = texts.from + 1
  texts.from = from + bytes[from - 1]!
  return bytes.toString('utf8', from, texts.from)
}

/** Whether this text stands there; false for all that has other characters than ASCII's. */
function isAt(from: number, text: string): boolean {
  if (bytes[from] !== text.length) return false
  for (let n = 0; n < text.length; n++) {
    const code = text.charCodeAt(n)
    if (code > 127 || bytes[from + 1 + n] !== code) return false
  }
  return true
}
