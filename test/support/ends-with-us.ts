/** Processes that end with the one that starts them, however that ends: a test that timed out, or was killed. */
import { join } from 'node:path'

/** Node's arguments before the program; its standard input has to be a pipe. */
export const endsWithUs: readonly string[] = ['--import', join(import.meta.dirname, 'end-with-parent.ts')]
