/** A tensor of a model file: where its bytes are, and how its numbers are spelled. */
import { viewOf } from './bytes.ts'
import { halfOf } from './half.ts'
import { quantizedAt, quantizedBlocks, type Quantized } from './quantized.ts'

type Plain = 'f64' | 'f32' | 'f16' | 'bf16' | 'f8_e4m3' | 'f8_e5m2' | 'i8' | 'u8'

/** `other`: of an unknown spelling; such tensors have a digest and no sketch. */
export type NumberFormat = Plain | Quantized | 'other'

export interface Tensor {
  readonly name: string
  readonly format: NumberFormat
  readonly elements: number
  readonly offset: number
  readonly bytes: number
}

/** What a reader finds in a file. */
export interface Tensors {
  readonly tensors: readonly Tensor[]
  /** Tensors that the header names and whose bytes end after the file does; only where that is let pass. */
  readonly missing: number
}

/** Tensors of one file. */
export const tensorsMax = 100_000

/** How many numbers stand in how many bytes, all of them or none; `other`: unknown. */
export const blockOf: Readonly<
  Record<Exclude<NumberFormat, 'other'>, { readonly bytes: number; readonly numbers: number }>
> = {
  f64: { bytes: 8, numbers: 1 },
  f32: { bytes: 4, numbers: 1 },
  f16: { bytes: 2, numbers: 1 },
  bf16: { bytes: 2, numbers: 1 },
  f8_e4m3: { bytes: 1, numbers: 1 },
  f8_e5m2: { bytes: 1, numbers: 1 },
  i8: { bytes: 1, numbers: 1 },
  u8: { bytes: 1, numbers: 1 },
  ...quantizedBlocks,
}

/** Bytes of so many numbers; undefined: that many are not whole blocks, or the spelling is unknown. */
export function bytesOf(format: NumberFormat, elements: number): number | undefined {
  if (format === 'other') return undefined
  const { bytes, numbers } = blockOf[format]
  return elements % numbers === 0 ? (elements / numbers) * bytes : undefined
}

/** The number at place `n` of the block that begins at byte `offset`. */
export function numberAt(bytes: Uint8Array, offset: number, n: number, format: Exclude<NumberFormat, 'other'>): number {
  switch (format) {
    case 'f64':
      return viewOf(bytes).getFloat64(offset, true)
    case 'f32':
      return viewOf(bytes).getFloat32(offset, true)
    case 'f16':
      return halfOf(viewOf(bytes).getUint16(offset, true))
    case 'bf16': {
      const wide = new DataView(new ArrayBuffer(4))
      wide.setUint32(0, viewOf(bytes).getUint16(offset, true) * 65_536)
      return wide.getFloat32(0)
    }
    case 'f8_e5m2':
      return halfOf(bytes[offset]! << 8)
    case 'f8_e4m3':
      return eighthOf(bytes[offset]!)
    case 'i8':
      return viewOf(bytes).getInt8(offset)
    case 'u8':
      return bytes[offset]!
    default:
      return quantizedAt(bytes, offset, n, format)
  }
}

/** E4M3 without infinities (Micikevicius et al. 2022, FP8 formats for deep learning). */
function eighthOf(bits: number): number {
  const sign = bits >= 0x80 ? -1 : 1
  const exponent = (bits >> 3) & 15
  const fraction = bits & 7
  if (exponent === 15 && fraction === 7) return NaN
  return exponent === 0 ? sign * fraction * 2 ** -9 : sign * (1 + fraction / 8) * 2 ** (exponent - 7)
}
