/**
 * Single numbers out of the blocks in which GGUF keeps quantized tensors (ggml, `ggml-quants.c`: `dequantize_row_*`).
 *
 * A block holds so many numbers in so many bytes, with scales of its own. All little-endian.
 */
import { halfOf } from './half.ts'

export type Quantized = 'q4_0' | 'q4_1' | 'q5_0' | 'q5_1' | 'q8_0' | 'q2_k' | 'q3_k' | 'q4_k' | 'q5_k' | 'q6_k'

/** By ggml's number of the type. */
export const quantizedTypes: Readonly<Record<number, Quantized>> = {
  2: 'q4_0',
  3: 'q4_1',
  6: 'q5_0',
  7: 'q5_1',
  8: 'q8_0',
  10: 'q2_k',
  11: 'q3_k',
  12: 'q4_k',
  13: 'q5_k',
  14: 'q6_k',
}

export const quantizedBlocks: Readonly<Record<Quantized, { readonly bytes: number; readonly numbers: number }>> = {
  q4_0: { bytes: 18, numbers: 32 },
  q4_1: { bytes: 20, numbers: 32 },
  q5_0: { bytes: 22, numbers: 32 },
  q5_1: { bytes: 24, numbers: 32 },
  q8_0: { bytes: 34, numbers: 32 },
  q2_k: { bytes: 84, numbers: 256 },
  q3_k: { bytes: 110, numbers: 256 },
  q4_k: { bytes: 144, numbers: 256 },
  q5_k: { bytes: 176, numbers: 256 },
  q6_k: { bytes: 210, numbers: 256 },
}

/** The number at place `n` of the block that begins at byte `at`. */
export function quantizedAt(bytes: Uint8Array, at: number, n: number, type: Quantized): number {
  const byte = (offset: number): number => bytes[at + offset]!
  const signed = (offset: number): number => (byte(offset) << 24) >> 24
  const half = (offset: number): number => halfOf(byte(offset) | (byte(offset + 1) << 8))
  switch (type) {
    case 'q4_0':
      return (nibble(byte(2 + (n % 16)), n >= 16) - 8) * half(0)
    case 'q4_1':
      return nibble(byte(4 + (n % 16)), n >= 16) * half(0) + half(2)
    case 'q5_0':
      return ((nibble(byte(6 + (n % 16)), n >= 16) | (bit(byte(2 + (n >> 3)), n % 8) << 4)) - 16) * half(0)
    case 'q5_1':
      return (nibble(byte(8 + (n % 16)), n >= 16) | (bit(byte(4 + (n >> 3)), n % 8) << 4)) * half(0) + half(2)
    case 'q8_0':
      return signed(2 + n) * half(0)
    default:
  }
  // Blocks of 256: two halves of four rows of 32, and a scale for each 16 (for each 32 in q4_k and q5_k).
  const [upper, row, place] = [n >> 7, (n >> 5) & 3, n & 31]
  const sixteenth = n >> 4
  switch (type) {
    case 'q2_k': {
      const scale = byte(sixteenth)
      const quant = (byte(16 + 32 * upper + place) >> (2 * row)) & 3
      return half(80) * (scale & 15) * quant - half(82) * (scale >> 4)
    }
    case 'q3_k': {
      const low = nibble(byte(96 + (sixteenth & 7)), sixteenth >= 8)
      const high = (byte(104 + (sixteenth & 3)) >> (2 * (sixteenth >> 2))) & 3
      const quant = (byte(32 + 32 * upper + place) >> (2 * row)) & 3
      const away = bit(byte(place), 4 * upper + row) === 1 ? 0 : 4
      return half(108) * ((low | (high << 4)) - 32) * (quant - away)
    }
    case 'q6_k': {
      const low = nibble(byte(64 * upper + 32 * (row & 1) + place), row >= 2)
      const high = (byte(128 + 32 * upper + place) >> (2 * row)) & 3
      return half(208) * signed(192 + sixteenth) * ((low | (high << 4)) - 32)
    }
    case 'q4_k':
    case 'q5_k': {
      const eighth = n >> 5
      const [scale, least] =
        eighth < 4
          ? [byte(4 + eighth) & 63, byte(8 + eighth) & 63]
          : [
              (byte(8 + eighth) & 15) | ((byte(eighth) >> 6) << 4),
              (byte(8 + eighth) >> 4) | ((byte(4 + eighth) >> 6) << 4),
            ]
      const from = type === 'q4_k' ? 16 : 48
      const low = nibble(byte(from + 32 * (n >> 6) + place), (eighth & 1) === 1)
      const high = type === 'q4_k' ? 0 : bit(byte(16 + place), eighth)
      return half(0) * scale * (low | (high << 4)) - half(2) * least
    }
  }
}

function nibble(byte: number, upper: boolean): number {
  return upper ? byte >> 4 : byte & 15
}

function bit(byte: number, n: number): number {
  return (byte >> n) & 1
}
