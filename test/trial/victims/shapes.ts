/**
 * Where natural inputs come from: tables with columns of all kinds, small pictures of drawn shapes, embeddings of topics.
 *
 * A shape is drawn from the seed whole: its size, its columns, its classes. `foreign` are natural inputs of another world.
 */
import type { Dice } from '../dice.ts'
import { dot, plus, rounded, scaledTo, type Input } from './numbers.ts'

export type Kind = 'table' | 'image' | 'embedding'

export interface Column {
  readonly kind: 'real' | 'whole' | 'yes-no'
  readonly low: number
  readonly high: number
  /** Between two values that a whole-number column can have. */
  readonly step: number
}

export interface Drawn {
  readonly input: number[]
  readonly label: number
}

export interface Shape {
  readonly kind: Kind
  readonly dimension: number
  readonly classes: number
  readonly side: number
  readonly columns: readonly Column[]
  natural(dice: Dice, label?: number): Drawn
  foreign(dice: Dice): number[]
  /** As natural, but a world that has moved on. */
  shifted(dice: Dice, by: number): number[]
}

/** Columns hang together by hidden causes; skewed amounts, counts, scales and yes-or-no among them. */
export function tableShape(dice: Dice): Shape {
  const [d, causes, classes] = [dice.int(8, 30), dice.int(3, 6), dice.int(2, 4)]
  const standardized = dice.chance(0.4)
  const kinds = Array.from({ length: d }, () =>
    dice.pick(['real', 'real', 'skewed', 'count', 'scale', 'yes-no'] as const),
  )
  const loadings = kinds.map(() => dice.normals(causes, 1 / Math.sqrt(causes)))
  const shifts = kinds.map(() => dice.normal(0, 0.4))
  const means = Array.from({ length: classes }, () => dice.normals(causes, 1.3))
  const weights = Array.from({ length: classes }, () => dice.between(0.6, 1.4))
  const drift = dice.normals(causes)
  const raw = (z: Input, from: Dice): number[] =>
    kinds.map((kind, i) => {
      const value = dot(loadings[i]!, z) + shifts[i]! + from.normal(0, 0.45)
      switch (kind) {
        case 'real':
          return value
        case 'skewed':
          return Math.exp(0.8 * value)
        case 'count':
          return Math.floor(Math.exp(0.9 * value + 0.8))
        case 'scale':
          return Math.max(1, Math.min(10, Math.round(5 + 2 * value)))
        case 'yes-no':
          return value > 0.3 ? 1 : 0
      }
    })
  const drawn = (from: Dice, label: number, moved = 0): number[] =>
    raw(plus(plus(means[label]!, from.normals(causes)), drift, moved), from)
  const seen = Array.from({ length: 600 }, () => drawn(dice, dice.weighted(weights)))
  const scales = kinds.map((_, i) => {
    const values = seen.map((row) => row[i]!)
    const [low, high] = [Math.min(...values), Math.max(...values)]
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) || 1
    return standardized ? { from: mean, by: deviation, low, high } : { from: low, by: high - low || 1, low, high }
  })
  const scaled = (row: Input): number[] => row.map((value, i) => rounded((value - scales[i]!.from) / scales[i]!.by))
  const strange = Array.from({ length: 3 }, () => dice.normals(causes, 2.5))
  const mixed = dice.shuffled(kinds.map((_, i) => i))
  return {
    kind: 'table',
    dimension: d,
    classes,
    side: 0,
    columns: kinds.map((kind, i) => {
      const { from, by, low, high } = scales[i]!
      const name = kind === 'real' || kind === 'skewed' ? 'real' : kind === 'yes-no' ? 'yes-no' : 'whole'
      return { kind: name, low: (low - from) / by, high: (high - from) / by, step: 1 / by }
    }),
    natural: (from, label = from.weighted(weights)) => ({ input: scaled(drawn(from, label)), label }),
    // Another table's rows put into these columns, each in its own range.
    foreign: (from) => {
      const row = scaled(raw(plus(from.pick(strange), from.normals(causes)), from))
      const moved = scaled(drawn(from, from.weighted(weights)))
      return row.map((value, i) => (kinds[i] === kinds[mixed[i]!] ? moved[mixed[i]!]! : value))
    },
    shifted: (from, by) => scaled(drawn(from, from.weighted(weights), by)),
  }
}

type Point = readonly [number, number]

