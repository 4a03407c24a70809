/**
 * What is kept of a group as bytes: read into a workspace, changed there, and put back into its place.
 *
 * In a task's state blocks of one length lie side by side in chunks that many share, so that of a million accounts each costs
 * its bytes and one small object, and the garbage collector has nothing to copy when one of them changes. Elsewhere, as in a
 * step that has just begun one, a block stands by itself.
 *
 * Promises: a block spells itself as JSON, in Base64; the memory of a chunk is free for others when its last block leaves.
 */

/** Bytes of a chunk that many share. */
const chunkBytes = 32_768
/** Empty chunks that are kept for the next blocks, of whatever length. */
const sparesMax = 64
const none = -1

class Chunk {
  readonly bytes: Buffer
  /** Of one block. */
  readonly length: number
  /** Undefined: of one block that stands by itself. */
  readonly shelf: Shelf | undefined
  taken = 0
  /** Places that were ever taken, and the first that was left; each that was left says which was left before it. */
  #begun = 0
  #left = none
  /** Its place in the shelf's list of chunks that have room; -1: it has none. */
  openAt = none

  constructor(bytes: Buffer, length: number, shelf: Shelf | undefined) {
    this.bytes = bytes
    this.length = length
    this.shelf = shelf
  }

  get isFull(): boolean {
    return (this.taken + 1) * this.length > this.bytes.length
  }

  take(): number {
    this.taken++
    const place = this.#left
    if (place === none) return this.#begun++
    this.#left = this.bytes.readInt16LE(place * this.length)
    return place
  }

  leave(place: number): void {
    this.taken--
    this.bytes.writeInt16LE(this.#left, place * this.length)
    this.#left = place
  }
}

/** The chunks of one length that have room. */
class Shelf {
  readonly room: BlockRoom
  readonly #length: number
  readonly #open: Chunk[] = []

  constructor(room: BlockRoom, length: number) {
    this.room = room
    this.#length = length
  }

  /** A chunk with room. */
  next(): Chunk {
    const known = this.#open.at(-1)
    if (known !== undefined) return known
    const chunk = new Chunk(this.room.bytesFor(this.#length), this.#length, this)
    this.#add(chunk)
    return chunk
  }

  take(chunk: Chunk): number {
    const place = chunk.take()
    if (chunk.isFull) this.#remove(chunk)
    return place
  }

  leave(chunk: Chunk, place: number): void {
    if (chunk.isFull) this.#add(chunk)
    chunk.leave(place)
    if (chunk.taken > 0) return
    this.#remove(chunk)
    this.room.spare(chunk.bytes)
  }

  #add(chunk: Chunk): void {
    chunk.openAt = this.#open.push(chunk) - 1
  }

  #remove(chunk: Chunk): void {
    const last = this.#open.pop()!
    if (last !== chunk) {
      this.#open[chunk.openAt] = last
      last.openAt = chunk.openAt
    }
    chunk.openAt = none
  }
}

/** Where the blocks of one task lie. */
export class BlockRoom {
  readonly #shelves = new Map<number, Shelf>()
  readonly #spares: Buffer[] = []

  /** The shelf for blocks of this length, in bytes. */
  shelfOf(length: number): Shelf {
    let shelf = this.#shelves.get(length)
    if (shelf === undefined) this.#shelves.set(length, (shelf = new Shelf(this, length)))
    return shelf
  }

  /** For a chunk with blocks of this length. */
  bytesFor(length: number): Buffer {
    if (length > chunkBytes) return Buffer.allocUnsafeSlow(length)
    return this.#spares.pop() ?? Buffer.allocUnsafeSlow(chunkBytes)
  }

  /** The memory of a chunk that has no block any more. */
  spare(bytes: Buffer): void {
    if (bytes.length === chunkBytes && this.#spares.length < sparesMax) this.#spares.push(bytes)
  }
}

export class Block {
  #chunk: Chunk
  #place: number

  /** With a copy of these bytes; where no room is told it stands by itself. */
  constructor(bytes: Buffer, length = bytes.length, room?: BlockRoom) {
    const shelf = room?.shelfOf(length)
    this.#chunk = shelf?.next() ?? alone(length)
    this.#place = shelf?.take(this.#chunk) ?? 0
    bytes.copy(this.#chunk.bytes, this.#place * length, 0, length)
  }

  /** In bytes. */
  get length(): number {
    return this.#chunk.length
  }

  /** The n-th of 64-bit numbers. */
  numberAt(n: number): number {
    const { bytes, length } = this.#chunk
    return bytes.readDoubleLE(this.#place * length + n * 8)
  }

  copyTo(into: Buffer): void {
    const { bytes, length } = this.#chunk
    const from = this.#place * length
    bytes.copy(into, 0, from, from + length)
  }

  /** From here on these are its bytes; where they are more or fewer than before it moves. */
  put(bytes: Buffer, length: number): void {
    if (length !== this.#chunk.length) {
      const { shelf } = this.#chunk
      this.#leave()
      this.#settle(shelf?.room, length)
    }
    bytes.copy(this.#chunk.bytes, this.#place * length, 0, length)
  }

  moveInto(room: BlockRoom): void {
    const [chunk, place] = [this.#chunk, this.#place]
    const { bytes, length, shelf } = chunk
    if (shelf?.room === room || length === 0) return
    this.#settle(room, length)
    bytes.copy(this.#chunk.bytes, this.#place * length, place * length, (place + 1) * length)
    shelf?.leave(chunk, place)
  }

  /** Nobody asks for it any more: others may have its place. */
  leave(): void {
    this.#leave()
    this.#chunk = nowhere
    this.#place = 0
  }

  toJSON(): unknown {
    const { bytes, length } = this.#chunk
    const from = this.#place * length
    return bytes.toString('base64', from, from + length)
  }

  #leave(): void {
    this.#chunk.shelf?.leave(this.#chunk, this.#place)
  }

  #settle(room: BlockRoom | undefined, length: number): void {
    const shelf = room?.shelfOf(length)
    this.#chunk = shelf?.next() ?? alone(length)
    this.#place = shelf?.take(this.#chunk) ?? 0
  }
}

/** From the pool that short buffers share: mostly it moves into a room at once. */
function alone(length: number): Chunk {
  return new Chunk(Buffer.allocUnsafe(length), length, undefined)
}

/** Of all blocks that have left. */
const nowhere = alone(0)
