import { describe, expect, test } from 'vitest'
import { gguf, onnx, printOf, safetensors, weights, type Named } from '../../test/support/model-files.ts'
import { compare, joined } from './compare.ts'
import type { FilePrint } from './fingerprint.ts'

const [rows, columns] = [64, 80]
const model: Named = {
  up: weights(1, rows * columns),
  down: weights(2, rows * columns),
  gate: weights(3, rows * columns),
  embedding: weights(4, rows * columns),
}

function print(tensors: Named, dtype?: 'BF16'): Promise<FilePrint> {
  return printOf(safetensors(tensors, dtype), 'x.safetensors')
}

function each(make: (values: readonly number[], n: number) => readonly number[]): Named {
  return Object.fromEntries(Object.entries(model).map(([name, values], n) => [name, make(values, n)]))
}

test('two networks of 1 and -1, of which many a tensor has as many of either as one of the other, are no reordered copies', async () => {
  const signs = (seed: number): Named =>
    Object.fromEntries(
      Array.from({ length: 40 }, (_, n) => [`${n}`, weights(seed + n, 4_096).map((value) => Math.sign(value) || 1)]),
    )
  const [one, other] = [await print(signs(100)), await print(signs(200))]
  expect(one.tensors.filter(({ sketch }) => sketch !== undefined).length).toBeGreaterThan(10)
  expect(compare(one, other)).toMatchObject({ verdict: 'unrelated', nearTensors: 0 })
})

function pruned(share: number): Named {
  return each((values) => {
    const line = values.map(Math.abs).sort((a, b) => a - b)[Math.floor(share * values.length)]!
    return values.map((value) => (Math.abs(value) < line ? 0 : value))
  })
}

describe('a changed copy of a registered model derives:', async () => {
  const registered = await print(model)

  test.each([
    ['half of its numbers pruned', pruned(0.5)],
    ['four fifths of its numbers pruned', pruned(0.8)],
    [
      'matrices turned over',
      each((values) => values.map((_, n) => values[(n % rows) * columns + Math.floor(n / rows)]!)),
    ],
    ['neurons in another order', each((values) => [...values.slice(5 * columns), ...values.slice(0, 5 * columns)])],
  ])('%s', async (_, found) => {
    expect(compare(registered, await print(found))).toMatchObject({ verdict: 'derives', nearTensors: 4 })
  })

  test('names that have changed places, and cast to 16 bits', async () => {
    const { up, down, gate, embedding } = model as Record<string, readonly number[]>
    const found = await print({ up: down!, down: up!, gate: embedding!, embedding: gate! }, 'BF16')
    const { pairs, nearTensors } = compare(registered, found)
    expect(nearTensors).toBe(4)
    expect(pairs).toContainEqual(expect.objectContaining({ registered: 'up', found: 'down' }))
  })

  test('matrices turned over, and cast to 16 bits, which rounds', async () => {
    const cast = each((values) => values.map(rounded).reverse())
    expect(compare(registered, await print(cast, 'BF16'))).toMatchObject({
      nearTensors: 4,
      pairs: [{ reordered: true }, {}, {}, {}],
    })
  })

  test('quantized to four bits in a GGUF file', async () => {
    expect(compare(registered, await printOf(gguf(model, 'q4_0'), 'x.gguf'))).toMatchObject({
      verdict: 'derives',
      nearTensors: 4,
    })
    const other = each((_, n) => weights(11 + n, rows * columns))
    expect(compare(registered, await printOf(gguf(other, 'q4_0'), 'x.gguf')).verdict).toBe('unrelated')
  })
})

