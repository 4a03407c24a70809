import { describe, expect, test } from 'vitest'
import { normalOf, randomOf } from '../../../../test/support/random.ts'
import { Gathered, type GatheredJson } from './gathered.ts'

const narrow = { apart: 1, own: 0.3, others: Array.from({ length: 10 }, () => 0.5) }

/** Others' answers have a median of 280 tokens, those of the kind the given one. */
function evidenceOf(median: number, prompt: number, { calls = 200, known = 6 } = {}): number {
  const normal = normalOf(randomOf(median + prompt))
  const others = Array.from({ length: known }, () => Array.from({ length: 8 }, () => 280 * Math.exp(0.6 * normal())))
  let gathered = new Gathered()
  gathered.learn(others, narrow)
  for (let n = 0; n < calls; n++) {
    if (n % 50 === 0) gathered = new Gathered(JSON.parse(JSON.stringify(gathered)) as GatheredJson)
    gathered.take(`account ${n % 4}`, median * Math.exp(0.4 * normal()), prompt)
  }
  return gathered.evidence
}

describe('answers of accounts with prompts of one kind', () => {
  test('that are twice as long as others get are evidence', () => {
    expect(evidenceOf(600, 100)).toBeGreaterThan(Math.log(1e3))
  })

  test('that are a little longer are none, nor where the prompts are longer still', () => {
    expect(evidenceOf(330, 100)).toBeLessThan(Math.log(100))
    expect(evidenceOf(600, 4_000)).toBe(0)
  })

  test('say nothing where fewer than four others are known', () => {
    expect(evidenceOf(600, 100, { known: 3 })).toBe(0)
  })

  test('are long where a fifth, or a twentieth, of the others at least are as long, each account with the same say', () => {
    const gathered = new Gathered()
    // Ten accounts: one has given few answers, all of them longest, and one many.
    const others = [
      [900, 900, 900, 900],
      [800, 700, 600, 500, 400, 300, 200, 100],
    ]
    gathered.learn([...others, ...Array.from({ length: 8 }, () => [50, 50, 50, 50, 50])], narrow)
    expect(gathered.toJSON().lines).toEqual([100, 900])
    gathered.learn([...others, ...Array.from({ length: 7 }, () => [50, 50, 50, 50, 50])], narrow)
    expect(gathered.toJSON().lines).toEqual([200, 900])
  })

  test('are not counted where a call tells no tokens', () => {
    const gathered = new Gathered()
    gathered.learn(
      Array.from({ length: 6 }, () => [100, 100, 100, 100]),
      narrow,
    )
    for (let n = 0; n < 200; n++) gathered.take('account', undefined, undefined)
    expect(gathered.evidence).toBe(0)
  })
})

describe('prompts of one kind', () => {
  const isBroad = (own: number, others: readonly number[]): boolean => {
    const gathered = new Gathered()
    gathered.learn([], { own, others, apart: 1 })
    return gathered.isBroad
  }
  const others = [0.9, ...Array.from({ length: 9 }, () => 0.5)]

  test('are various where they are as various as all but a tenth of the others are', () => {
    expect(isBroad(0.6, others)).toBe(true)
    expect(isBroad(0.4, others)).toBe(false)
  })

  test('are not called so beside fewer than eight others', () => {
    expect(isBroad(0.6, others.slice(0, 7))).toBe(false)
  })
})

describe('members with prompts of one kind', () => {
  const learned = (apart: number, own = 0.6): Gathered => {
    const gathered = new Gathered()
    gathered.learn([], { own, others: [0.9, ...Array.from({ length: 9 }, () => 0.5)], apart })
    return new Gathered(JSON.parse(JSON.stringify(gathered)) as GatheredJson)
  }

  test('ask as one where their means are no further apart than their scatter makes it, after a restart as well', () => {
    expect(learned(1.2).isOne).toBe(true)
    expect(learned(1.4).isOne).toBe(false)
  })

  test('ask for little where nine in ten others ask for more, and of states of before it is not known that they ask for much', () => {
    expect(learned(1).isNarrow).toBe(false)
    expect(learned(1, 0.4).isNarrow).toBe(true)
    expect(new Gathered({ logs: [], isBroad: true })).toMatchObject({ isOne: false, isNarrow: true })
  })
})

describe('a member', () => {
  const others = Array.from({ length: 10 }, () => [100, 100, 100, 100, 300])
  const members = (shares: readonly number[], calls: number): Gathered => {
    const random = randomOf(calls)
    const gathered = new Gathered()
    gathered.learn(others, narrow)
    for (let n = 0; n < calls; n++) {
      for (const [m, share] of shares.entries()) gathered.take(`m${m}`, random() < share ? 900 : 90, 50)
    }
    return new Gathered(JSON.parse(JSON.stringify(gathered)) as GatheredJson)
  }

  test('whose answers are as others get gathers none, and one whose answers are as long as those of the others does', () => {
    const gathered = members([0.9, 0.85, 0.8, 0.9, 0.95, 0.1], 12)
    expect([0, 1, 2, 3, 4, 5].map((m) => gathered.gathers(`m${m}`))).toEqual([true, true, true, true, true, false])
  })

  test('that has left, or of which no answers are known, is not held to be another', () => {
    const gathered = members([0.9, 0.9, 0.1], 12)
    expect(gathered.gathers('m2')).toBe(false)
    gathered.leave('m2')
    expect(gathered.gathers('m2')).toBe(true)
  })
})
