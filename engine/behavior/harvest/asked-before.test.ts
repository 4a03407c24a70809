import { expect, test } from 'vitest'
import { KeptEntries } from '../../../test/support/kept-entries.ts'
import { keyOfText } from '../input/input.ts'
import { wasAsked } from './asked-before.ts'

function memory(): (text: string) => boolean {
  const entries = new KeptEntries()
  return (text) => wasAsked(entries, keyOfText(text))
}

test('of a suite of eight hundred prompts hardly any is new the second night, and of other prompts hardly any is not', () => {
  const ask = memory()
  const suite = (name: string): boolean[] => Array.from({ length: 800 }, (_, n) => ask(`${name}-${n}`))
  const count = (asked: boolean[]): number => asked.filter(Boolean).length
  expect(count(suite('one'))).toBeLessThan(24)
  expect(count(suite('one'))).toBeGreaterThan(750)
  expect(count(suite('other'))).toBeLessThan(24)
})
