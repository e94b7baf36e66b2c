import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { checkMachine } from './machine.ts'

function header(machine: number, start = '\x7fELF\x02\x01'): Uint8Array {
  const bytes = Buffer.alloc(64)
  bytes.write(start, 'latin1')
  bytes.writeUInt16LE(machine, 18)
  // Not at the beginning of its memory, as what comes out of an archive.
  return Buffer.concat([Buffer.alloc(3), bytes]).subarray(3)
}

test('a program for the machine of the server passes', () => {
  checkMachine('it', header(62), 'x86')
  checkMachine('it', header(183), 'arm')
})

test('one for the other machine is refused by both names', () => {
  assert.throws(() => checkMachine('node-x', header(183), 'x86'), /^Error: node-x holds a program for arm, and .* x86:/)
  assert.throws(() => checkMachine('node-x', header(62), 'arm'), /for x86, and the server is arm:/)
})

test('what is no 64-bit little-endian ELF file is refused', () => {
  const wrong = [
    header(62, '\x7fELF\x01\x01'),
    header(62, '\x7fELF\x02\x02'),
    header(62, '#!/bin'),
    header(62).subarray(0, 19),
  ]
  for (const program of [...wrong, new Uint8Array()]) {
    assert.throws(() => checkMachine('it', program, 'x86'), /for no 64-bit Linux machine/)
  }
  assert.throws(() => checkMachine('it', header(8), 'x86'), /for ELF machine 8/)
})

test('the Node that runs this test is told apart', { skip: process.platform !== 'linux' }, () => {
  const node = readFileSync(process.execPath)
  const [own, other] = process.arch === 'arm64' ? (['arm', 'x86'] as const) : (['x86', 'arm'] as const)
  checkMachine('it', node, own)
  assert.throws(() => checkMachine('it', node, other))
})
