/**
 * Reads and writes the primitives of Kafka's wire protocol in a buffer: big-endian integers, zigzag varints, strings.
 *
 * Promises: reading past the end throws WireError, whatever the bytes are; 64-bit numbers come as JavaScript numbers
 * (offsets, ids and times stay below 2^53).
 */

/** Bytes that are not what the protocol says they are. */
export class WireError extends Error {
  override readonly name = 'WireError'
}

const twoTo32 = 4_294_967_296

export class WireReader {
  readonly buffer: Buffer
  position: number
  readonly end: number

  constructor(buffer: Buffer, position = 0, end = buffer.length) {
    this.buffer = buffer
    this.position = position
    this.end = end
  }

  get left(): number {
    return this.end - this.position
  }

  #take(length: number): number {
    const at = this.position
    if (length < 0 || at + length > this.end) throw new WireError(`${length} bytes wanted, ${this.end - at} left`)
    this.position = at + length
    return at
  }

  skip(length: number): void {
    this.#take(length)
  }

  int8(): number {
    return this.buffer.readInt8(this.#take(1))
  }

  int16(): number {
    return this.buffer.readInt16BE(this.#take(2))
  }

  int32(): number {
    return this.buffer.readInt32BE(this.#take(4))
  }

  int64(): number {
    const at = this.#take(8)
    return this.buffer.readInt32BE(at) * twoTo32 + this.buffer.readUInt32BE(at + 4)
  }

  /** An array's length or a nullable's; -1 stands for null. Never more elements than bytes are left. */
  count(): number {
    const count = this.int32()
    if (count > this.left) throw new WireError(`${count} elements announced, ${this.left} bytes left`)
    return count
  }

  string(): string {
    const length = this.int16()
    return length < 0 ? '' : this.text(length)
  }

  /** So many bytes as text, without a buffer between. */
  text(length: number): string {
    const at = this.#take(length)
    return this.buffer.toString('utf8', at, at + length)
  }

  bytes(length: number): Buffer {
    const at = this.#take(length)
    return this.buffer.subarray(at, at + length)
  }

  /** A zigzag varint of at most 32 bits. */
  varint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      if (this.position >= this.end) throw new WireError('a varint is cut off')
      const byte = this.buffer[this.position++]!
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1)
    }
    throw new WireError('a varint is longer than 32 bits')
  }

  /** Skips a varint of up to 64 bits. */
  skipVarlong(): void {
    for (let length = 0; length < 10; length += 1) {
      if (this.position >= this.end) throw new WireError('a varint is cut off')
      if (this.buffer[this.position++]! < 0x80) return
    }
    throw new WireError('a varint is longer than 64 bits')
  }
}

/** Writes into a buffer of the right size; the caller has counted. */
export class WireWriter {
  readonly buffer: Buffer
  position = 0

  constructor(size: number) {
    this.buffer = Buffer.allocUnsafe(size)
  }

  int8(value: number): void {
    this.position = this.buffer.writeInt8(value, this.position)
  }

  int16(value: number): void {
    this.position = this.buffer.writeInt16BE(value, this.position)
  }

  int32(value: number): void {
    this.position = this.buffer.writeInt32BE(value, this.position)
  }

  int64(value: number): void {
    const high = Math.floor(value / twoTo32)
    this.position = this.buffer.writeInt32BE(high, this.position)
    this.position = this.buffer.writeUInt32BE(value - high * twoTo32, this.position)
  }

  string(value: string): void {
    const length = this.buffer.write(value, this.position + 2, 'utf8')
    this.buffer.writeInt16BE(length, this.position)
    this.position += 2 + length
  }

  utf8(value: string): void {
    this.position += this.buffer.write(value, this.position, 'utf8')
  }

  bytes(value: Uint8Array): void {
    this.buffer.set(value, this.position)
    this.position += value.length
  }

  varint(value: number): void {
    let left = ((value << 1) ^ (value >> 31)) >>> 0
    while (left >= 0x80) {
      this.buffer[this.position++] = (left & 0x7f) | 0x80
      left >>>= 7
    }
    this.buffer[this.position++] = left
  }

  done(): Buffer {
    return this.buffer.subarray(0, this.position)
  }
}

/** Bytes that a varint of `value` takes. */
export function varintSize(value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0
  return zigzag < 0x80 ? 1 : zigzag < 0x4000 ? 2 : zigzag < 0x20_0000 ? 3 : zigzag < 0x1000_0000 ? 4 : 5
}
