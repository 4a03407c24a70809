import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Modelwarden's own folder: the content that comes with it stands there. */
export const home = dirname(dirname(fileURLToPath(import.meta.url)))

export const { version } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as { readonly version: string }
