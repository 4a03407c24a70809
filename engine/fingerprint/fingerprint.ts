/**
 * The fingerprint of a model file: a digest of the whole, and of each tensor a digest, a sketch, and a digest without regard to
 * order.
 *
 * The sketch has a bit for each of up to 512 numbers, taken evenly over the tensor: whether it is above their median. Casting,
 * quantizing and light fine-tuning flip few of them; another training flips half (Charikar 2002 for the angle between
 * vectors, of which this is the coordinate-wise form). Zeros stand apart: pruning leaves the others as they were. Memory is
 * bounded, whatever the size of the file.
 */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { ModelFileError, type ByteSource } from './bytes.ts'
import { readGguf } from './gguf.ts'
import { readOnnx } from './onnx.ts'
import { readSafetensors } from './safetensors.ts'
import { blockOf, numberAt, type Tensor, type Tensors } from './tensor.ts'
import { Unordered, unorderedMin } from './unordered.ts'

const chunkBytes = 1_048_576
const sketchBits = 512
/** Tensors with fewer numbers say nothing by themselves. */
const telling = 64
/** Of an unknown spelling: with fewer numbers, or where one byte is a quarter of all (counted up, padded), it says nothing. */
const opaqueMin = 4_096
const commonByteShareMax = 0.25

export const TensorPrint = z.strictObject({
  name: z.string().max(65_536),
  elements: z.int().nonnegative(),
  sha256: z.string().length(64),
  /** Hexadecimal; absent: too small, constant, or of an unknown number format. */
  sketch: z.string().max(128).optional(),
  /** Which numbers of the sketch are zero, in the same form; absent: none. */
  zeros: z.string().max(128).optional(),
  /** Digest of the numbers without regard to their order (unordered.ts). */
  unordered: z.string().length(64).optional(),
  /** Of an unknown number format, such as packed quants: only the digest says anything. */
  opaque: z.literal(true).optional(),
})
export type TensorPrint = z.infer<typeof TensorPrint>

export const FilePrint = z.strictObject({
  name: z.string().max(4_096),
  bytes: z.int().nonnegative(),
  sha256: z.string().length(64),
  format: z.enum(['safetensors', 'gguf', 'onnx', 'other']),
  tensors: z.array(TensorPrint),
  /** Tensors that it names and does not have: it was cut short. */
  missing: z.int().positive().optional(),
})
export type FilePrint = z.infer<typeof FilePrint>

type Format = FilePrint['format']

/** By its first bytes, else by its name. */
export async function formatOf(source: ByteSource, name: string): Promise<Format> {
  const head = Buffer.from(await source.read(0, Math.min(16, source.size)))
  if (head.subarray(0, 4).toString('latin1') === 'GGUF') return 'gguf'
  if (name.endsWith('.onnx')) return 'onnx'
  if (name.endsWith('.gguf'))
    throw new ModelFileError('The file is named .gguf and does not begin as such a file does.')
  if (name.endsWith('.safetensors')) return 'safetensors'
  const fits = head.length > 8 && head[8] === 0x7b && head.readBigUInt64LE(0) <= BigInt(source.size - 8)
  return fits ? 'safetensors' : 'other'
}

export interface FingerprintOptions {
  /** Also of a file that was cut short: of the tensors that it has whole. */
  readonly partial?: boolean
  /** Told how much has been read; each byte is read twice, for the whole and for its tensor. */
  readonly onBytes?: (bytes: number) => void
}

export async function fingerprint(
  source: ByteSource,
  name: string,
  { partial = false, onBytes = () => undefined }: FingerprintOptions = {},
): Promise<FilePrint> {
  const { format, tensors, missing } = await tensorsOf(source, name, partial)
  checkApart(tensors, format)
  const whole = createHash('sha256')
  for (let at = 0; at < source.size; at += chunkBytes) {
    const chunk = await source.read(at, Math.min(chunkBytes, source.size - at))
    whole.update(chunk)
    onBytes(chunk.length)
  }
  const prints: TensorPrint[] = []
  const unordered = new Unordered()
  for (const tensor of tensors) prints.push(await printOf(source, tensor, unordered, onBytes))
  const print: FilePrint = { name, bytes: source.size, sha256: whole.digest('hex'), format, tensors: prints }
  return missing === 0 ? print : { ...print, missing }
}

