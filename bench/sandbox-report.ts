import type { Machine } from './machine.ts'

export interface Scenario {
  readonly name: string
  readonly meaning: string
  /** The whole command as a person waits for it, in seconds. */
  readonly seconds: number
  readonly parts: readonly { readonly title: string; readonly seconds: number }[]
}

export interface SandboxReport {
  readonly date: string
  readonly machine: Machine
  readonly pulumi: string
  readonly scenarios: readonly Scenario[]
}

/** @returns Markdown: one table of whole times, one of the parts of each scenario */
export function renderSandboxReport(report: SandboxReport): string {
  const { machine, scenarios } = report
  return `${[
    '# How long the sandbox takes',
    `\`npm run bench:sandbox\` measured this on ${report.date}: ${machine.processor}, ${machine.cores} cores, ${machine.memory} GiB, ${machine.system}, Linux ${machine.kernel}, Node ${machine.node}, Pulumi ${report.pulumi}.`,
    table(
      ['', 'seconds', 'what it is'],
      scenarios.map(({ name, seconds, meaning }) => [name, seconds.toFixed(1), meaning]),
    ),
    ...scenarios
      .filter(({ parts }) => parts.length > 0)
      .map(({ name, parts, seconds }) => {
        const counted = parts.reduce((sum, part) => sum + part.seconds, 0)
        const rest = { title: 'the rest: Node’s start, locks', seconds: Math.max(0, seconds - counted) }
        return `## ${name}\n\n${table(
          ['part', 'seconds'],
          [...parts, rest].map((part) => [part.title, part.seconds.toFixed(1)]),
        )}`
      }),
  ].join('\n\n')}\n`
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map((name) => (name === 'seconds' ? '---:' : '---'))), ...rows.map(line)].join('\n')
}
