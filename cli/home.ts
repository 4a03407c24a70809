import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Modelwarden's own folder: the content that comes with it stands there. */
export const home = dirname(dirname(fileURLToPath(import.meta.url)))
