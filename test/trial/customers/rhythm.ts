/** When calls happen. Each answers with that many times in order, in ms. */
import type { Dice } from '../dice.ts'

export const minuteMs = 60_000
export const hourMs = 3_600_000
export const dayMs = 86_400_000

/** At any time between two. */
export function anytime(dice: Dice, fromMs: number, toMs: number, count: number): number[] {
  return Array.from({ length: count }, () => Math.floor(dice.between(fromMs, toMs))).sort((a, b) => a - b)
}

/** One after the other, gaps of chance around a mean and never below a quarter of it. */
export function paced(dice: Dice, startMs: number, meanGapMs: number, count: number): number[] {
  let at = startMs
  return Array.from({ length: count }, () => (at += Math.ceil(meanGapMs * 0.25 + dice.exponential(meanGapMs * 0.75))))
}

/** At a clock's beat, with a little jitter. */
export function ticking(dice: Dice, startMs: number, everyMs: number, count: number, jitter = 0.02): number[] {
  return Array.from({ length: count }, (_, n) => Math.floor(startMs + everyMs * (n + jitter * dice.unit())))
}

/** In the working hours of one time zone, most around the middle of the day, few at weekends. */
export function workdays(dice: Dice, startMs: number, days: number, count: number): number[] {
  const [open, length] = [dice.between(4, 15), dice.between(7, 11)]
  const weights = Array.from({ length: days }, (_, n) => {
    const day = new Date(startMs + n * dayMs).getUTCDay()
    return day === 0 || day === 6 ? 0.15 : 1
  })
  return Array.from({ length: count }, () => {
    const hour = open + (length * (dice.unit() + dice.unit())) / 2
    return Math.floor(startMs + dice.weighted(weights) * dayMs + hour * hourMs)
  }).sort((a, b) => a - b)
}

/** In sessions of a few calls each, close together, over some days. */
export function sessions(dice: Dice, startMs: number, days: number, count: number, gapMs: number): number[] {
  const times: number[] = []
  while (times.length < count) {
    const from = startMs + dice.between(0, days * dayMs)
    times.push(...paced(dice, from, gapMs, Math.min(dice.int(3, 25), count - times.length)))
  }
  return times.map(Math.floor).sort((a, b) => a - b)
}
