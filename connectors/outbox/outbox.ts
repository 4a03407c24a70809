/**
 * The outbox: messages kept as files in a local folder.
 *
 * Stands in for a channel that isn't configured, under that channel's name, so that nothing is lost and the demo shows
 * what would be sent. Promises: a file appears whole or not at all; its name comes from the idempotency key, so a message
 * sent again is the same file.
 */
import { randomBytes } from 'node:crypto'
import { access, mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { describeError } from '../../core/errors.ts'
import { sha256Hex } from '../../core/ids.ts'
import {
  ConnectorRefusedError,
  ConnectorUnavailableError,
  type Connector,
  type ConnectorAction,
  type ConnectorContext,
} from '../../core/ports/connector.ts'
import { messageArgs, noticeText, plainLine } from '../notice-text.ts'

export interface OutboxOptions {
  /** Name of the channel that it stands in for: `slack`, `email`, `webhook`; or `outbox` itself. */
  readonly name: string
  readonly folder: string
}

/** Takes what any of the channels takes, so that a playbook need not know which of them is configured. */
const Args = z.strictObject({
  ...messageArgs,
  channel: z.string().max(256).optional(),
  to: z.array(z.string().max(320)).max(50).optional(),
  endpoint: z.string().max(64).optional(),
})
type Args = z.infer<typeof Args>

export function createOutboxConnector({ name, folder }: OutboxOptions): Connector {
  const send: ConnectorAction<Args> = {
    args: Args,
    destructive: false,
    once: 'key',
    timeoutMs: 5_000,
    describe: (args) => `Keep the message “${plainLine(args.headline, 120)}” in the outbox for ${name}.`,
    target: (args) => `${name}:${addressOf(args)}`,
    do: async (args, context) => {
      const file = join(folder, fileNameOf(name, context))
      await writeWhole(folder, file, render(name, args, context))
      return { summary: `Kept in the outbox (${name} is not configured): ${file}`, details: { file } }
    },
    verify: async (_args, context) => {
      const file = join(folder, fileNameOf(name, context))
      try {
        await access(file)
        return { state: 'done', summary: `The outbox has it: ${file}`, details: { file } }
      } catch {
        return { state: 'not-done', summary: 'The outbox does not have it.' }
      }
    },
  }
  return {
    name,
    actions: { send },
    probe: async () => {
      try {
        await mkdir(folder, { recursive: true, mode: 0o700 })
        return { ok: true, summary: `${name} is not configured: its messages are kept in ${folder}.` }
      } catch (error) {
        return { ok: false, summary: `The outbox ${folder} can't be written: ${describeError(error)}` }
      }
    },
  }
}

function fileNameOf(name: string, context: ConnectorContext): string {
  // A key that is not the plain one we make ourselves must not become a path.
  const key = /^[0-9A-Za-z_-]{1,64}$/.test(context.idempotencyKey)
    ? context.idempotencyKey
    : sha256Hex(context.idempotencyKey).slice(0, 32)
  return `${name.replace(/[^0-9A-Za-z_-]/g, '_')}-${key}.txt`
}

function addressOf(args: Args): string {
  return args.channel ?? args.endpoint ?? args.to?.join(',') ?? 'default'
}

function render(name: string, args: Args, context: ConnectorContext): string {
  return `Channel: ${name}\nTo: ${plainLine(addressOf(args))}\nMessage: ${context.idempotencyKey}\n\n${noticeText(args.headline, args.notice, false)}`
}

async function writeWhole(folder: string, file: string, text: string): Promise<void> {
  const temporary = `${file}.${randomBytes(6).toString('hex')}.part`
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const handle = await open(temporary, 'wx', 0o600)
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, file)
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined)
    const code = (cause as { code?: unknown }).code
    const message = `The outbox can't be written: ${describeError(cause)}`
    if (code === 'EACCES' || code === 'EROFS' || code === 'ENOTDIR') throw new ConnectorRefusedError(message, { cause })
    throw new ConnectorUnavailableError(message, { cause, maybeDone: false })
  }
}
