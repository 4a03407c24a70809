/**
 * Reads the header of a GGUF file (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md), versions 2 and 3.
 */
import { Cursor, type ByteSource } from './bytes.ts'
import { quantizedTypes } from './quantized.ts'
import { bytesOf, tensorsMax, type NumberFormat, type Tensor, type Tensors } from './tensor.ts'

const metadataMax = 100_000
const stringBytesMax = 16_000_000
const arrayItemsMax = 10_000_000
const scalarBytes = [1, 1, 2, 2, 4, 4, 4, 1, -1, -1, 8, 8, 8]
const stringType = 8
const arrayType = 9
const formats: Readonly<Record<number, NumberFormat>> = {
  0: 'f32',
  1: 'f16',
  24: 'i8',
  28: 'f64',
  30: 'bf16',
  ...quantizedTypes,
}

export async function readGguf(source: ByteSource, partial: boolean): Promise<Tensors> {
  const cursor = new Cursor(source, 'GGUF')
  cursor.skip(4)
  const version = await cursor.u32()
  if (version !== 2 && version !== 3) throw cursor.invalid(`version ${version}; 2 and 3 are read`)
  const tensors = await cursor.u64()
  const metadata = await cursor.u64()
  if (tensors > tensorsMax) throw cursor.invalid(`${tensors} tensors; at most ${tensorsMax} are read`)
  if (metadata > metadataMax) throw cursor.invalid(`${metadata} metadata entries; at most ${metadataMax} are read`)
  let alignment = 32
  for (let n = 0; n < metadata; n++) {
    const key = await text(cursor)
    const type = await cursor.u32()
    if (key === 'general.alignment' && type === 4) alignment = await cursor.u32()
    else await skipValue(cursor, type)
  }
  if (alignment < 1 || alignment > 65_536) throw cursor.invalid(`an alignment of ${alignment}`)
  const infos: { name: string; type: number; elements: number; offset: number }[] = []
  for (let n = 0; n < tensors; n++) infos.push(await info(cursor))
  const start = Math.ceil(cursor.at / alignment) * alignment
  return placed(cursor, source.size - start, start, infos, partial)
}

async function info(cursor: Cursor): Promise<{ name: string; type: number; elements: number; offset: number }> {
  const name = await text(cursor)
  const dimensions = await cursor.u32()
  if (dimensions > 8) throw cursor.invalid(`a tensor of ${dimensions} dimensions`)
  let elements = 1
  for (let n = 0; n < dimensions; n++) elements *= await cursor.u64()
  if (!Number.isSafeInteger(elements)) throw cursor.invalid('a tensor with more numbers than can be counted')
  return { name, type: await cursor.u32(), elements, offset: await cursor.u64() }
}

/** The size of a tensor of an unknown type is what lies between it and the next, where it has numbers at all. */
function placed(
  cursor: Cursor,
  available: number,
  start: number,
  infos: readonly { name: string; type: number; elements: number; offset: number }[],
  partial: boolean,
): Tensors {
  const offsets = [...new Set(infos.map(({ offset }) => offset))].sort((a, b) => a - b)
  const next = new Map(offsets.map((offset, n) => [offset, offsets[n + 1] ?? Math.max(offset, available)]))
  const tensors: Tensor[] = []
  for (const { name, type, elements, offset } of infos) {
    const format = formats[type] ?? 'other'
    const shown = JSON.stringify(name.slice(0, 100))
    const unknown = elements === 0 ? 0 : next.get(offset)! - offset
    const bytes = format === 'other' ? unknown : bytesOf(format, elements)
    if (bytes === undefined)
      throw cursor.invalid(`${elements} numbers in the tensor ${shown}, which are no whole blocks`)
    if (offset + bytes <= available) tensors.push({ name, format, elements, offset: start + offset, bytes })
    else if (!partial) throw cursor.invalid(`the tensor ${shown} at byte ${offset}, which is past its end`)
  }
  return { tensors, missing: infos.length - tensors.length }
}

async function text(cursor: Cursor): Promise<string> {
  const length = await cursor.u64()
  if (length > stringBytesMax) throw cursor.invalid(`a text of ${length} bytes`)
  return Buffer.from(await cursor.bytes(length)).toString('utf8')
}

async function skipValue(cursor: Cursor, type: number, depth = 0): Promise<void> {
  if (type === stringType) {
    cursor.skip(await cursor.u64())
    return
  }
  if (type !== arrayType) {
    const bytes = scalarBytes[type]
    if (bytes === undefined || bytes < 0) throw cursor.invalid(`a value of the unknown type ${type}`)
    cursor.skip(bytes)
    return
  }
  if (depth >= 4) throw cursor.invalid('lists within lists within lists')
  const of = await cursor.u32()
  const items = await cursor.u64()
  if (items > arrayItemsMax) throw cursor.invalid(`a list of ${items} items`)
  const bytes = scalarBytes[of] ?? -1
  if (bytes > 0) cursor.skip(items * bytes)
  else for (let n = 0; n < items; n++) await skipValue(cursor, of, depth + 1)
}
