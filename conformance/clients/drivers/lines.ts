import { createInterface } from 'node:readline'
import type { Command, Commands, Line } from '../protocol.ts'

/** How a client does what scenarios ask for. */
export type Doer = { [Name in Command]: (client: string, what: Commands[Name][0]) => Promise<Commands[Name][1]> }

export function say(line: Line): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

/** Does what standard input asks for, each line at once, until it ends. */
export function obeyInput(doer: Doer): void {
  const obey = async (id: number, name: Command, client: string, what: never) => {
    try {
      say({ id, answer: await doer[name](client, what) })
    } catch (error) {
      say({ id, error: `${error instanceof Error ? error.message : error}` })
    }
  }
  const lines = createInterface({ input: process.stdin })
  lines.on('line', (line) => {
    const { id, do: name, client, ...what } = JSON.parse(line)
    void obey(id, name, client, what as never)
  })
  lines.on('close', () => process.exit(0))
}
