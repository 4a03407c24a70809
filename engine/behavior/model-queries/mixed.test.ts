import { expect, test, vi } from 'vitest'
import type { EvidenceRef } from '../../../core/signal.ts'
import { normalOf, randomOf } from '../../../test/support/random.ts'
import { emptyInventory } from '../../inventory/inventory.ts'
import type { GroupEntries } from '../types.ts'
import { Account } from './account.ts'
import { shows } from './evidence.ts'
import { keyOfText } from './input.ts'
import { WeighQueries, type ModelQuery } from './local.ts'
import { mixedWith } from './mixed.ts'
import { ModelQueriesParams } from './params.ts'
import { learnReference, openReference } from './reference.ts'
import { shownBy } from './shown.ts'

// Machines that run these tests may be busy.
vi.setConfig({ testTimeout: 60_000 })

const random = randomOf(43)
const normal = normalOf(random)
const columns = 30
/** Of independent columns two records are about so far apart. */
const scale = Math.sqrt(2 * columns)
const record = (): Float64Array => Float64Array.from({ length: columns }, normal)
const mixOf = (a: Float64Array, b: Float64Array, share: number): Float64Array =>
  a.map((value, i) => (random() < share ? b[i]! : value))
const times = (count: number, make: () => Float64Array): Float64Array[] => Array.from({ length: count }, make)
/** Of a stream, the share from the ninth on that is mixed. */
const share = (stream: readonly Float64Array[]): number => {
  const told = stream.slice(8).filter((x, n) => {
    const ring = stream.slice(n, n + 8).reverse()
    const changes = ring.map((earlier) => earlier.filter((value, i) => value !== x[i]).length)
    return mixedWith(x, ring, changes, scale) !== 0
  })
  return told.length / (stream.length - 8)
}
/** Masks by turns with what they leave. */
const coalitions = (x: Float64Array, usual: Float64Array): Float64Array[] =>
  Array.from({ length: 20 }, () => {
    const [from, size] = [columns * random(), 1 + (columns - 1) * random()]
    const of = (i: number): boolean => (i - from + columns) % columns < size
    return [x.map((value, i) => (of(i) ? value : usual[i]!)), x.map((value, i) => (of(i) ? usual[i]! : value))]
  }).flat()

test('a record some of whose values are put to what is usual, or to those of another one, is mixed', () => {
  const [x, usual] = [record(), record()]
  for (const part of [0.2, 0.3, 0.5]) expect(share(times(60, () => mixOf(x, usual, part)))).toBeGreaterThan(0.7)
  expect(share(coalitions(x, usual))).toBeGreaterThan(0.7)
})

test('records of their own, and mixtures with ever other ones, are not', () => {
  const x = record()
  expect(share(times(60, record))).toBe(0)
  expect(share(times(60, () => mixOf(x, record(), 0.5)))).toBe(0)
  // Of two states that each column has by itself, as yes and no are: nothing lies between them.
  expect(share(times(60, () => record().map((value) => (value > 0 ? 1 : 0))))).toBe(0)
})

test('steps there or back that are as wide in each column, or small, are not', () => {
  const x = record()
  const stepped = (of: (i: number) => number): Float64Array => x.map((value, i) => value + (random() < 0.5 ? 1 : -1) * of(i)) // prettier-ignore
  for (const wide of [0.01, 0.1, 0.5]) expect(share(times(60, () => stepped(() => wide)))).toBe(0)
  // In powers of two the units of columns differ by up to two times.
  expect(share(times(60, () => stepped((i) => 0.4 * (1 + (i % 7) / 6))))).toBe(0)
  const widths = record()
  expect(share(times(60, () => stepped((i) => 0.02 * widths[i]!)))).toBe(0)
})

test('a search that puts values to those of another input one after the other, and keeps what was answered well, is not', () => {
  const [x, other] = [record(), record()]
  let best = other
  const asked: Float64Array[] = []
  for (let n = 0; n < 60; n++) {
    const next = best.with(n % columns, x[n % columns]!)
    asked.push(next)
    if (random() < 0.6) best = next
  }
  expect(share(asked)).toBe(0)
})

