import { isInSection, type Statement, type Version } from './statements.ts'
import { readTitle } from './titles.ts'

/** How one test ended. */
export interface Outcome {
  readonly name: string
  readonly result: 'passed' | 'failed' | 'skipped'
}

type Verdict = 'passed' | 'failed' | 'skipped' | 'reason' | "client's" | 'missing'

/** What is known about one statement. */
interface Row {
  readonly statement: Statement
  readonly verdict: Verdict
  /** For a reason: the sentence. */
  readonly note: string
}

/** The whole table, and one sentence for each thing that is not as it must be. */
export interface Table {
  readonly rows: readonly Row[]
  readonly faults: readonly string[]
}

export type Reasons = Readonly<Record<Version, Readonly<Record<string, string>>>>

/** Holds the statements against the tests that ran and the reasons why others have none. */
export function judge(statements: readonly Statement[], reasons: Reasons, outcomes: readonly Outcome[]): Table {
  const faults: string[] = []
  const results = new Map<string, Outcome['result'][]>(statements.map((statement) => [key(statement), []]))
  for (const { name, result } of outcomes) {
    const title = readTitle(name)
    if (result === 'failed') faults.push(`failed: ${name}`)
    if (!title) {
      if (result !== 'failed') faults.push(`This test names no statement: ${name}`)
      continue
    }
    for (const id of title.ids) {
      const known = results.get(key({ id, version: title.version }))
      if (known) known.push(result)
      else faults.push(`MQTT ${title.version} has no statement ${id}; it is named by the test: ${name}`)
    }
  }

  const rows = statements.map((statement): Row => {
    const { id, version, isBreakable } = statement
    const reason = reasons[version][id]
    const verdict = resultOf(results.get(key(statement)) ?? [])
    if (verdict !== undefined) {
      if (reason !== undefined) faults.push(`${id} (${version}) has a test, so it needs no reason.`)
      if (verdict === 'skipped') faults.push(`${id} (${version}) was skipped.`)
      return { statement, verdict, note: '' }
    }
    if (reason !== undefined) return { statement, verdict: 'reason', note: reason }
    if (!isBreakable) return { statement, verdict: "client's", note: '' }
    faults.push(`${id} (${version}) has neither a test nor a reason.`)
    return { statement, verdict: 'missing', note: '' }
  })
  for (const version of ['3.1.1', '5.0'] as const) {
    for (const id of Object.keys(reasons[version])) {
      if (!results.has(key({ id, version }))) faults.push(`MQTT ${version} has no statement ${id}; it has a reason.`)
    }
  }
  return { rows, faults }
}

/** The part of the table that belongs to a section; without the faults that are about other statements only. */
export function ofSection({ rows, faults }: Table, section: string): Table {
  const chosen = rows.filter(({ statement }) => isInSection(statement, section))
  const ids = new Set(chosen.map(({ statement }) => statement.id))
  const isAbout = (fault: string) => !fault.includes('MQTT-') || fault.split(/[ ;]/).some((word) => ids.has(word))
  return { rows: chosen, faults: faults.filter(isAbout) }
}

/** The table, the counts for each version, and the faults, as text. */
export function render({ rows, faults }: Table): string {
  const lines = rows.map(({ statement: { id, version, subject }, verdict, note }) =>
    [id.padEnd(14), version.padEnd(5), verdict.padEnd(8), note === '' ? subject : `${subject}. ${note}`].join('  '),
  )
  const counts = (['3.1.1', '5.0'] as const)
    .map((version) => countsOf(version, rows))
    .filter((line) => line !== undefined)
  return [...lines, '', ...counts, ...(faults.length > 0 ? ['', ...faults] : [])].join('\n')
}

function countsOf(version: Version, rows: readonly Row[]): string | undefined {
  const own = rows.filter(({ statement }) => statement.version === version)
  if (own.length === 0) return undefined
  const breakable = own.filter(({ statement }) => statement.isBreakable)
  const count = (verdict: Verdict) => breakable.filter((row) => row.verdict === verdict).length
  const parts = [
    `${own.length} statements, of which a server can break ${breakable.length}`,
    ...(['passed', 'failed', 'skipped', 'missing'] as const).map((verdict) => `${count(verdict)} ${verdict}`),
    `${count('reason')} with a reason`,
  ]
  return `MQTT ${version}: ${parts.join(', ')}`
}

/** One that failed is enough to fail, one that passed is enough not to be skipped. */
function resultOf(results: readonly Outcome['result'][]): Outcome['result'] | undefined {
  return (['failed', 'passed', 'skipped'] as const).find((result) => results.includes(result))
}

function key({ id, version }: Pick<Statement, 'id' | 'version'>): string {
  return `${version} ${id}`
}
