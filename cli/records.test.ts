import { expect, test } from 'vitest'
import { csvLine, fieldText } from './records.ts'

test('a field is what the document has itself, in lists too, and never what objects inherit', () => {
  const document = { a: { b: 1 }, list: [{ id: 'x' }, { id: 'y' }], none: null }
  expect(fieldText(document, 'a.b')).toBe('1')
  expect(fieldText(document, 'list.id')).toBe('x, y')
  expect(fieldText(document, 'none')).toBe('')
  expect(fieldText(document, 'constructor.name')).toBe('')
  expect(fieldText(document, '__proto__')).toBe('')
})

test.for([
  ['=cmd()', "'=cmd()"],
  [' +1', "' +1"],
  ['@x', "'@x"],
  ['-12.5', '-12.5'],
  ['-x', "'-x"],
  ['a,"b"', '"a,""b"""'],
  ['plain', 'plain'],
])('a cell is text to a spreadsheet, never a formula: %s', ([text, cell]) => {
  expect(csvLine([text!])).toBe(cell)
})

test('control characters of a hostile record do not reach the terminal through CSV', () => {
  expect(csvLine(['\u001b[2J'])).not.toContain('\u001b')
})
