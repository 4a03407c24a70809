/**
 * Whether a reader takes the pieces of an artifact in turn, a few each day: each new one where the last ones left off.
 *
 * Who debugs, samples or evaluates reads pieces from anywhere; who wants the whole goes through them in order (T1030,
 * data taken in pieces small enough to pass), maybe with other reads between. So each piece that a reader takes for the
 * first time is a bet: it lies next to the last three of its row (at most three away), or to the last piece where it
 * goes along none, with at most twice the share that such pieces have among those not taken yet. Bets on 50, 75 and 95
 * % run side by side (Page's test with e-values: Shin, Ramdas and Rinaldo 2023), so a reader whose choice has nothing
 * to do with the order is named once in `piecesPerFalseAlarm` new pieces on average, or less often. A day counts with
 * three such pieces at most: whoever loads a model reads all of it in order, but in one day.
 */
import { betOn, evidenceOfBets, settle } from '../bets.ts'

const thiefShares = [0.5, 0.75, 0.95] as const
const lastMax = 3
const apartMax = 3
const countedADay = 3
/** Pieces next to none of its own after which a row is given up for another. */
const idleMax = 4
const daysMin = 3
const piecesMin = 4
/** Of the share of pieces that lie near: room for readers whose pieces belong together. */
const room = { ratio: 2, least: 0.05, most: 0.7 }

/** What is remembered of one reader of one artifact. JSON. */
export interface Turn {
  /** The name around the number. */
  family: string
  /** Numbers of the last pieces of the row that it goes along, oldest first; pieces since then that were of none. */
  row: number[]
  idle: number
  /** The last piece that was not of it: where another row may begin. */
  odd: number
  logs: number[]
  day: number
  /** Pieces of that day that counted for it. */
  counted: number
  /** Days and pieces since the evidence began to rise. */
  days: number
  pieces: number
}

/** A piece by its name: `model-00003-of-00030.safetensors` is number 3. */
export interface Piece {
  readonly number: number
  readonly family: string
  /** The name of another piece. */
  nameOf(number: number): string
}

/** Undefined: the object has no number. */
export function pieceOf(object: string): Piece | undefined {
  const cut = object.lastIndexOf('/') + 1
  const found = /^(.*?)(\d{1,7})((?:-of-\d{1,7})?\D*)$/.exec(object.slice(cut))
  if (found === null) return undefined
  const [, before, digits, after] = found as unknown as [string, string, string, string]
  const width = digits.startsWith('0') ? digits.length : 1
  const around = object.slice(0, cut) + before
  return {
    number: Number(digits),
    family: `${before}#${after}`,
    nameOf: (number) => `${around}${String(number).padStart(width, '0')}${after}`,
  }
}

export interface InTurn {
  readonly days: number
  readonly pieces: number
  /** Natural logarithm. */
  readonly evidence: number
}

/**
 * Takes note of a piece that is new to its reader. `objects`: pieces that the artifact has, `taken`: how many of them
 * the reader had already, `has`: whether one of them is this. The evidence where it passes `line`.
 */
export function takeInTurn(
  turn: Turn | undefined,
  piece: Piece,
  day: number,
  objects: number,
  taken: number,
  has: (name: string) => boolean,
  line: number,
): { turn: Turn; found: InTurn | undefined } {
  if (turn?.family !== piece.family || day < turn.day) {
    const fresh = {
      family: piece.family,
      row: [],
      idle: 0,
      odd: piece.number,
      logs: [],
      day,
      counted: 0,
      days: 1,
      pieces: 1,
    }
    return { turn: turn !== undefined && day < turn.day ? turn : fresh, found: undefined }
  }
  if (turn.logs.every((log) => log === 0)) Object.assign(turn, { days: turn.day === day ? 1 : 2, pieces: 1 })
  else if (day > turn.day) turn.days++
  if (day > turn.day) Object.assign(turn, { day, counted: 0 })
  turn.pieces++
  const left = new Set<number>()
  const nearTo = (to: number): boolean => Math.abs(piece.number - to) <= apartMax
  for (const number of isAlive(turn) ? turn.row : [...turn.row, turn.odd]) {
    for (let n = Math.max(0, number - apartMax); n <= number + apartMax; n++) if (!has(piece.nameOf(n))) left.add(n)
  }
  const hit = left.has(piece.number)
  goAlong(turn, piece.number, nearTo)
  if (hit && turn.counted >= countedADay) return { turn, found: undefined }
  if (hit) turn.counted++
  const share = left.size / Math.max(left.size, objects - taken)
  const usual = room.ratio * share + room.least
  // Where hardly another piece is left, such as the newest of a series, taking it says nothing.
  if (usual > room.most) return { turn, found: undefined }
  settle(
    turn.logs,
    thiefShares.map((thief) => betOn(thief, usual)),
    hit,
    2 * line,
  )
  const evidence = evidenceOfBets(turn.logs)
  const crossed = evidence >= line && turn.days >= daysMin && turn.pieces >= piecesMin
  return { turn, found: crossed ? { days: turn.days, pieces: turn.pieces, evidence } : undefined }
}

function isAlive({ row, idle }: Turn): boolean {
  return row.length > 0 && idle < idleMax
}

/** Adds a piece to the row, or remembers it beside it: what is read between does not end a row. */
function goAlong(turn: Turn, number: number, nearTo: (number: number) => boolean): void {
  const begins = !isAlive(turn) && nearTo(turn.odd)
  if (turn.row.some(nearTo)) Object.assign(turn, { row: [...turn.row, number].slice(-lastMax), idle: 0 })
  else if (begins) Object.assign(turn, { row: [turn.odd, number], idle: 0 })
  else Object.assign(turn, { odd: number, idle: turn.idle + 1 })
}