test('an explanation by masks and what they leave shows no pairs around a center, nor a search in a ball, and slopes of synthetic inputs do', () => {
  const labelOf = (x: Float64Array): string => (x[0]! > 0 ? 'yes' : 'no')
  const sampleOf = (x: Float64Array) => ({ x, label: labelOf(x), margin: 1 })
  const hidden = (): Float64Array => {
    const of = [normal(), normal(), normal()]
    return Float64Array.from({ length: columns }, (_, i) => of[i % 3]! * (1 + (i % 7) / 5) + normal() / 10)
  }
  const reference = openReference(learnReference(Array.from({ length: 8 }, () => times(100, hidden).map(sampleOf))))!
  const counted = (queries: readonly Float64Array[], mayMix: boolean): number => {
    const account = new Account(columns)
    account.open(account.begin(0))
    return queries.filter((x) => {
      const input = { kind: 'features', blackAndWhite: false, ...sampleOf(x) } as const
      const shown = shownBy(account, { input, member: false }, reference, false, mayMix)
      account.remember(keyOfText(input.label), shown.notes)
      return (shown.bits & (shows.pair | shows.ball | shows.flip)) !== 0
    }).length
  }
  const [x, usual] = [hidden(), hidden()]
  const explained = [x, ...coalitions(x, usual)]
  expect(counted(explained, true)).toBeLessThan(0.25 * explained.length)
  expect(counted(explained, false)).toBeGreaterThan(0.4 * explained.length)
  // Nobody asked for one of the two: steps of both signs around a synthetic input, as uneven as records are.
  const [middle, widths] = [hidden(), record()]
  const feigned = Array.from({ length: 20 }, () => {
    const step = widths.map((width) => (random() < 0.5 ? width : -width))
    return [middle.map((value, i) => value + step[i]!), middle.map((value, i) => value - step[i]!)]
  }).flat()
  expect(counted(feigned, true)).toBeGreaterThan(0.4 * feigned.length)
  const slopes = Array.from({ length: 20 }, () => {
    const step = record().map((value) => 0.3 * value)
    return [x.map((value, i) => value + step[i]!), x.map((value, i) => value - step[i]!)]
  }).flat()
  expect(counted(slopes, true)).toBeGreaterThan(0.7 * slopes.length)
})

test('mixtures are let pass a thousand times a day, and whoever asks more is told', () => {
  const labelOf = (x: Float64Array): string => (x[0]! > 0 ? 'yes' : 'no')
  const sampleOf = (x: Float64Array) => ({ x, label: labelOf(x), margin: 1 })
  const told = learnReference(Array.from({ length: 8 }, () => times(100, record).map(sampleOf)))!
  const [x, usual] = [record(), record()]
  const explained = [x, ...Array.from({ length: 60 }, () => coalitions(x, usual)).flat()]
  const toldAt = (apartMs: number): number => {
    const step = new WeighQueries(ModelQueriesParams.parse({ type: 'model-queries' }))
    const kept = new Map<string, unknown>()
    const entries: GroupEntries = {
      get: <T>(name: string) => kept.get(name) as T | undefined,
      set: (name, value) => void kept.set(name, JSON.parse(JSON.stringify(value))),
      delete: (name) => void kept.delete(name),
      names: () => [...kept.keys()],
    }
    const context = { inventory: emptyInventory, baseline: (name: string) => (/drift/.test(name) ? undefined : told) }
    return explained.findIndex((of, n) => {
      const query: ModelQuery = {
        timeMs: n * apartMs,
        input: {
          kind: 'features', hidden: true, blackAndWhite: false, probabilities: undefined, ...sampleOf(of),
          key: keyOfText(of.join()),
        },
        member: false, entities: () => [], evidence: () => ({ id: `e${n}` }) as unknown as EvidenceRef,
      } // prettier-ignore
      return step.apply(['t/u', 'm'], entries, query, -Infinity, context).findings.length > 0
    })
  }
  expect(toldAt(120_000)).toBe(-1)
  expect(toldAt(10)).toBeGreaterThan(1_000)
})
