import { describe, expect, test } from 'vitest'
import { normalOf, randomOf } from '../../../test/support/random.ts'
import { AccountBlock, from } from './account/account-block.ts'
import { Account, noted } from './account/account.ts'
import { AskedMembers } from './account/asked-members.ts'
import {
  betCount,
  betCount12,
  betCount13,
  betCount14,
  betCount3,
  betCount6,
  betCount7,
  betCount8,
} from './account/evidence.ts'
import { surroundingsOf } from './shapes/geometry.ts'
import { inputOf } from '../input/input.ts'
import { learnReference, openReference, type Sample } from './honest/reference.ts'
import { slopesBytes } from './shapes/slopes.ts'
import type { Event } from '../../../core/event.ts'

function eventOf(warden: Record<string, unknown>): Event {
  return { warden } as unknown as Event
}

/** Correlated values, as honest inputs have them: eight values of three causes. */
function honest(seed: number, count: number): Sample[] {
  const normal = normalOf(randomOf(seed))
  return Array.from({ length: count }, () => {
    const [a, b, c] = [normal(), normal(), normal()]
    const label = a > 0 ? 'yes' : 'no'
    const x = Float64Array.from([a, b, c, a + b, a - c, b + c, a + b + c, b - c], (value) => value + normal() / 20)
    return { x, label, margin: Math.abs(a) }
  })
}

/** As an older version has left it. */
const ofVersion2 = [
  'AAAAAAAAAEAAAAAAAAAAQAAAAAAAQI9AAAAAAABIn0AAAAAAAAAIQAAAAAAAAAhAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAPA/AAAA',
  'AAAACEAAAAAAAAAAAAAAAAAAAABAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQI9AAAAAAABAj0AAAAAAAHCXQAAAAAAAQI9AAAAAPwAA',
  'wD8AACBAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB4VjQSeVc1E3pYNhQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  'AAAAAAAAAAAAAAAAAAAAAAC8AgAAvQIAAL4CAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIAAPAC4AEAAvAAAAAAAAAAAAAAAAAAA',
  'AAAAAAAAAAEAAAAAAAAAAAAA',
].join('')

describe('a reference', () => {
  const accounts = Array.from({ length: 10 }, (_, n) => honest(n + 1, 200))

  test('learned from ten accounts holds its lines for an eleventh', () => {
    const reference = openReference(JSON.parse(JSON.stringify(learnReference(accounts))))!
    const other = honest(99, 4_000).map(({ x, label }) => reference.novelty(x, label))
    const { novelty, share } = reference.told.lines
    for (const [level, line] of novelty.entries()) {
      const over = other.filter((value) => value > line).length / other.length
      // Three standard errors of both sides.
      expect(over).toBeLessThan(share[level]! + 3 * Math.sqrt(share[level]! * (1 / 2_000 + 1 / 4_000)))
    }
    expect(reference.told).toMatchObject({ accounts: 10, samples: 2_000, dimension: 8, labels: ['no', 'yes'] })
  })

  test('sees what no single value tells: values that honest inputs have, in combinations that they have not', () => {
    const reference = openReference(learnReference(accounts))!
    const normal = normalOf(randomOf(5))
    const mixed = Array.from({ length: 100 }, () => Float64Array.from({ length: 8 }, () => normal()))
    const past = mixed.filter((x) => reference.novelty(x, 'yes') > reference.told.lines.novelty[3]!)
    expect(past.length).toBeGreaterThan(95)
  })

  test('is not taught by an account whose queries stand out from all others', () => {
    const normal = normalOf(randomOf(6))
    const odd = Array.from({ length: 200 }, () => ({
      x: Float64Array.from({ length: 8 }, () => normal()),
      label: 'yes',
      margin: 1,
    }))
    const [alone, taught] = [learnReference(accounts)!, learnReference([...accounts, odd])!]
    expect(taught.accounts).toBe(10)
    expect(taught.lines).toEqual(alone.lines)
  })
})