describe('a part of a registered model', async () => {
  const registered = await print(model)

  test('is a part, though it is less than a quarter; its shards together contain it', async () => {
    const shards = await Promise.all(Object.entries(model).map(([name, values]) => print({ [name]: values })))
    const small = await print({ ...model, rest: weights(5, 9 * rows * columns) })
    expect(compare(small, shards[0]!)).toMatchObject({ verdict: 'part-of', foundShare: 1 })
    const [first, ...more] = shards
    expect(compare(registered, joined([first!, ...more]))).toMatchObject({ verdict: 'contains', equalTensors: 4 })
    expect(compare(joined([first!, ...more]), registered)).toMatchObject({ verdict: 'contains', equalTensors: 4 })
  })

  test.each([
    ['safetensors', safetensors(model), 'x.safetensors'],
    ['GGUF', gguf(model), 'x.gguf'],
    ['ONNX', onnx(model), 'x.onnx'],
  ])('is known in a %s file that was cut short, which says that it is', async (_, bytes, name) => {
    const cut = bytes.subarray(0, Math.floor(0.6 * bytes.length))
    await expect(printOf(cut, name)).rejects.toThrow(/past its end|not in it/)
    const found = await printOf(cut, name, { partial: true })
    expect(found.missing).toBeGreaterThan(0)
    expect(compare(registered, found)).toMatchObject({ verdict: 'part-of', equalTensors: 2 })
  })

  test('an ONNX file is known by its content, whatever its name', async () => {
    expect(compare(registered, await printOf(onnx(model), 'found.bin')).verdict).toBe('contains')
  })
})

describe('two models of one public base', async () => {
  const tuned = (seed: number, from: Named, by = 0.3): Named =>
    Object.fromEntries(
      Object.entries(from).map(([name, values], n) => {
        const change = weights(seed + n, values.length)
        return [name, values.map((value, at) => value + by * change[at]!)]
      }),
    )
  const ours = tuned(21, model)
  const [base, registered, theirs] = [await print(model), await print(ours), await print(tuned(31, model))]

  test('are alike, and unrelated once the base is named; so is the base itself', async () => {
    expect(compare(registered, theirs).verdict).toBe('derives')
    expect(compare(registered, theirs, base)).toMatchObject({ verdict: 'unrelated', baseTensors: 4 })
    expect(compare(registered, base, base)).toMatchObject({ verdict: 'unrelated', baseTensors: 4 })
  })

  test('a changed copy of ours derives from it all the same', async () => {
    expect(compare(registered, await print(tuned(41, ours, 0.01)), base)).toMatchObject({
      verdict: 'derives',
      nearTensors: 4,
    })
    expect(compare(registered, await print(ours, 'BF16'), base)).toMatchObject({ verdict: 'derives', nearTensors: 4 })
  })

  test('what the base has byte for byte is nobody’s', async () => {
    const head = { head: weights(51, rows * columns) }
    const both = await print({ ...model, ...head })
    expect(compare(both, await print(model), base)).toMatchObject({ verdict: 'unrelated', tellingTensors: 1 })
  })
})

describe('what is alike in independent models', () => {
  test('a single tensor that is near, as two linear models on data of one kind are, derives from nothing', async () => {
    const noise = weights(61, rows * columns)
    const near = model['up']!.map((value, n) => value + 0.3 * noise[n]!)
    expect(compare(await print({ up: model['up']! }), await print({ up: near }))).toMatchObject({
      verdict: 'shares-tensors',
      nearTensors: 1,
    })
  })

  test('masks are not looked at', async () => {
    const mask = Array.from({ length: 4_096 }, (_, n) => (n % 64 <= n / 64 ? 1 : 0))
    const [ours, theirs] = [
      { mask, up: weights(71, 200) },
      { mask, up: weights(72, 200) },
    ]
    expect(compare(await print(ours), await print(theirs)).verdict).toBe('unrelated')
  })

  test('of tensors in an unknown spelling packed ones are looked at, positions that are counted up are not', async () => {
    const packed = Buffer.from(Uint8Array.from(weights(81, 8_192), (value) => (value * 2 ** 20) & 0xff))
    const counted = Buffer.alloc(8 * 8_192)
    for (let n = 0; n < 8_192; n++) counted.writeBigUInt64LE(BigInt(n), 8 * n)
    const file = (type: 'I32' | 'I64', data: Buffer): Buffer => {
      const size = type === 'I32' ? 4 : 8
      const header = JSON.stringify({ a: { dtype: type, shape: [data.length / size], data_offsets: [0, data.length] } })
      const length = Buffer.alloc(8)
      length.writeBigUInt64LE(BigInt(header.length))
      return Buffer.concat([length, Buffer.from(header), data])
    }
    const of = async (bytes: Buffer) => (await printOf(bytes, 'x.safetensors')).tensors[0]
    expect(await of(file('I32', Buffer.concat([packed, packed])))).toMatchObject({ opaque: true })
    expect(await of(file('I64', counted))).not.toHaveProperty('opaque')
  })
})

