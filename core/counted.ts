/** How many of something, for people to read. */

/** `1 mistake`, `2 mistakes`, `1,204 records`; `many`: where an s does not do. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`
}