describe('an input', () => {
  test('is read from features, else the embedding, else a similarity hash, else the answer', () => {
    const features = [1, 2]
    const embedding = [3, 4]
    const similarity_hash = 'ff00ff00'
    const output = { probabilities: [0.9, 0.1] }
    const kinds = [
      { input: { features, embedding, similarity_hash }, output },
      { input: { embedding, similarity_hash }, output },
      { input: { similarity_hash }, output },
      { output },
      { output: { label: 'x' } },
    ].map((warden) => inputOf(eventOf(warden))?.kind)
    expect(kinds).toEqual(['features', 'embedding', 'hash', 'output', undefined])
    expect([...inputOf(eventOf({ input: { embedding } }))!.x]).toEqual([0.6, 0.8])
  })

  test('that is hostile is none', () => {
    for (const features of [
      [NaN, 1],
      ['1', '2'],
      [1],
      [1e300, 1],
      Array.from({ length: 5_000 }, () => 1),
      { length: 2 },
    ])
      expect(inputOf(eventOf({ input: { features } }))).toBeUndefined()
  })

  test('past 64 values keeps its distances to within a third', () => {
    const normal = normalOf(randomOf(3))
    const vector = (): number[] => Array.from({ length: 512 }, () => normal())
    const ratios = Array.from({ length: 200 }, () => {
      const [a, b] = [vector(), vector()]
      const whole = Math.hypot(...a.map((value, i) => value - b[i]!))
      const [x, y] = [a, b].map((features) => Float64Array.from(inputOf(eventOf({ input: { features } }))!.x))
      return Math.hypot(...[...x!].map((value, i) => value - y![i]!)) / whole
    }).sort((a, b) => a - b)
    expect(ratios[10]).toBeGreaterThan(0.67)
    expect(ratios[190]).toBeLessThan(1.33)
  })
})

/** As versions 10 to 12 saved it: without a count of odd inputs, and with fewer bets. */
function ofVersion12(block: AccountBlock): Buffer {
  const now = Buffer.from(block.toJSON() as string, 'base64')
  const values = 20 * 8
  return Buffer.concat([
    now.subarray(0, 19 * 8),
    now.subarray(values, values + betCount12 * 4),
    now.subarray(values + betCount * 4),
  ])
}