const readers = { safetensors: readSafetensors, gguf: readGguf, onnx: readOnnx } as const

async function tensorsOf(
  source: ByteSource,
  name: string,
  partial: boolean,
): Promise<Tensors & { readonly format: Format }> {
  const format = await formatOf(source, name)
  if (format !== 'other') return { format, ...(await readers[format](source, partial)) }
  // ONNX has no mark of its own; what reads as such whatever its name is one.
  const head = await source.read(0, Math.min(1, source.size))
  const onnx = head[0] === 8 ? await readOnnx(source, partial).catch(noModel) : undefined
  return onnx === undefined || onnx.tensors.length === 0
    ? { format, tensors: [], missing: 0 }
    : { format: 'onnx', ...onnx }
}

/** No byte is in two tensors, so that a small file can't ask for endless reading. */
function checkApart(tensors: readonly Tensor[], format: Format): void {
  let end = 0
  for (const { offset, bytes } of tensors.filter((tensor) => tensor.bytes > 0).sort((a, b) => a.offset - b.offset)) {
    if (offset < end) throw new ModelFileError(`The ${format} file has tensors that lie upon each other.`)
    end = offset + bytes
  }
}

function noModel(error: unknown): undefined {
  if (!(error instanceof ModelFileError)) throw error
}

async function printOf(
  source: ByteSource,
  { name, elements, format, offset, bytes }: Tensor,
  unordered: Unordered,
  onBytes: (bytes: number) => void,
): Promise<TensorPrint> {
  const hash = createHash('sha256')
  const block = format === 'other' ? undefined : blockOf[format]
  const bits = Math.min(sketchBits, elements)
  const step = block === undefined ? chunkBytes : Math.floor(chunkBytes / block.bytes) * block.bytes
  const values: number[] = []
  const byteCounts = new Float64Array(256)
  let ordered = true
  for (let at = 0; at < bytes; at += step) {
    const chunk = await source.read(offset + at, Math.min(step, bytes - at))
    hash.update(chunk)
    onBytes(chunk.length)
    if (format === 'other' || block === undefined) {
      for (const byte of chunk) byteCounts[byte]!++
      continue
    }
    if (elements >= unorderedMin && unordered.add(chunk, format)) ordered = false
    while (values.length < bits) {
      const n = Math.floor(((values.length + 0.5) * elements) / bits)
      const place = Math.floor(n / block.numbers) * block.bytes - at
      if (place >= chunk.length) break
      values.push(numberAt(chunk, place, n % block.numbers, format))
    }
  }
  const numbers = ordered ? undefined : unordered.take()
  const sketch = elements < telling ? undefined : sketchOf(values)
  const opaque = format === 'other' && elements >= opaqueMin && Math.max(...byteCounts) < commonByteShareMax * bytes
  return {
    name: name.slice(0, 1_000),
    elements,
    sha256: hash.digest('hex'),
    ...(sketch === undefined ? {} : { ...sketch, ...(numbers === undefined ? {} : { unordered: numbers }) }),
    ...(opaque ? { opaque } : {}),
  }
}

/**
 * Undefined where the numbers beside zero hardly differ: every fresh model has such tensors, and masks are the same
 * everywhere.
 */
function sketchOf(values: readonly number[]): { sketch: string; zeros?: string } | undefined {
  if (values.length === 0 || !values.every(Number.isFinite)) return undefined
  const others = values.filter((value) => value !== 0).sort((a, b) => a - b)
  const middle = others[others.length >> 1]!
  const ones = values.map((value) => value !== 0 && value > middle)
  if (others.length < telling || ones.filter(Boolean).length < others.length / 4) return undefined
  const sketch = hexOf(ones)
  return others.length === values.length ? { sketch } : { sketch, zeros: hexOf(values.map((value) => value === 0)) }
}

function hexOf(bits: readonly boolean[]): string {
  const bytes = new Uint8Array(Math.ceil(bits.length / 8))
  for (const [n, bit] of bits.entries()) if (bit) bytes[n >> 3]! |= 1 << (n & 7)
  return Buffer.from(bytes).toString('hex')
}
