/**
 * Compression of record batches: reads what any producer may write (gzip, snappy, lz4, zstd), writes gzip and zstd.
 *
 * Promises: bytes that don't unfold, or unfold to more than the limit, throw; nothing else happens. Called between
 * socket and decoder, on bytes that anyone with write access to a topic has chosen.
 */
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { decompressFrameSync } from 'lz4-napi'
import { uncompressSync } from 'snappy'
import { WireError } from './wire.ts'

/** The codec's number is its place in this list: the low three bits of a batch's attributes. */
export const codecNames = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
export type CodecName = (typeof codecNames)[number]

export function inflate(codec: CodecName, bytes: Buffer, bytesMax: number): Buffer {
  switch (codec) {
    case 'none':
      return bytes
    case 'gzip':
      return gunzipSync(bytes, { maxOutputLength: bytesMax })
    case 'snappy':
      return inflateSnappy(bytes, bytesMax)
    case 'lz4':
      return inflateLz4(bytes, bytesMax)
    case 'zstd':
      return zstdDecompressSync(bytes, { maxOutputLength: bytesMax })
  }
}

export function deflate(codec: 'gzip' | 'zstd', bytes: Buffer): Buffer {
  return codec === 'gzip' ? gzipSync(bytes) : zstdCompressSync(bytes)
}

/** Java's producers frame snappy as the xerial library does: this magic, two versions, then blocks with their length. */
const xerialMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const xerialHeaderBytes = 16

function inflateSnappy(bytes: Buffer, bytesMax: number): Buffer {
  if (!bytes.subarray(0, 8).equals(xerialMagic)) return snappyBlock(bytes, bytesMax)
  const blocks: Buffer[] = []
  let total = 0
  for (let at = xerialHeaderBytes; at < bytes.length;) {
    if (at + 4 > bytes.length) throw new WireError('a snappy block is cut off')
    const length = bytes.readInt32BE(at)
    at += 4
    if (length < 0 || at + length > bytes.length) throw new WireError('a snappy block is cut off')
    const block = snappyBlock(bytes.subarray(at, at + length), bytesMax - total)
    blocks.push(block)
    total += block.length
    at += length
  }
  return Buffer.concat(blocks, total)
}

/** A raw block starts with its unfolded length, so the limit is checked before memory is taken. */
function snappyBlock(block: Buffer, bytesMax: number): Buffer {
  let length = 0
  for (let index = 0, scale = 1; ; index += 1, scale *= 128) {
    const byte = block[index]
    if (byte === undefined || index > 4) throw new WireError('a snappy block has no length')
    length += (byte & 0x7f) * scale
    if (byte < 0x80) break
  }
  if (length > bytesMax) throw new WireError(`snappy unfolds to more than ${bytesMax} bytes`)
  return uncompressSync(block) as Buffer
}

const lz4Magic = 0x184d2204
const lz4BlockBytes: Readonly<Record<number, number>> = { 4: 65_536, 5: 262_144, 6: 1_048_576, 7: 4_194_304 }

/** Walks the frame's blocks (LZ4 frame format 1.6) first, so that what it may unfold to is known before it does. */
function inflateLz4(bytes: Buffer, bytesMax: number): Buffer {
  if (bytes.length < 7 || bytes.readUInt32LE(0) !== lz4Magic) throw new WireError('not an lz4 frame')
  const flags = bytes[4]!
  const blockBytes = lz4BlockBytes[(bytes[5]! >> 4) & 7]
  if (blockBytes === undefined) throw new WireError('an lz4 frame with an unknown block size')
  let at = 7 + (flags & 0x08 ? 8 : 0) + (flags & 0x01 ? 4 : 0)
  let total = 0
  for (;;) {
    if (at + 4 > bytes.length) throw new WireError('an lz4 frame is cut off')
    const size = bytes.readUInt32LE(at)
    if (size === 0) break
    const length = size & 0x7fff_ffff
    total += size > 0x7fff_ffff ? length : Math.min(blockBytes, length * 255)
    if (total > bytesMax) throw new WireError(`lz4 unfolds to more than ${bytesMax} bytes`)
    at += 4 + length + (flags & 0x10 ? 4 : 0)
  }
  return decompressFrameSync(bytes)
}
