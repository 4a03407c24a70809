/** Reads a model file for its fingerprint: through a window, with a bar where it takes long. */
import { open, type FileHandle } from 'node:fs/promises'
import { basename } from 'node:path'
import { SingleBar } from 'cli-progress'
import { describeError } from '../core/errors.ts'
import type { ByteSource } from '../engine/fingerprint/bytes.ts'
import { fingerprint, type FilePrint } from '../engine/fingerprint/fingerprint.ts'
import { CliError, exitCodes } from './exit.ts'

/** `partial`: also of a file that was cut short. */
export async function printOf(path: string, partial: boolean): Promise<FilePrint> {
  const handle = await open(path, 'r').catch((cause: unknown) => {
    throw new CliError(exitCodes.usage, 'FILE_UNREADABLE', `${path} can't be read: ${describeError(cause)}.`)
  })
  try {
    const found = await handle.stat()
    if (!found.isFile()) throw new CliError(exitCodes.usage, 'FILE_UNREADABLE', `${path} is not a file.`)
    const bar = progressBar(path, 2 * found.size)
    const made = await fingerprint(sourceOf(handle, found.size), basename(path), {
      partial,
      onBytes: (bytes) => bar?.increment(bytes),
    })
    bar?.stop()
    return made
  } finally {
    await handle.close()
  }
}

function sourceOf(handle: FileHandle, size: number): ByteSource {
  return {
    size,
    read: async (offset, length) => {
      const bytes = Buffer.alloc(length)
      for (let at = 0; at < length;) {
        const { bytesRead } = await handle.read(bytes, at, length - at, offset + at)
        if (bytesRead === 0)
          throw new CliError(exitCodes.failure, 'FILE_CHANGED', 'The file became shorter while it was read.')
        at += bytesRead
      }
      return bytes
    },
  }
}

function progressBar(path: string, total: number): SingleBar | undefined {
  if (!process.stderr.isTTY || total < 50_000_000) return undefined
  const bar = new SingleBar({ stream: process.stderr, format: '{bar} {percentage}% {path}', hideCursor: true })
  bar.start(total, 0, { path })
  return bar
}
