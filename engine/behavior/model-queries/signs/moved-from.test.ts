import { expect, test } from 'vitest'
import { AskingAccount } from '../../../../test/support/asking-account.ts'
import { KeptEntries } from '../../../../test/support/kept-entries.ts'
import { learnedOf } from '../../../../test/support/learned.ts'
import { blobsOf, drawn } from '../../../../test/support/pictures.ts'
import { randomOf } from '../../../../test/support/random.ts'
import { endBases } from './moved-from.ts'

const random = randomOf(31)
const by = (): number => 2 * random() - 1
/** A scene; honest ones are moved as well. */
const scene = (): ((isMoved: boolean) => Float64Array) => {
  const blobs = blobsOf(random)
  return (isMoved) => drawn(blobs, 8, isMoved ? { down: by(), right: by() } : {})
}
const labelOf = (x: Float64Array): string => (x[27]! + x[28]! > x[35]! + x[36]! ? 'yes' : 'no')
const told = learnedOf(() => scene()(true), labelOf, random)
const copies = 9

/** Asks candidates, with nine moved ones of each; for `isRecord` the n-th is a training record. */
function asking(
  candidates: number,
  isRecord: (n: number) => boolean,
  account = new AskingAccount(told),
): AskingAccount {
  for (let n = 0; n < candidates; n++) {
    const of = scene()
    for (let copy = 0; copy <= copies; copy++) {
      const x = of(copy > 0)
      account.ask({ x, label: labelOf(x), member: copy === 0 && isRecord(n) })
    }
  }
  return account
}

test('who asks records, each with moved ones of it, and others as well is named for membership inference within eight of them', () => {
  const { named } = asking(20, (n) => n % 3 !== 0)
  expect(named['membership-inference']).toBeLessThanOrEqual(8 * (copies + 1))
})

test('moved ones of inputs of which one in sixty is a record name nobody', () => {
  expect(asking(120, (n) => n % 60 === 7).named).toEqual({})
})

test('of what is made of the first record of an account of long standing nothing is told, since what was made of others before is not known', () => {
  const account = asking(30, () => false)
  expect(asking(3, () => true, account).named).toEqual({})
  expect(asking(3, () => true, account).named).toHaveProperty('membership-inference')
})

test('a suite with a record that is run again and again, with new moved ones of each input, is not named for that one', () => {
  const account = new AskingAccount(told)
  const suite = Array.from({ length: 12 }, scene)
  for (let run = 0; run < 12; run++) {
    for (const [n, of] of suite.entries()) {
      for (const isMoved of [false, true, true]) {
        const x = of(isMoved)
        account.ask({ x, label: labelOf(x), member: n === 5 && !isMoved })
      }
    }
  }
  expect(account.named).toEqual({})
})

test('who asks moved ones of each of its pictures for a surer answer is named far later than who asks as many others', () => {
  const frame = blobsOf(random)
  const framed = (): ((isMoved: boolean) => Float64Array) => {
    const blobs = [...frame, ...blobsOf(random).slice(3)]
    return (isMoved) => drawn(blobs, 8, isMoved ? { down: by(), right: by() } : {})
  }
  const unmoved = learnedOf(() => framed()(false), labelOf, random)
  const ask = (of: () => Float64Array, account: AskingAccount): void => {
    const x = of()
    account.ask({ x, label: labelOf(x) })
  }
  const [sure, other] = [new AskingAccount(unmoved), new AskingAccount(unmoved)]
  for (let n = 0; n < 12; n++) {
    const of = framed()
    for (let copy = 0; copy <= copies; copy++) ask(() => of(copy > 0), sure)
    for (let copy = 0; copy <= copies; copy++) ask(() => framed()(copy > 0), other)
  }
  expect(sure.named['extraction'] ?? Infinity).toBeGreaterThan(2 * other.named['extraction']!)
})

test('what was kept for suspicion alone goes with it, and what is kept of an account that asked records stays', () => {
  const entries = new KeptEntries()
  entries.set('bases', 'some')
  entries.set('members', 'some')
  endBases(entries)
  expect(entries.names()).toEqual(['bases', 'members'])
  entries.delete('members')
  endBases(entries)
  expect(entries.names()).toEqual([])
})
