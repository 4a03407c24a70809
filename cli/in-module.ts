/**
 * An action of a command whose module is loaded when it is run: no command waits for what only others need.
 *
 * `inModule(async () => (await import('../rules/check.ts')).checkThese)`
 */
export function inModule<Given extends readonly unknown[]>(
  load: () => Promise<(...given: Given) => void | Promise<void>>,
): (...given: Given) => Promise<void> {
  return async (...given) => (await load())(...given)
}
