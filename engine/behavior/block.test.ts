import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Block, BlockRoom } from './block.ts'

function bytesOf(length: number, seed: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, (_, n) => seed * 31 + n * 7))
}

function readOf(block: Block): Buffer {
  const bytes = Buffer.alloc(block.length)
  block.copyTo(bytes)
  return bytes
}

test('blocks of one room keep their own bytes, however others come, grow, shrink and leave', () => {
  const step = fc.record({ which: fc.nat(99), length: fc.constantFrom(8, 16, 24, 40), leaves: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { minLength: 100, maxLength: 400 }), (steps) => {
      const room = new BlockRoom()
      const blocks = new Map<number, { block: Block; bytes: Buffer }>()
      for (const [n, { which, length, leaves }] of steps.entries()) {
        const bytes = bytesOf(length, n)
        const known = blocks.get(which)
        if (known === undefined) {
          const block = new Block(bytes)
          block.moveInto(room)
          blocks.set(which, { block, bytes })
        } else if (leaves) {
          known.block.leave()
          blocks.delete(which)
        } else {
          known.block.put(bytes, length)
          known.bytes = bytes
        }
      }
      for (const { block, bytes } of blocks.values()) expect(readOf(block)).toEqual(bytes)
    }),
    { numRuns: 50 },
  )
})

test('a block that is by itself, in a room, or moved to another spells the same bytes', () => {
  const bytes = bytesOf(24, 3)
  const block = new Block(Buffer.concat([bytes, bytes]), 24)
  for (const room of [undefined, new BlockRoom(), new BlockRoom()]) {
    if (room !== undefined) block.moveInto(room)
    expect(JSON.parse(JSON.stringify(block))).toBe(bytes.toString('base64'))
    expect(block.numberAt(1)).toBe(bytes.readDoubleLE(8))
  }
})

test('a block that was put back after it left does not change another', () => {
  const room = new BlockRoom()
  const [gone, other] = [new Block(bytesOf(16, 1)), new Block(bytesOf(16, 2))]
  gone.moveInto(room)
  gone.leave()
  other.moveInto(room)
  gone.put(bytesOf(16, 3), 16)
  expect(readOf(other)).toEqual(bytesOf(16, 2))
})
