import type { Outcome } from './suite.ts'

/** What one client with one version made of all scenarios, in their order. */
export interface Column {
  readonly title: string
  readonly outcomes: readonly Outcome[]
}

/** The table scenario × client, what its numbers mean, and what failed. */
export function renderTable(scenarios: readonly { readonly name: string }[], columns: readonly Column[]): string {
  const notes: string[] = []
  const numberOf = (reason: string) => {
    if (!notes.includes(reason)) notes.push(reason)
    return notes.indexOf(reason) + 1
  }
  const cell = (outcome: Outcome | undefined): string => {
    switch (outcome?.kind) {
      case 'passed':
        return ['ok', ...outcome.blind.map(numberOf)].join(' ')
      case 'failed':
        return 'FAILED'
      case 'impossible':
        return `- ${numberOf(outcome.reason)}`
      default:
        return ''
    }
  }
  const rows = [
    ['', ...columns.map(({ title }) => title)],
    ...scenarios.map(({ name }, row) => [name, ...columns.map(({ outcomes }) => cell(outcomes[row]))]),
  ]
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
  const lines = rows.map((row) =>
    row
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  const failures = columns.flatMap(({ title, outcomes }) =>
    outcomes.flatMap((outcome, row) =>
      outcome.kind === 'failed' ? [`FAILED ${title}: ${scenarios[row]?.name}\n  ${outcome.reason}`] : [],
    ),
  )
  const meaning = notes.map((reason, index) => `${String(index + 1).padStart(3)} ${reason}`)
  return [
    lines.join('\n'),
    ...(meaning.length > 0 ? [`ok N: passed, but for what N says; - N: not possible\n${meaning.join('\n')}`] : []),
    ...failures,
  ].join('\n\n')
}

/** One line for each column, such as `mqtt.js 5: 40 passed, 1 failed, 2 not possible`. */
export function summary(columns: readonly Column[]): string {
  return columns
    .map(({ title, outcomes }) => {
      const count = (kind: Outcome['kind']) => outcomes.filter((outcome) => outcome.kind === kind).length
      return `${title}: ${count('passed')} passed, ${count('failed')} failed, ${count('impossible')} not possible`
    })
    .join('\n')
}
