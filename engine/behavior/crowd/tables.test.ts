import { describe, expect, test } from 'vitest'
import { customer, hourMs, poisson, run, startMs, type Query, type Who } from '../../../test/support/traffic/crowd.ts'
import {
  augmentation,
  tableOf,
  type Keeps,
  type Row,
  type TableOptions,
  type TableWorld,
} from '../../../test/support/traffic/tables.ts'
import { learnReference } from '../model-queries/honest/reference.ts'

const shape = { measures: 5, wholes: 4, yesNos: 3 }

function featuresOf({ input }: Query): readonly number[] {
  return input !== undefined && 'features' in input ? input.features : []
}

/** What is learned of these customers' inputs. */
function learned(queries: readonly Query[]): (name: string) => unknown {
  const accounts = Map.groupBy(queries, ({ user }) => user).values()
  const samples = [...accounts].map((own) =>
    own.slice(0, 100).map((query) => ({ x: Float64Array.from(featuresOf(query)), label: '', margin: NaN })),
  )
  const told = learnReference(samples)
  return (name) => (name.startsWith('m features') ? told : undefined)
}

function customers(table: TableWorld, count: number, row: (n: number) => Row): Query[] {
  return Array.from({ length: count }, (_, n) =>
    poisson(table.random, customer(table.random, n), startMs, startMs + 24 * hourMs, 1_200_000, () => ({
      features: row(n),
    })),
  ).flat()
}

const ordinary = (table: TableWorld, count: number): Query[] => customers(table, count, () => table.row())

/** Two branches of a company, each with an account, ask for the same rows from one office. */
function branches(table: TableWorld, asked: (row: Row) => Row): Query[] {
  const rows = Array.from({ length: 200 }, () => table.row())
  return ['north', 'south'].flatMap((branch, n) => {
    const who: Who = { user: branch, tenant: `t-${branch}`, ip: `34.7.1.${n}`, agent: 'backfill/1' }
    let next = 0
    return poisson(table.random, who, startMs + hourMs, startMs + 4 * hourMs, 45_000, () => ({
      features: asked(rows[next++ % rows.length]!),
    }))
  })
}

/** Ten customers of a reseller, who deals their work out in turn. */
function resold(table: TableWorld, row: () => Row): Query[] {
  const own = Array.from({ length: 10 }, (_, n) => customer(table.random, 100 + n))
  const work = poisson(table.random, own[0]!, startMs, startMs + 12 * hourMs, 60_000, () => ({ features: row() }))
  return work.map((query, n) => ({ ...query, ...own[n % own.length]! }))
}

const digits = (row: Row, scale: number): Row => row.map((value) => Math.round(value * scale) / scale)

const honest: Readonly<Record<string, (table: TableWorld) => Query[]>> = {
  'rows of a table': (table) => ordinary(table, 30),
  'two branches that fill up one table': (table) => [...ordinary(table, 20), ...branches(table, (row) => row)],
  'two branches whose rows are corrected': (table) => [...ordinary(table, 20), ...branches(table, table.later)],
  'a reseller who deals in turn': (table) => [...ordinary(table, 20), ...resold(table, table.row)],
  'a reseller who deals one thing as it changes': (table) => {
    let row: Row = table.row()
    const next = (): Row => (row = table.random() < 0.05 ? table.row() : table.later(row))
    return [...ordinary(table, 20), ...resold(table, next)]
  },
  'things that many watch': (table) => {
    const rows: Row[] = Array.from({ length: 6 }, () => table.row())
    return customers(table, 24, (n) => (rows[n % 6] = table.later(rows[n % 6]!)))
  },
  'values of two digits that many watch': (table) => {
    const rows: Row[] = Array.from({ length: 6 }, () => table.row())
    return customers(table, 24, (n) => digits((rows[n % 6] = table.later(rows[n % 6]!)), 100))
  },
  'one value that is varied at a time': (table) => {
    const row = table.row()
    return customers(table, 24, () => {
      const at = Math.floor(table.random() * row.length)
      return row.map((value, k) => (k === at ? Math.min(1, value + 0.1 * Math.ceil(3 * table.random())) : value))
    })
  },
  'yes and no alone': (table) => customers(table, 30, () => digits(table.row(), 1)),
}

describe('customers with a table are not taken for one hand', () => {
  test.each(Object.entries(honest))('%s', (_, world) => {
    for (const seed of [1, 2]) {
      const queries = world(tableOf({ seed, ...shape }))
      expect(run(queries, learned(queries)).named.size).toBe(0)
    }
  })
})

/** An augmentation over accounts that share neither network nor program; `next`: whose the n-th query is. */
function augmented(
  table: TableWorld,
  by: { readonly count: number; readonly gapMs: number; readonly step: number; readonly keeps: Keeps },
  next: (n: number) => number,
): Query[] {
  const stream = augmentation(table, 40, by.step, by.keeps)
  const own = new Map<number, Who>()
  let t = startMs + 12 * hourMs
  return Array.from({ length: by.count }, (_, n) => {
    const account = next(n)
    const who = own.get(account) ?? {
      ...customer(table.random, account),
      user: `x${account}`,
      tenant: `tx${account}`,
    }
    own.set(account, who)
    t += -Math.log(1 - table.random()) * by.gapMs
    return { ...who, timeMs: Math.round(t), input: { features: stream.next().value } }
  })
}

function named(
  options: TableOptions,
  attack: (table: TableWorld) => Query[],
): { thieves: number; of: number; others: number } {
  const table = tableOf(options)
  const usual = ordinary(table, 30)
  const queries = attack(table)
  const { named: all } = run([...usual, ...queries], learned(usual))
  const thieves = [...all].filter((name) => name.startsWith('x')).length
  return { thieves, of: new Set(queries.map(({ user }) => user)).size, others: all.size - thieves }
}

describe('ten accounts that share nothing and are dealt an augmentation of a table in turn are grouped', () => {
  // As many seeds as make each step one from a row that the same account has asked: only the order tells who belongs together.
  test.each([
    ['of whatever values', 0.1, 'nothing'],
    ['yes and no left as they are', 0.1, 'yes-no'],
    ['by small steps, whole numbers by one', 0.04, 'kinds'],
  ] as const)('%s', (_, step, keeps) => {
    for (const seed of [1, 2, 3]) {
      const by = { count: 300, gapMs: 300, step, keeps }
      const { thieves, others } = named({ seed, ...shape }, (table) => augmented(table, by, (n) => n % 10))
      expect(thieves).toBe(10)
      expect(others).toBe(0)
    }
  })
})

describe('a hand that asks an augmentation of a table with thirty queries an account, then goes on with a new one', () => {
  test.each([
    ['of measures', 0.1, 'yes-no'],
    ['by small steps, whole numbers by one', 0.04, 'kinds'],
  ] as const)('%s: three quarters of the accounts are grouped', (_, step, keeps) => {
    for (const seed of [1, 2]) {
      const by = { count: 450, gapMs: 2_000, step, keeps }
      const { thieves, of, others } = named({ seed, ...shape }, (table) =>
        augmented(table, by, (n) => Math.floor(n / 30)),
      )
      expect(thieves).toBeGreaterThanOrEqual(0.75 * of)
      expect(others).toBe(0)
    }
  })
})
