/**
 * What is kept of an account whose one key was used at one place and shows nothing, as nearly all are: few bytes instead of a
 * dozen objects.
 *
 * In the state it is spelled as a list of `Habits`, as others are. Open, it is that list; a use at the same place
 * changes numbers alone.
 */
import { Block } from '../block.ts'
import type { Habits } from './known.ts'
import type { KeyUse } from './params.ts'

/** Numbers at the beginning; behind them the texts, each with its length before it. */
const at = {
  firstMs: 0, lastMs: 1, calls: 2, changes: 3, fastestKmh: 4, paceMs: 5, placeFirstMs: 6, placeLastMs: 7, placeCalls: 8,
} as const // prettier-ignore
const textsFrom = 8 * 9
const textCount = 4
const textBytesMax = 255
const asciiMax = 0x7f
/** Blocks are as long as a multiple of it, so that there are few different lengths. */
const step = 16

const numbers = new Float64Array((textsFrom + textCount * (1 + textBytesMax) + step) / 8)
const bytes = Buffer.from(numbers.buffer)

export class QuietHabits extends Block {
  /** Undefined: they are not quiet, or do not fit. */
  static of(keys: readonly Habits[]): QuietHabits | undefined {
    const length = packed(keys)
    return length === 0 ? undefined : new QuietHabits(bytes, length)
  }

  open(): [Habits] {
    this.copyTo(bytes)
    const texts: string[] = []
    for (let from = textsFrom; texts.length < textCount; from += 1 + bytes[from]!) {
      texts.push(bytes.toString('latin1', from + 1, from + 1 + bytes[from]!))
    }
    const [credential, network, agent, country] = texts as [string, string, string, string]
    const [firstMs, lastMs] = [numbers[at.placeFirstMs]!, numbers[at.placeLastMs]!]
    return [
      {
        credential,
        firstMs: numbers[at.firstMs]!,
        lastMs: numbers[at.lastMs]!,
        calls: numbers[at.calls]!,
        places: [{ network, agent, country, firstMs, lastMs, calls: numbers[at.placeCalls]! }],
        logs: [],
        changes: numbers[at.changes]!,
        changed: false,
        fastestKmh: numbers[at.fastestKmh]!,
        paceMs: numbers[at.paceMs]!,
        trail: undefined,
      },
    ]
  }

  /** Takes in a use of the key at its place; undefined: it is another key or place. When it was used last then. */
  repeat(use: KeyUse, paceAfter: (calls: number, paceMs: number, intervalMs: number) => number): number | undefined {
    this.copyTo(bytes)
    const { credential, network, agent, country } = use
    const networkFrom = textsFrom + 1 + credential.length
    const agentFrom = networkFrom + 1 + network.length
    const countryFrom = agentFrom + 1 + agent.length
    const isThere =
      isAt(textsFrom, credential) && isAt(networkFrom, network) && isAt(agentFrom, agent) && isAt(countryFrom, country)
    if (!isThere) return undefined
    const lastMs = numbers[at.lastMs]!
    const calls = numbers[at.calls]!
    numbers[at.paceMs] = paceAfter(calls, numbers[at.paceMs]!, use.timeMs - lastMs)
    numbers[at.placeCalls]!++
    numbers[at.placeLastMs] = Math.max(numbers[at.placeLastMs]!, use.timeMs)
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
  const habits = keys[0]
  if (habits === undefined || keys.length > 1 || !isQuiet(habits)) return 0
  const place = habits.places[0]!
  numbers[at.firstMs] = habits.firstMs
  numbers[at.lastMs] = habits.lastMs
  numbers[at.calls] = habits.calls
  numbers[at.changes] = habits.changes
  numbers[at.fastestKmh] = habits.fastestKmh
  numbers[at.paceMs] = habits.paceMs
  numbers[at.placeFirstMs] = place.firstMs
  numbers[at.placeLastMs] = place.lastMs
  numbers[at.placeCalls] = place.calls
  let end = textsFrom
  for (const text of [habits.credential, place.network, place.agent, place.country]) end = write(end, text)
  if (end === 0) return 0
  const length = Math.ceil(end / step) * step
  bytes.fill(0, end, length)
  return length
}

function isQuiet({ places, logs, changed, newcomer, shared, takenOver, trail }: Habits): boolean {
  if (places.length !== 1 || changed || (newcomer ?? shared ?? takenOver ?? trail) !== undefined) return false
  return logs.every((log) => log === 0)
}

/** Where it ends; 0: it does not fit or has other characters than ASCII's, and nothing does after it. */
function write(from: number, text: string): number {
  if (from === 0 || text.length > textBytesMax) return 0
  for (let n = 0; n < text.length; n++) {
    const code = text.charCodeAt(n)
    if (code > asciiMax) return 0
    bytes[from + 1 + n] = code
  }
  bytes[from] = text.length
  return from + 1 + text.length
}

/** Whether this text stands there. */
function isAt(from: number, text: string): boolean {
  if (bytes[from] !== text.length) return false
  for (let n = 0; n < text.length; n++) {
    if (bytes[from + 1 + n] !== text.charCodeAt(n)) return false
  }
  return true
}
