/**
 * The command line's way to a live instance: over HTTP, as any other caller.
 *
 * Where it is: `--url`, MODELWARDEN_URL, the instance of the data folder, the demo's, `http.listen`. Who calls:
 * MODELWARDEN_TOKEN, or the data folder's own token, which is sent to an address of this machine only.
 */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { z } from 'zod'
import { describeError } from '../core/errors.ts'
import { isLoopback } from '../runtime/loopback.ts'
import { CliError, exitCodes } from './exit.ts'
import { adminTokenFile, liveInstance } from './instance.ts'
import type { GlobalOptions } from './options.ts'
import { dataFolderOf, demoFolder, loadSettings } from './settings.ts'

const timeoutMs = 30_000
const ErrorBody = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    hint: z.string().optional(),
    column: z.int().optional(),
  }),
})

export interface Client {
  readonly url: string
  get<T>(path: string, query?: Readonly<Record<string, string | undefined>>): Promise<T>
  post<T>(path: string, body: unknown): Promise<T>
}

export function connect(options: GlobalOptions): Client {
  const { url, dataFolder } = findInstance(options)
  const token = process.env['MODELWARDEN_TOKEN'] ?? ownToken(url, dataFolder)
  const ask = (method: string, path: string, body?: unknown): Promise<unknown> =>
    call({ url, token }, method, path, body)
  return {
    url,
    get: async <T>(path: string, query: Readonly<Record<string, string | undefined>> = {}) => {
      const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined)
      return (await ask('GET', given.length === 0 ? path : `${path}?${new URLSearchParams(given).toString()}`)) as T
    },
    post: async <T>(path: string, body: unknown) => (await ask('POST', path, body)) as T,
  }
}

interface Instance {
  readonly url: string
  readonly dataFolder: string | undefined
}

function findInstance(options: GlobalOptions): Instance {
  const found = knownInstance(options)
  if (found !== undefined) return found
  const loaded = loadSettings(options)
  return { url: `http://${loaded.config.http.listen}`, dataFolder: dataFolderOf(loaded) }
}

/** The instance that is named, or that lives in the data folder or in the demo's; undefined where there is none. */
export function knownInstance(options: GlobalOptions): Instance | undefined {
  const named = options.url ?? process.env['MODELWARDEN_URL']
  if (named !== undefined) {
    const folder = options.data === undefined ? undefined : resolve(options.data)
    return { url: checkedUrl(named), dataFolder: folder ?? folderOf(checkedUrl(named), options) }
  }
  const folders = [dataFolderOf(loadSettings(options)), ...(options.data === undefined ? [resolve(demoFolder)] : [])]
  for (const dataFolder of folders) {
    const live = liveInstance(dataFolder)
    if (live !== undefined) return { url: live.url, dataFolder }
  }
  return undefined
}

/** The data folder whose live instance is at this URL, so that its token is used for it and for no other. */
function folderOf(url: string, options: GlobalOptions): string | undefined {
  const folders = [dataFolderOf(loadSettings(options)), resolve(demoFolder)]
  return folders.find((folder) => liveInstance(folder)?.url === url)
}

function checkedUrl(text: string): string {
  const url = URL.parse(text)
  if (url !== null && (url.protocol === 'http:' || url.protocol === 'https:')) return text.replace(/\/+$/, '')
  throw new CliError(exitCodes.usage, 'URL_INVALID', `"${text}" is not an http or https URL.`)
}

function ownToken(url: string, dataFolder: string | undefined): string | undefined {
  if (dataFolder === undefined || !isLoopback(new URL(url).hostname)) return undefined
  try {
    return readFileSync(adminTokenFile(dataFolder), 'utf8').trim()
  } catch {
    return undefined
  }
}

interface Target {
  readonly url: string
  readonly token: string | undefined
}

async function call(target: Target, method: string, path: string, body: unknown): Promise<unknown> {
  let response: Response
  try {
    response = await fetch(target.url + path, {
      method,
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
      headers: {
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(target.token === undefined ? {} : { authorization: `Bearer ${target.token}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
    throw new CliError(
      exitCodes.unreachable,
      'UNREACHABLE',
      `No instance answers at ${target.url}: ${describeError(cause)}`,
      {
        hint: 'Start one with: npx modelwarden up. Or name a running one with --url or MODELWARDEN_URL.',
        cause: error,
      },
    )
  }
  const text = await response.text()
  if (response.ok) return text === '' ? undefined : (JSON.parse(text) as unknown)
  throw answered(response.status, text, target)
}

function answered(status: number, text: string, target: Target): CliError {
  const parsed = ErrorBody.safeParse(parseOrNothing(text))
  const { code, message, hint, column } = parsed.data?.error ?? {
    code: `HTTP_${status}`,
    message: `It answered ${status}.`,
    hint: undefined,
    column: undefined,
  }
  if (status === 401) {
    const missing = target.token === undefined
    return new CliError(exitCodes.forbidden, code, missing ? `${target.url} wants a token.` : message, {
      hint: 'Put a token into MODELWARDEN_TOKEN, or run this in the folder of the instance’s data.',
    })
  }
  if (status === 403) return new CliError(exitCodes.forbidden, code, message, hint === undefined ? {} : { hint })
  return new CliError(status === 400 ? exitCodes.usage : exitCodes.failure, code, message, {
    ...(hint === undefined ? {} : { hint }),
    ...(column === undefined ? {} : { column }),
  })
}

function parseOrNothing(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