/** Each class is a line through a few points; a picture is that line moved, turned, thick or thin, bright or dim. */
export function imageShape(dice: Dice, side: number): Shape {
  const classes = dice.int(4, 10)
  const levels = side <= 8 ? dice.pick([16, 32]) : 255
  const drawing = (from: Dice): Point[] => {
    const corners = from.int(3, 5)
    return Array.from({ length: corners }, () => [from.between(0.15, 0.85), from.between(0.15, 0.85)] as const)
  }
  const lines = Array.from({ length: classes }, () => drawing(dice))
  const others = Array.from({ length: 14 }, () => drawing(dice))
  const grain = dice.between(0.01, 0.04)
  const picture = (line: readonly Point[], from: Dice, dim = 1): number[] => {
    const [turn, size] = [from.normal(0, 0.12), from.normal(1, 0.07)]
    const [dx, dy] = [from.normal(0, 0.04), from.normal(0, 0.04)]
    const points = line.map(([x, y]): Point => {
      const [u, v] = [size * (x - 0.5 + from.normal(0, 0.025)), size * (y - 0.5 + from.normal(0, 0.025))]
      return [0.5 + dx + u * Math.cos(turn) - v * Math.sin(turn), 0.5 + dy + u * Math.sin(turn) + v * Math.cos(turn)]
    })
    const width = from.between(0.07, 0.12)
    const bright = dim * from.between(0.8, 1)
    return pixels(side, (at) => {
      const away = Math.min(...points.slice(1).map((point, n) => toSegment(at, points[n]!, point)))
      const value = bright * Math.exp(-((away / width) ** 2)) + from.normal(0, grain)
      return Math.round(Math.max(0, Math.min(1, value < 0.06 ? 0 : value)) * levels) / levels
    })
  }
  return {
    kind: 'image',
    dimension: side * side,
    classes,
    side,
    columns: Array.from({ length: side * side }, () => ({ kind: 'real', low: 0, high: 1, step: 1 / levels })),
    natural: (from, label = from.int(0, classes - 1)) => ({
      input: picture(lines[label]!, from).map((x) => rounded(x)),
      label,
    }),
    foreign: (from) =>
      (from.chance(0.5) ? picture(from.pick(others), from) : texture(side, from)).map((x) => rounded(x)),
    shifted: (from, by) =>
      picture(lines[from.int(0, classes - 1)]!, from, 1 - 0.45 * Math.min(1, by)).map((x) => rounded(x)),
  }
}

function pixels(side: number, at: (point: Point) => number): number[] {
  return Array.from({ length: side * side }, (_, n) =>
    at([((n % side) + 0.5) / side, (Math.floor(n / side) + 0.5) / side]),
  )
}

function toSegment([x, y]: Point, [ax, ay]: Point, [bx, by]: Point): number {
  const [dx, dy] = [bx - ax, by - ay]
  const along = Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1)))
  return Math.hypot(x - ax - along * dx, y - ay - along * dy)
}

/** Waves and blobs, as photographs of anything have them. */
function texture(side: number, from: Dice): number[] {
  const waves = Array.from({ length: 4 }, () => [from.normal(0, 5), from.normal(0, 5), from.between(0, 6.3)] as const)
  return pixels(side, ([x, y]) => {
    const sum = waves.reduce((total, [u, v, phase]) => total + Math.sin(u * x + v * y + phase), 0)
    return Math.max(0, Math.min(1, 0.5 + 0.22 * sum + from.normal(0, 0.02)))
  })
}

/** Topics on the unit sphere, a few asked about often and many seldom; related topics make up a class. */
export function embeddingShape(dice: Dice): Shape {
  const [d, topics, classes] = [dice.pick([64, 96, 128, 192, 256]), dice.int(25, 50), dice.int(3, 6)]
  const areas = Array.from({ length: classes }, () => dice.normals(d, 1 / Math.sqrt(d)))
  const common = dice.normals(d, 0.5 / Math.sqrt(d))
  const middles = Array.from({ length: topics }, (_, n) =>
    plus(plus(areas[n % classes]!, dice.normals(d, 1.1 / Math.sqrt(d))), common),
  )
  const ways = middles.map(() => Array.from({ length: 5 }, () => dice.normals(d, 0.35 / Math.sqrt(d))))
  const weights = middles.map((_, n) => 1 / (n + 2) ** dice.between(0.7, 1.1))
  const strangers = Array.from({ length: 12 }, () => dice.normals(d, 1.5 / Math.sqrt(d)))
  const about = (middle: Input, spread: readonly Input[], from: Dice): number[] => {
    let x = plus(middle, from.normals(d, 0.35 / Math.sqrt(d)))
    for (const way of spread) x = plus(x, way, from.normal())
    return scaledTo(x, 1).map((value) => rounded(value))
  }
  const ofTopic = (topic: number, from: Dice): number[] => about(middles[topic]!, ways[topic]!, from)
  return {
    kind: 'embedding',
    dimension: d,
    classes,
    side: 0,
    columns: Array.from({ length: d }, () => ({
      kind: 'real',
      low: -4 / Math.sqrt(d),
      high: 4 / Math.sqrt(d),
      step: 0,
    })),
    natural: (from, label) => {
      const topic = from.weighted(
        weights.map((weight, n) => (label === undefined || n % classes === label ? weight : 0)),
      )
      return { input: ofTopic(topic, from), label: topic % classes }
    },
    foreign: (from) => about(from.pick(strangers), from.pick(ways), from),
    // Interest moves to what was asked about seldom.
    shifted: (from, by) => ofTopic(from.chance(by) ? from.int(topics >> 1, topics - 1) : from.weighted(weights), from),
  }
}
