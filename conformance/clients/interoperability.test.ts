import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { NotRun } from '../../tools/check/outcome.ts'
import { clients } from './clients.ts'
import { play, titleOf } from './interoperability.ts'
import { scenarios } from './scenarios/index.ts'
import { renderTable } from './table.ts'

describe('a client by others passes the scenarios', { concurrency: 2 }, () => {
  for (const client of clients) {
    const prepared = client.prepare()
    prepared.catch(() => {})
    for (const version of client.versions) {
      test(titleOf(client, version), async (t) => {
        try {
          const column = await play(client, version, await prepared, scenarios)
          const isPassed = column.outcomes.every(({ kind }) => kind !== 'failed')
          assert.ok(isPassed, renderTable(scenarios, [column]))
        } catch (error) {
          // In continuous integration nothing may be left out.
          if (!(error instanceof NotRun) || process.env.CI === 'true') throw error
          t.skip(`${error.message}; to do: ${error.remedy}`)
        }
      })
    }
  }
})