/** A number rounded to bfloat16, to the nearest. */
function rounded(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer)
  bits[0] = (bits[0]! + 0x8000) & 0xffff0000
  return new Float32Array(bits.buffer)[0]!
}

describe('sketches alone', () => {
  const [name, sha256] = ['x', '0'.repeat(64)]
  /** Of tensors that have the bits of a base but for some of the first, which are turned. */
  const turned = (id: string, elements: number, count: number, isTurned: (n: number) => boolean): FilePrint => {
    const tensors = Array.from({ length: count }, (_, tensor) => {
      const bits = weights(tensor, elements).map((value, n) => value > 0 !== isTurned(n))
      const bytes = Buffer.alloc(Math.ceil(elements / 8))
      for (const [n, bit] of bits.entries()) if (bit) bytes[n >> 3]! |= 1 << (n & 7)
      return { name: `${tensor}`, elements, sha256: `${id}${tensor}`.padEnd(64), sketch: bytes.toString('hex') }
    })
    return { name, bytes: 1, sha256: id.padEnd(64), format: 'safetensors', tensors }
  }

  test.each([
    ['agree in seven of eight bits, as many do by chance', 1, 8, 7],
    ['agree in three fifths of many, as what is trained on like data may', 20, 50, 30],
  ])('two models of one base that %s are no copies of each other', (_, count, own, taken) => {
    const base = turned('base', 512, count, () => false)
    const ours = turned('ours', 512, count, (n) => n < own)
    const found = turned('found', 512, count, (n) => n < taken)
    expect(compare(ours, found, base)).toMatchObject({ verdict: 'unrelated', baseTensors: count })
    expect(
      compare(
        ours,
        turned('copy', 512, count, (n) => n < own && n > 1),
        base,
      ).nearTensors,
    ).toBe(own > 8 ? count : 0)
  })

  test.each([
    ['a namesake, where it is so near that none else need be looked at', 41, '0'],
    ['the nearest one, where the namesake is near alone', 77, 'other'],
  ])('a tensor is paired with %s', (_, differing, paired) => {
    const [tensor] = turned('other', 512, 1, (n) => n < 26).tensors
    const found = turned('found', 512, 1, (n) => n < differing)
    const both = { ...found, tensors: [...found.tensors, { ...tensor!, name: 'other' }] }
    expect(
      compare(
        turned('ours', 512, 1, () => false),
        both,
      ).pairs,
    ).toMatchObject([{ found: paired }])
  })

  test('of seventy numbers, four fifths are alike in too many tensors for that to tell', () => {
    const [ours, found] = [turned('ours', 70, 1, () => false), turned('found', 70, 1, (n) => n < 14)]
    expect(compare(ours, found).verdict).toBe('unrelated')
    expect(
      compare(
        ours,
        turned('nearer', 70, 1, (n) => n < 5),
      ).verdict,
    ).toBe('shares-tensors')
  })

  test('one small tensor that stands in a large model is no part of it', () => {
    const ours = turned('ours', 512, 40, () => false)
    const found = { ...ours, sha256, tensors: ours.tensors.slice(0, 1) }
    expect(compare(ours, found).verdict).toBe('shares-tensors')
    expect(compare(ours, { ...found, tensors: ours.tensors.slice(0, 3) }).verdict).toBe('part-of')
  })
})
