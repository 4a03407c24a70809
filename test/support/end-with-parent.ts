/**
 * Loaded before a program (`node --import`) that must not outlive the process that started it: that one keeps our standard
 * input open, and never writes to it. When it is gone, even by kill -9, the input ends, and so does the program.
 */
import type { Socket } from 'node:net'

const input = process.stdin as unknown as Socket
input.once('end', () => process.kill(process.pid, 'SIGKILL')).resume()
// What the program waits for is its own affair.
input.unref()