describe('what is remembered of an account', () => {
  /** Puts down something at the n-th place of time. */
  const remember = (account: Account, values: number[], n: number): void => {
    account.rounded(Float64Array.from(values.slice(0, account.dimension)), values)
    account.remember(n, 0)
  }

  test('has a base of single changes after an input that is another one but for two values, until one is none', () => {
    const account = new Account(64)
    const block = account.begin(1_000)
    const x = Float64Array.from({ length: 64 }, (_, n) => n / 64)
    const after = (input: Float64Array, isVariant: boolean): number => {
      account.open(block)
      const { alone } = account.changed(input, isVariant)
      account.putBack(block)
      account.open(AccountBlock.of(JSON.parse(JSON.stringify(block)))!)
      return 1_000 * alone + block.length
    }
    const without = after(x, false)
    const [of, to, halved] = [x, x.with(3, 0.7), x.map((value) => value / 2)]
    const having = without + 4 * (64 + 6)
    expect([after(of, true), after(to, true)]).toEqual([having, 1_000 + having])
    // Nobody else has it.
    const other = account.begin(1_000)
    account.open(other)
    account.putBack(other)
    expect(other.length).toBe(without)
    expect(after(x.with(5, 0.7), true)).toBe(having)
    expect(after(halved, false)).toBe(without)
  })

  test('of long inputs is what it was also before the ring is full, whatever account is looked at in between', () => {
    const account = new Account(64)
    const long = (n: number): number[] => Array.from({ length: 784 }, (_, i) => ((i * 7 + n * 13) % 100) / 100)
    const [one, other] = [0, 50].map(() => account.begin(1_000))
    const apart: (readonly number[] | undefined)[] = []
    for (let n = 0; n < 10; n++) {
      for (const [block, from] of [
        [one, 0],
        [other, 50],
      ] as const) {
        // prettier-ignore
        account.open(block!)
        remember(account, long(from + n), n)
        account.putBack(block!)
      }
      account.open(one!)
      account.rounded(Float64Array.from(long(0).slice(0, 64)), long(0).with(400, 0.5))
      account.lookedAt()
      apart.push([...(account.closest()?.values ?? [])].map((value) => Math.round(100 * value)))
    }
    const alone = new Account(64)
    alone.open(alone.begin(1_000))
    for (let n = 0; n < 10; n++) {
      remember(alone, long(n), n)
      alone.rounded(Float64Array.from(long(0).slice(0, 64)), long(0).with(400, 0.5))
      alone.lookedAt()
      expect([...(alone.closest()?.values ?? [])].map((value) => Math.round(100 * value))).toEqual(apart[n])
    }
  })

  test('comes back from a checkpoint as it was, in little more than four kilobytes', () => {
    const account = new Account(64)
    const block = account.begin(1_000)
    account.open(block)
    expect([account.ask(77, 2_000), account.ask(77, 3_000)]).toEqual([true, false])
    account.values.fill(3.5)
    account.rounded(Float64Array.from({ length: 64 }, (_, n) => n / 8))
    account.remember(4, noted.member)
    account.putBack(block)
    const text = JSON.stringify(block)
    const other = new Account(64)
    other.open(AccountBlock.of(JSON.parse(text))!)
    expect(other.ask(77, 4_000)).toBe(false)
    expect(other).toMatchObject({ queries: 3, distinct: 1, lastMs: 4_000 })
    expect(other.ring()).toEqual(account.ring())
    expect(other.wasMember(0)).toBe(true)
    expect(other.values[0]).toBe(3.5)
    // With all that an account can have.
    for (let n = 0; n < 40; n++)
      remember(
        account,
        Array.from({ length: 64 }, (_, i) => n * i),
        n,
      )
    account.changed(new Float64Array(64), true)
    account.putBack(block)
    expect(block.length).toBeLessThan(3.1 * 1_024)
    expect(JSON.stringify(block).length).toBeLessThan(4.1 * 1_024)
  })

  test('knows a suite of ninety inputs for as long as it is run, and takes few others for one of it', () => {
    const account = new Account(2)
    account.open(account.begin(1_000))
    const random = randomOf(4)
    const key = (): number => Math.floor(random() * 2 ** 32)
    const suite = Array.from({ length: 90 }, key)
    for (let run = 0; run < 30; run++) {
      for (const each of suite) account.ask(each, 2_000 + run)
      for (let n = 0; n < 5; n++) account.ask(key(), 2_000 + run)
    }
    expect(account.distinct).toBeLessThanOrEqual(90 + 150)
    expect(account.distinct).toBeGreaterThan(90 + 140)
    const others = Array.from({ length: 2_000 }, key)
    expect(others.filter((each) => !account.ask(each, 3_000)).length).toBeLessThan(80)
    // Long ago is not known.
    expect(suite.filter((each) => account.ask(each, 4_000)).length).toBeGreaterThan(80)
  })

  test('of version 2 is read: three queries, of which one was a training record', () => {
    const account = new Account(2)
    account.open(AccountBlock.of(ofVersion2)!)
    expect(account).toMatchObject({ queries: 3, distinct: 3, lastMs: 2_002, withdrawn: true })
    expect(account.ring()).toEqual([2, 1, 0].map((n) => Float16Array.from([n, -n / 2])))
    expect([0, 1, 2].map((n) => [account.labelOf(n), account.wasMember(n)])).toEqual([
      [702, false],
      [701, true],
      [700, false],
    ])
    expect([...account.values.slice(0, 4)]).toEqual([0.5, 1.5, 2.5, 0])
    expect([account.told[1], account.since[2], account.since[0]]).toEqual([2, 1_500, 1_000])
    for (const key of [0x12345678, 0x13355779, 0x1436587a]) expect(account.ask(key, 3_000)).toBe(false)
    expect(account.ask(0x12345679, 3_000)).toBe(true)
  })

  test('of version 3 is read: it has everything but the bets on sure answers', () => {
    const account = new Account(2)
    const block = account.begin(1_000)
    account.open(block)
    for (const key of [7, 8]) {
      account.ask(key, 2_000)
      account.values.fill(key)
      account.rounded(Float64Array.from([key, -key]))
      account.remember(key, noted.member)
    }
    account.values.fill(0, betCount3)
    account.putBack(block)
    const now = Buffer.from(block.toJSON() as string, 'base64')
    const [headEnd, valuesAt] = [18 * 8, 20 * 8]
    const before = Buffer.concat([
      now.subarray(0, headEnd),
      now.subarray(valuesAt, valuesAt + betCount3 * 4),
      now.subarray(valuesAt + betCount * 4),
    ])
    before.writeDoubleLE(3, 0)
    expect(AccountBlock.of(before.toString('base64'))!.toJSON()).toBe(block.toJSON())
  })

  test.each([
    [6, betCount6],
    [7, betCount7],
    [8, betCount8],
    [9, betCount12],
  ])('of version %d is read: it has what was kept of earlier inputs', (is, had) => {
    const account = new Account(2)
    const block = account.begin(1_000)
    account.open(block)
    for (let n = 0; n < 20; n++) {
      account.values.fill(n, 0, had)
      account.rounded(Float64Array.from([n, -n]))
      account.remember(n, 0)
    }
    account.putBack(block)
    const now = Buffer.from(block.toJSON() as string, 'base64')
    const [headEnd, valuesAt] = [19 * 8, 20 * 8]
    // Version 9 had a base of single changes before the ring.
    const base = Buffer.alloc(is === 9 ? slopesBytes(2) : 0, 1)
    const parts = [now.subarray(valuesAt + betCount * 4, from.ring), base, now.subarray(from.ring)]
    const before = Buffer.concat([now.subarray(0, headEnd), now.subarray(valuesAt, valuesAt + had * 4), ...parts])
    before.writeDoubleLE(is, 0)
    expect(AccountBlock.of(before.toString('base64'))!.toJSON()).toBe(block.toJSON())
  })

  test('of version 10 is read: of all its queries it is known how many repeat earlier ones', () => {
    const account = new Account(2)
    const block = account.begin(1_000)
    account.open(block)
    for (const key of [7, 7, 7, 8]) account.ask(key, 2_000)
    account.withdrawn = true
    for (const value of [1, 1.5]) account.changed(Float64Array.from([value, 2]), true)
    for (let n = 0; n < 3; n++) {
      account.rounded(Float64Array.from([n, -n]))
      account.remember(n, 0)
    }
    account.putBack(block)
    // It had whether what it taught was taken back where now is how many repeat as well.
    const before = ofVersion12(block)
    before.writeDoubleLE(1, 8 * 8)
    before.writeDoubleLE(10, 0)
    const read = AccountBlock.of(before.toString('base64'))!
    expect(read.toJSON()).toBe(block.toJSON())
    account.open(read)
    expect([account.repeated, account.withdrawn]).toEqual([0.5, true])
    account.withdrawn = false
    expect([account.repeated, account.withdrawn]).toEqual([0.5, false])
  })

  test('of version 11 is read: nothing was counted of its noise', () => {
    const account = new Account(2)
    const block = account.begin(1_000)
    account.open(block)
    for (const key of [7, 7, 7, 8]) account.ask(key, 2_000)
    account.withdrawn = true
    account.putBack(block)
    const before = ofVersion12(block)
    before.writeDoubleLE(11, 0)
    const read = AccountBlock.of(before.toString('base64'))!
    expect(read.toJSON()).toBe(block.toJSON())
    account.open(read)
    expect([account.noise, account.repeated, account.withdrawn]).toEqual([0, 0.5, true])
    account.noise = 2 ** 21 - 1
    account.ask(9, 3_000)
    expect([account.noise, account.repeated, account.withdrawn]).toEqual([2 ** 21 - 1, expect.closeTo(0.4, 4), true])
    account.withdrawn = false
    account.noise = 3
    expect([account.noise, account.repeated, account.withdrawn]).toEqual([3, expect.closeTo(0.4, 4), false])
  })

  test.each([
    [13, 'of values that are halved', betCount13],
    [14, 'of equal changes that add up', betCount14],
  ] as const)('of version %i is read: %s nothing was known', (version, _, had) => {
    const account = new Account(8)
    const block = account.begin(1_000)
    account.open(block)
    for (let n = 0; n < 12; n++) {
      account.values.fill(n, 0, had)
      account.rounded(Float64Array.from({ length: 8 }, (_, i) => n + i))
      account.remember(n, 0)
    }
    account.putBack(block)
    const now = Buffer.from(block.toJSON() as string, 'base64')
    const bets = from.values + had * 4
    const before = Buffer.concat([now.subarray(0, bets), now.subarray(from.values + betCount * 4)])
    before.writeDoubleLE(version, 0)
    expect(AccountBlock.of(before.toString('base64'))!.toJSON()).toBe(block.toJSON())
  })

  test('of version 12 is read: of its odd inputs none was kept', () => {
    const account = new Account(8)
    const block = account.begin(1_000)
    account.open(block)
    for (let n = 0; n < 20; n++) {
      account.rounded(Float64Array.from({ length: 8 }, (_, i) => n + i))
      account.remember(n, 0)
    }
    for (const changed of [0, 1, 2]) account.changed(new Float64Array(8).fill(changed / 4, 0, 1), true)
    account.putBack(block)
    const before = ofVersion12(block)
    before.writeDoubleLE(12, 0)
    const read = AccountBlock.of(before.toString('base64'))!
    expect(read.toJSON()).toBe(block.toJSON())
    account.open(read)
    const alone = account.changed(new Float64Array(8).fill(0.25, 3, 4), true)
    account.open(read)
    expect(account.takeOdd(new Float64Array(8))).toBeUndefined()
    // From here on they are, over a restart, with all that lies beside them.
    account.putBack(read)
    account.open(AccountBlock.of(read.toJSON())!)
    expect(account.takeOdd(new Float64Array(8).fill(0.25))?.earlier).toEqual(new Float64Array(8))
    expect(account.changed(new Float64Array(8).fill(0.25, 3, 4), true)).toEqual(alone)
  })

  test('tells of its last queries which share repeats earlier ones, however many did before', () => {
    const account = new Account(2)
    account.open(account.begin(1_000))
    for (let n = 0; n < 5; n++) account.ask(n, 1_000)
    for (let n = 0; n < 15; n++) account.ask(0, 1_000)
    expect(account.repeated).toBeCloseTo(0.75, 3)
    for (let n = 0; n < 2_000; n++) account.ask(0, 1_000)
    expect(account.repeated).toBeGreaterThan(0.99)
    let different = 0
    while (account.repeated > 0.335) account.ask(1_000 + different++ * 7_919, 1_000)
    expect(different).toBeLessThan(200)
  })

  test('knows the training records of a suite when it is run again, also after a restart', () => {
    const random = randomOf(8)
    const suite = Array.from({ length: 300 }, () => Math.floor(random() * 2 ** 32))
    const asked = new AskedMembers()
    const first = suite.filter((key) => asked.ask(key)).length
    expect(first).toBeLessThan(40)
    const restored = AskedMembers.of(JSON.parse(JSON.stringify(asked)))
    expect(suite.every((key) => restored.ask(key))).toBe(true)
    const others = Array.from({ length: 300 }, () => Math.floor(random() * 2 ** 32))
    expect(others.filter((key) => restored.ask(key)).length).toBeLessThan(100)
    expect(AskedMembers.of('broken').ask(suite[0]!)).toBe(false)
  })

  test('that is no text of ours is none', () => {
    for (const text of ['', 'AAAA', 7, null, { a: 1 }, Buffer.alloc(2_000).toString('base64')])
      expect(AccountBlock.of(text)).toBeUndefined()
  })
})

