/** Blocks of addresses and thresholds as witnesses: what the tables find is what each test by itself does. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { holds } from './aggregates.ts'
import { CidrTable, compileCidr } from './cidr.ts'
import { compileSigma } from './compile.ts'
import { createMatcher } from './matcher.ts'
import { ThresholdTable, type ThresholdOp } from './threshold-table.ts'
import type { EventTree } from './types.ts'

/** Few addresses close together, so that blocks hold some of them. */
const four = fc
  .tuple(fc.constantFrom(10, 192, 8), fc.constantFrom(0, 168), fc.nat(3), fc.nat(255))
  .map((parts) => parts.join('.'))
const six = fc
  .tuple(fc.constantFrom('2001:db8', 'FE80', '::ffff'), fc.nat(3), fc.nat(65_535))
  .map(([head, middle, tail]) =>
    head === '::ffff' ? `::ffff:10.0.${middle}.${tail & 255}` : `${head}::${middle.toString(16)}:${tail.toString(16)}`,
  )
const block = fc.oneof(
  fc.tuple(four, fc.integer({ min: 0, max: 32 })).map(([address, bits]) => `${address}/${bits}`),
  fc.tuple(six, fc.integer({ min: 0, max: 128 })).map(([address, bits]) => `${address}/${bits}`),
)
const text = fc.oneof(four, six, fc.constantFrom('', 'fe80::1%eth0', '10.0.0', '010.0.0.1', 'localhost', '1:2', '::'))

describe('a table of address blocks', () => {
  test('finds the blocks that an address lies in, each by itself', () => {
    const property = fc.property(fc.array(block, { maxLength: 20 }), text, (blocks, address) => {
      const table = new CidrTable(
        blocks.map((each, at): [string, readonly number[]] => [each, [at]]),
        (one, more) => [...one, ...more],
      )
      const found: number[] = []
      table.look(address, (at) => found.push(...at) < 0)
      const wanted = [...blocks.keys()].filter((at) => compileCidr(blocks[at]!)(address))
      expect(found.sort((a, b) => a - b)).toEqual(wanted)
    })
    fc.assert(property, { numRuns: 500 })
  })

  test('stops where one is enough', () => {
    const table = new CidrTable<boolean>(
      [
        ['10.0.0.0/8', true],
        ['10.0.0.0/16', true],
      ],
      () => true,
    )
    let told = 0
    expect(table.look('10.0.1.1', () => ++told > 0)).toBe(true)
    expect(told).toBe(1)
  })
})

describe('a table of thresholds', () => {
  test('finds those that a number is past, each by itself', () => {
    const number = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constantFrom(0.5, -Infinity, Infinity, NaN))
    const op = fc.constantFrom<ThresholdOp>('gt', 'gte', 'lt', 'lte')
    const written = fc.oneof(number.map(String), fc.constantFrom(' 2 ', '1e0', '+1', '0x1', '', 'two', '3.'))
    const property = fc.property(fc.array(fc.tuple(op, number), { maxLength: 20 }), written, (steps, value) => {
      const table = new ThresholdTable(steps.map(([of, to], at) => ({ op: of, to, entries: [at] })))
      const found: number[] = []
      table.look(value, (at) => found.push(...at))
      const read = value === '0x1' || value === '' || value === 'two' || !/\d/.test(value) ? NaN : Number(value)
      const wanted = [...steps.keys()].filter((at) => holds(read, steps[at]![0], steps[at]![1]) && !Number.isNaN(read))
      expect(found.sort((a, b) => a - b)).toEqual(wanted)
    })
    fc.assert(property, { numRuns: 500 })
  })
})

describe('rules that are found by blocks and thresholds', () => {
  const rule = (number: number, detection: string): string =>
    `title: R${number}\nid: r${number}\nlogsource: {}\ndetection: { s: { ${detection} }, condition: s }\n`
  const detections = [
    'ip|cidr: 10.0.0.0/8',
    'ip|cidr: [192.168.0.0/16, 2001:db8::/32]',
    'ip|cidr: [10.1.0.0/16, 10.2.0.0/16, 10.3.0.0/16, 10.4.0.0/16, 10.5.0.0/16]',
    'port|gte: 1024',
    'port|lt: 1024',
    'port|gt: 100, ip|cidr: 10.0.0.0/8',
    'at|hour|gte: 20',
  ]
  const { rules, mistakes } = compileSigma([
    { path: 'r.yml', text: detections.map((each, number) => rule(number, each)).join('---\n') },
  ])
  const matched = (event: EventTree): string => {
    const found: string[] = []
    createMatcher(rules).match({ ...event, warden: { logsource: {} } }, ({ meta }) => found.push(meta.title))
    return found.join(' ')
  }

  test.each<[EventTree, string]>([
    [{ ip: '10.3.9.9' }, 'R0 R2'],
    [{ ip: ['172.16.0.1', '::ffff:10.9.9.9'] }, 'R0'],
    [{ ip: '2001:DB8::1', port: '80' }, 'R1 R4'],
    [{ ip: '10.0.0.1', port: 443 }, 'R0 R4 R5'],
    [{ port: [80, 8080] }, 'R3 R4'],
    [{ port: 'ssh', ip: 'nowhere', at: '2026-01-01T21:00:00Z' }, 'R6'],
    [{ port: null, ip: null }, ''],
  ])('%j: %s', (event, wanted) => {
    expect(mistakes).toEqual([])
    expect(matched(event)).toBe(wanted)
  })

  test('are not tried on events whose address and number are others', () => {
    const matcher = createMatcher(rules)
    const tried = (event: EventTree): number => {
      matcher.match({ ...event, warden: { logsource: {} } }, () => undefined)
      return matcher.candidates
    }
    expect(tried({ ip: '8.8.8.8' })).toBe(0)
    expect(tried({ port: 80 })).toBe(1)
    expect(tried({ port: 'ssh' })).toBe(0)
  })
})
