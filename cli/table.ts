/** Tables on standard output: text that came from events is neutralized, colors as in output.ts. */
import Table from 'cli-table3'
import { neutralLine } from '../runtime/terminal-text.ts'
import { print, styled, type Style } from './output.ts'

/** A table of neutralized cells; a cell made by `styled` keeps its color. */
export function printTable(head: readonly string[], rows: readonly (readonly Cell[])[]): void {
  const table = new Table({
    head: head.map((title) => styled('bold', title)),
    chars: tableChars,
    style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': 2 },
    wordWrap: true,
  })
  for (const row of rows) table.push(row.map(cellText))
  print(table.toString().replace(/[ \t]+$/gm, ''))
}

export type Cell = string | number | { readonly text: string; readonly style: Style }

function cellText(cell: Cell): string {
  if (typeof cell === 'number') return cell.toLocaleString('en-US')
  return typeof cell === 'string' ? neutralLine(cell) : styled(cell.style, neutralLine(cell.text))
}

const tableChars = {
  top: '', 'top-mid': '', 'top-left': '', 'top-right': '',
  bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '',
  left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '',
} // prettier-ignore
