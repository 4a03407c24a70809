import { expect, test } from 'vitest'
import { buildRecordFilters } from '../../core/record-filter.ts'
import { readInventory } from './inventory.ts'

test('what several files say of one model adds up, in whatever order they come', () => {
  const files = [
    { path: 'a.yml', text: 'models: [{ id: m, dimension: 2, classes: 3, reference: [[0, 1]] }]\n' },
    { path: 'b.yml', text: JSON.stringify({ models: [{ id: 'm', trainingRecords: buildRecordFilters(['x', 'y']) }] }) },
  ]
  for (const order of [files, [...files].reverse()]) {
    const { inventory, mistakes } = readInventory(order)
    expect(mistakes).toEqual([])
    const model = inventory.models.get('m')!
    expect(model).toMatchObject({ dimension: 2, classes: 3, reference: [[0, 1]], trainingRecords: 2 })
    expect(['x', 'y', 'z'].map((hash) => model.isTrainingRecord(hash))).toEqual([true, true, false])
  }
})

test('a mistake in one file is told with its place, and the others count', () => {
  const { inventory, mistakes } = readInventory([
    { path: 'bad.yml', text: 'people:\n  - principal: own/a\n    rol: x\n' },
    { path: 'json.yml', text: '{"models": [{"id": ""}]}' },
    { path: 'good.yml', text: 'people: [{ principal: own/b, role: research }]\n' },
  ])
  expect(mistakes.map(({ code, place }) => `${code} ${place?.file}:${place?.line}`)).toEqual([
    'INVENTORY_INVALID bad.yml:3',
    'INVENTORY_INVALID json.yml:1',
  ])
  expect([...inventory.people.keys()]).toEqual(['own/b'])
})
