/**
 * Finds the initializers of an ONNX file (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto): walks the protobuf by its
 * lengths and skips everything else. Data in files beside it is not seen.
 */
import { Cursor, ModelFileError, type ByteSource } from './bytes.ts'
import { bytesOf, tensorsMax, type NumberFormat, type Tensor, type Tensors } from './tensor.ts'

const fieldsMax = 5_000_000
const nameBytesMax = 65_536
const graphField = 7
const initializerField = 5
const formats: Readonly<Record<number, NumberFormat>> = { 1: 'f32', 2: 'u8', 3: 'i8', 10: 'f16', 11: 'f64', 16: 'bf16' }

interface Field {
  readonly number: number
  /** Of a number; undefined for bytes. */
  readonly value: number | undefined
  readonly offset: number
  readonly length: number
}

export async function readOnnx(source: ByteSource, partial: boolean): Promise<Tensors> {
  const tensors: Tensor[] = []
  let fields = 0
  const walk = async (from: number, to: number, take: (field: Field) => Promise<void>): Promise<void> => {
    const cursor = new Cursor(source, 'ONNX', from, to)
    while (!cursor.done) {
      if (++fields > fieldsMax) throw cursor.invalid(`more than ${fieldsMax} fields`)
      await take(await nextField(cursor, partial))
    }
  }
  let [graphs, missing] = [0, 0]
  await walk(0, source.size, async ({ number, offset, length, value }) => {
    if (number !== graphField || value !== undefined) return
    graphs++
    await walk(offset, offset + length, async (field) => {
      if (field.number !== initializerField || field.value !== undefined) return
      const cursor = new Cursor(source, 'ONNX', field.offset, field.offset + field.length)
      const tensor = await tensorOf(source, cursor, field, walk)
      if (tensor !== undefined) tensors.push(tensor)
      if (tensors.length > tensorsMax) throw cursor.invalid(`more than ${tensorsMax} tensors`)
    })
  }).catch((error: unknown) => {
    // Where a file is cut short, what it had is known, and that something is missing.
    if (!partial || !(error instanceof ModelFileError) || tensors.length === 0) throw error
    missing++
  })
  if (graphs === 0) throw new Cursor(source, 'ONNX').invalid('no graph')
  return { tensors, missing }
}

async function tensorOf(
  source: ByteSource,
  cursor: Cursor,
  of: Field,
  walk: (from: number, to: number, take: (field: Field) => Promise<void>) => Promise<void>,
): Promise<Tensor | undefined> {
  let [name, type, elements] = ['', 0, 1]
  let data: Field | undefined
  await walk(of.offset, of.offset + of.length, async (field) => {
    if (field.number === 1) {
      if (field.value !== undefined) elements *= field.value
      else {
        const dimensions = new Cursor(source, 'ONNX', field.offset, field.offset + field.length)
        for (let n = 0; !dimensions.done; n++) {
          if (n >= 16) throw dimensions.invalid('a tensor of more than 16 dimensions')
          elements *= await dimensions.varint()
        }
      }
    } else if (field.number === 2) type = field.value ?? 0
    else if (field.number === 8 && field.value === undefined) {
      if (field.length > nameBytesMax) throw cursor.invalid(`a name of ${field.length} bytes`)
      name = Buffer.from(await source.read(field.offset, field.length)).toString('utf8')
    } else if ((field.number === 9 || (field.number === 4 && type !== 11)) && field.value === undefined) data = field
  })
  if (data === undefined) return undefined
  const format = formats[type] ?? 'other'
  const fits = format === 'other' || bytesOf(format, elements) === data.length
  if (!Number.isSafeInteger(elements) || !fits) {
    throw cursor.invalid(`${data.length} bytes for the numbers of the tensor ${JSON.stringify(name.slice(0, 100))}`)
  }
  return { name, format, elements, offset: data.offset, bytes: data.length }
}

/** `partial`: what is longer than there is reaches to the end, where something in it will be missing. */
async function nextField(cursor: Cursor, partial: boolean): Promise<Field> {
  const tag = await cursor.varint()
  const number = Math.floor(tag / 8)
  switch (tag % 8) {
    case 0: {
      const value = await cursor.varint()
      return { number, value, offset: cursor.at, length: 0 }
    }
    case 1:
      cursor.skip(8)
      return { number, value: 0, offset: cursor.at - 8, length: 8 }
    case 5:
      cursor.skip(4)
      return { number, value: 0, offset: cursor.at - 4, length: 4 }
    case 2: {
      const told = await cursor.varint()
      const offset = cursor.at
      const length = partial ? Math.min(told, cursor.left) : told
      cursor.skip(length)
      return { number, value: undefined, offset, length }
    }
    default:
      throw cursor.invalid(`a field of an unknown kind at byte ${cursor.at}`)
  }
}