describe('how a query lies to the last ones', () => {
  const random = randomOf(11)
  const point = (): Float64Array => Float64Array.from({ length: 8 }, random)
  const between = (a: Float64Array, b: Float64Array, t: number): Float64Array =>
    a.map((value, i) => value + t * (b[i]! - value))

  test('between two of them, or straight on from them, is on a line', () => {
    const [a, b] = [point(), point()]
    const isFresh = (): boolean => true
    for (const t of [0.5, 0.2, 1.5, -0.5])
      expect(surroundingsOf(between(a, b, t), [a, point(), b], 1, false, isFresh).line).toBe(true)
  })

  test('somewhere, with two of them close together far away, is not', () => {
    for (let n = 0; n < 200; n++) {
      const far = point()
      const ring = [far, far.map((value) => value + 0.001 * random()), point(), point()]
      expect(surroundingsOf(point(), ring, 1).line).toBe(false)
    }
  })

  test('one of two pairs around a center, some of whose values were cut off, is known as that; others are not', () => {
    const steps = (): number[] => Array.from({ length: 24 }, () => random() - 0.5)
    const center = steps().map((value) => 0.5 + 0.9 * value)
    for (let n = 0; n < 50; n++) {
      const [u, v, w] = [steps(), steps(), steps()] as const
      const at = (step: readonly number[], sign: number): Float64Array =>
        Float64Array.from(center, (c, i) => Math.min(1, Math.max(0, c + sign * 0.4 * step[i]!)))
      const x = at(v, 1)
      expect(surroundingsOf(x, [at(u, -1), at(u, 1), at(v, -1)], 20).pair).toBe(true)
      expect(surroundingsOf(x, [at(u, 1), at(w, 1), at(u, -1)], 20).pair).toBe(false)
      expect(surroundingsOf(x, [x, at(u, 1), at(u, 1)], 20).pair).toBe(false)
      // Wide apart they are looked for where the input is odd.
      const wide = [at(u, -1), at(u, 1), at(v, -1)]
      expect([true, false].map((odd) => surroundingsOf(x, wide, 0.1, odd).pair)).toEqual([true, false])
    }
  })

  test('with one value at ever other places is on no line and no search, however often it is asked', () => {
    const base = point()
    const tried = (i: number, value: number): Float64Array => base.map((was, at) => (at === i ? value : was))
    const ring = [tried(2, 0.9), tried(2, 0.7), tried(2, 0.5), tried(1, 0.3), base]
    for (const x of [tried(2, 0.1), tried(5, 0.4)]) {
      expect(surroundingsOf(x, ring, 1)).toMatchObject({ line: false, tried: true })
    }
    // What was found is kept, and the search goes on from there.
    const further = tried(5, 0.4).map((was, at) => (at === 2 ? 0.9 : at === 1 ? 0.3 : was))
    expect(surroundingsOf(further, ring, 1).tried).toBe(false)
    expect(surroundingsOf(point(), ring, 1).tried).toBe(false)
  })

  test('with one value after another changed by the same is even, and with flags that are put the other way it is not', () => {
    const base = point()
    const step = (i: number, by: number): Float64Array => base.map((was, at) => (at === i ? was + by : was))
    const alone = (x: Float64Array, ring: readonly Float64Array[]): number => surroundingsOf(x, ring, 1).even.alone
    expect(alone(step(3, 0.25), [step(2, 0.25), point()])).toBe(2)
    expect(alone(step(3, -0.25), [step(2, 0.25), step(1, 0.25)])).toBe(3)
    expect(alone(step(3, 0.31), [step(2, 0.25)])).toBe(1)
    expect(alone(base, [step(3, -0.25), step(2, 0.25), step(1, 0.25), step(1, -0.25)])).toBe(3)
    // What is changed by hardly anything in between makes no difference.
    expect(alone(step(3, 0.25), [step(5, 0.004), step(2, 0.25), step(1, 0.25)])).toBe(3)
    // Several at a time are none alone.
    const two = (i: number, j: number): Float64Array => step(i, 0.25).map((was, at) => (at === j ? was + 0.25 : was))
    expect(alone(step(3, 0.25), [two(4, 5), two(1, 6), step(2, 0.25), step(1, 0.25)])).toBe(0)
    // Two values on a grid: there is no third, however many places they were at.
    const both = (a: number, b: number): Float64Array => base.map((was, at) => was + (at === 2 ? a : at === 3 ? b : 0))
    expect(alone(both(0.2, 0.2), [both(0.2, 0), both(0.1, 0.1), both(0, 0), both(0.3, 0.1)])).toBeLessThanOrEqual(2)
    const flags = Float64Array.from([1, 0, 1, 0, 0, 0, 1, 0])
    const turned = (i: number): Float64Array => flags.map((was, at) => (at === i ? 1 - was : was))
    expect(alone(turned(3), [turned(2)])).toBe(0)
    // Shades that flicker, each to the next.
    const shades = base.map((was) => Math.round(was * 16) / 16)
    const flicker = (i: number): Float64Array =>
      shades.map((was, at) => (at === i ? was + (was < 0.5 ? 1 : -1) / 16 : was))
    expect(surroundingsOf(flicker(3), [flicker(0), flicker(1), flicker(2), shades], 1).even.isOffGrid).toBe(false)
    const between = base.map((_, at) => 0.2 + 0.073 * at)
    const moved = (i: number): Float64Array => between.map((was, at) => (at === i ? was + 0.05 : was))
    expect(surroundingsOf(moved(3), [moved(2), moved(1)], 1).even.isOffGrid).toBe(true)
    // Of numbers about 45 with one digit after the point what is kept is off by a third of that.
    const warm = base.map((_, at) => Math.fround(Math.round((45 + 0.3 * at) * 32) / 32))
    const warmer = (i: number): Float64Array => warm.map((was, at) => (at === i ? was + 3 / 32 : was))
    expect(surroundingsOf(warmer(3), [warmer(2), warmer(1), warm], 1).even).toEqual({ alone: 3, isOffGrid: false })
    // The last digit of something larger.
    expect(alone(step(3, 0.008), [step(2, 0.008), base])).toBe(0)
  })

  test('noise around one input is close to it and on no line', () => {
    const center = point()
    const noisy = (): Float64Array => center.map((value) => value + 0.02 * (random() - 0.5))
    const found = Array.from({ length: 100 }, () => surroundingsOf(noisy(), [noisy(), noisy(), noisy()], 1))
    expect(found.every(({ close }) => close)).toBe(true)
    expect(found.filter(({ line }) => line).length).toBeLessThan(3)
  })
})
