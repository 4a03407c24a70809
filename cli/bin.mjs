#!/usr/bin/env node
/**
 * `modelwarden`, whatever Node the machine has.
 *
 * The program is TypeScript that Node 24 runs as it is. An older Node starts the one that came with `npm ci` instead and
 * stands between it and the shell: same terminal, same signals, same exit code. Plain JavaScript that Node 14 can parse.
 */
import { spawn } from 'node:child_process'
import { constants, userInfo } from 'node:os'
import module, { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const nodeMajorMin = 24
const program = join(dirname(fileURLToPath(import.meta.url)), 'modelwarden.ts')

if (Number(process.versions.node.split('.')[0]) >= nodeMajorMin) {
  process.argv[1] = program
  keepCompiled()
  await import('./modelwarden.ts')
} else {
  const node = join(dirname(createRequire(import.meta.url).resolve('node/package.json')), 'bin', 'node')
  const child = spawn(node, [program, ...process.argv.slice(2)], { stdio: 'inherit' })
  // A terminal's Ctrl-C reaches both; ours is swallowed here so that the child alone decides when to end.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2']) {
    process.on(signal, () => {
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
    })
  }
  child.on('error', (error) => {
    process.stderr.write(`modelwarden: cannot start its own Node (${error.message}); run npm ci\n`)
    process.exitCode = 1
  })
  child.on('exit', (code, signal) => {
    process.exitCode = code !== null ? code : 128 + constants.signals[signal]
  })
}

/**
 * Lets Node keep what it has compiled, which is half of the time of a short command. In the user's own home as the system
 * knows it: the environment, which may be another user's, has no say in what code is loaded from where.
 */
function keepCompiled() {
  try {
    module.enableCompileCache?.(join(userInfo().homedir, '.cache', 'modelwarden', 'compiled'))
  } catch {
    // A user without a home starts as fast as ever.
  }
}
