import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { workTree } from './fixture.ts'
import type { Outcome } from './outcome.ts'
import { checkLint, checkShell, checkTypes, checkUnused } from './source.ts'

type Files = Readonly<Record<string, string>>

async function finds(test: TestContext, check: (directory: string) => Promise<Outcome>, files: Files): Promise<string> {
  const outcome = await check(await workTree(test, files))
  assert.equal(outcome.kind, 'failed')
  return outcome.kind === 'failed' ? outcome.output : ''
}

async function accepts(test: TestContext, check: (directory: string) => Promise<Outcome>, files: Files): Promise<void> {
  assert.deepEqual(await check(await workTree(test, files)), { kind: 'passed' })
}

test('types: a wrong assignment fails, a right one passes', async (t) => {
  const settings = '{ "compilerOptions": { "strict": true, "noEmit": true, "types": [] } }'
  const output = await finds(t, checkTypes, { 'tsconfig.json': settings, 'a.ts': "export const port: number = 'x'\n" })
  assert.match(output, /a\.ts\(1,14\): error TS2322/)
  await accepts(t, checkTypes, { 'tsconfig.json': settings, 'a.ts': 'export const port: number = 1\n' })
})

test('lint: suspicious code, a mere warning and a wrong format fail, tidy code passes', async (t) => {
  assert.match(await finds(t, checkLint, { 'a.ts': 'export const same = (x: number) => x === x;\n' }), /noSelfCompare/)
  assert.match(await finds(t, checkLint, { 'a.ts': 'const unused = 1;\n' }), /noUnusedVariables/)
  assert.match(await finds(t, checkLint, { 'a.ts': 'export const a   = 1;\n' }), /format/i)
  await accepts(t, checkLint, { 'a.ts': 'export const a = 1;\n' })
})

test('unused: a file that nothing imports and a package that nothing uses fail', async (t) => {
  const manifest = '{ "name": "x", "type": "module", "main": "main.ts" }'
  const files = { 'package.json': manifest, 'main.ts': "import './part.ts'\n", 'part.ts': 'console.log(1)\n' }
  await accepts(t, checkUnused, files)
  assert.match(await finds(t, checkUnused, { ...files, 'orphan.ts': 'console.log(2)\n' }), /orphan\.ts/)
  const declared = '{ "name": "x", "type": "module", "main": "main.ts", "dependencies": { "zod": "4.6.7" } }'
  assert.match(await finds(t, checkUnused, { ...files, 'package.json': declared }), /zod/)
})

test('shell: an unquoted variable fails, in a file with the extension and in one with only a first line', async (t) => {
  const broken = '#!/usr/bin/env bash\nrm -rf $1/x\n'
  assert.match(await finds(t, checkShell, { 'a.sh': broken }), /In a\.sh line 2/)
  assert.match(await finds(t, checkShell, { 'bin/apply': broken }), /In bin\/apply line 2/)
  await accepts(t, checkShell, {
    'a.sh': '#!/bin/sh\nrm -rf "$1/x"\n',
    'notes.md': broken,
    'a.py': '#!/usr/bin/python3\n',
  })
})
