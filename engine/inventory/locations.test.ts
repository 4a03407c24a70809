import { expect, test, vi } from 'vitest'
import type { Asset } from '../../core/asset.ts'
import { locationsOf } from './locations.ts'

const asset = (id: string, ...locations: string[]): Asset => ({
  id,
  tenant: 'own',
  kind: 'model',
  name: id,
  locations,
  releases: [],
})
const { homeOf, keep } = locationsOf([
  asset('llm', 's3://w/llm/', 's3://us/llm', 's3://backup'),
  asset('llm', 's3://eu/llm'),
  asset('asr', 's3://w/asr', 's3://backup/'),
])

test('an object has one home, wherever its asset is registered in whatever files, and none where several assets live', () => {
  for (const uri of ['s3://w/llm/v1/a', 's3://us/llm/v1/a', 's3://eu/llm/v1/a'])
    expect(homeOf('own', uri)).toBe('s3://w/llm/v1/a')
  for (const uri of ['s3://backup/a', 's3://us/llm-of-others/a', 's3://us/a', 'a']) expect(homeOf('own', uri)).toBe(uri)
  expect(homeOf('other', 's3://us/llm/v1/a')).toBe('s3://us/llm/v1/a')
})

test('a copy stays in places of one asset, of one tenant, under its name where the destination tells one', () => {
  const from = 's3://w/llm/v1/a.bin'
  for (const to of ['s3://us/llm/v2/a.bin', 's3://backup/a.bin', 's3://backup', 's3://backup/', 's3://us/llm'])
    expect([to, keep('own', from, to)]).toEqual([to, true])
  for (const to of [
    's3://us/llm/notes.txt',
    's3://us/llm/v1',
    's3://w/asr/a.bin',
    's3://us/a.bin',
    's3://usa/llm/a.bin',
    '',
  ])
    expect([to, keep('own', from, to)]).toEqual([to, false])
  expect(keep('other', from, 's3://us/llm/a.bin')).toBe(false)
  expect(keep('own', 's3://scratch/a.bin', 's3://us/llm/a.bin')).toBe(false)
})

test('an object in as many folders as its name has room for is looked for no oftener than another', () => {
  const deep = (from: string): string => `${from}${'/a'.repeat(4_000)}`
  const lookups = vi.spyOn(Map.prototype, 'get')
  expect(homeOf('own', deep('s3://other'))).toBe(deep('s3://other'))
  expect(lookups.mock.calls.length).toBeLessThan(20)
  expect(homeOf('own', deep('s3://us/llm'))).toBe(deep('s3://w/llm'))
  expect(homeOf('own', deep('s3://us/llm-of-others'))).toBe(deep('s3://us/llm-of-others'))
})
