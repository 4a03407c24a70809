import { expect, test } from 'vitest'
import { keyOfText } from '../model-queries/input.ts'
import { wasAsked } from './asked-before.ts'

function memory(): (text: string) => boolean {
  const kept = new Map<string, unknown>()
  const entries = {
    get: <T>(name: string) => kept.get(name) as T | undefined,
    set: (name: string, value: unknown) => void kept.set(name, value),
    delete: (name: string) => void kept.delete(name),
    names: () => [...kept.keys()],
  }
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
