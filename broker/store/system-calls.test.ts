import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseSystemCalls } from './system-calls.ts'

const hex = (text: string) =>
  text.replaceAll(/./gs, (letter) => `\\x${letter.charCodeAt(0).toString(16).padStart(2, '0')}`)
const file = `21<${hex('/state/a.sqlite-wal')}>`
const socket = '25<TCP:[127.0.0.1:1883->127.0.0.1:56986]>'
const parse = (...lines: readonly string[]) =>
  parseSystemCalls(lines.join('\n')).map(({ name, target, data, number, isCreating }) =>
    [name, target, String(data), number, isCreating].join(' '),
  )

test('what a traced process wrote, and where', () => {
  assert.deepEqual(
    parse(
      `7  openat(AT_FDCWD<${hex('/')}>, "${hex('/state/a.sqlite-wal')}", O_RDWR|O_CREAT|O_CLOEXEC, 0600) = ${file}`,
      `7  pwrite64(${file}, "${hex('ab\n')}", 3, 4096) = 3`,
      `7  ftruncate(${file}, 12)  = 0`,
      `8  writev(${socket}, [{iov_base="${hex('x')}", iov_len=1}, {iov_base="${hex('yz')}", iov_len=2}], 2) = 2`,
      `7  unlink("${hex('/state/b')}") = 0`,
      `7  fsync(${file}) = -1 EIO (Input/output error)`,
      '7  +++ exited with 0 +++',
    ),
    [
      'openat /state/a.sqlite-wal  600 true',
      'pwrite64 /state/a.sqlite-wal ab\n 4096 false',
      'ftruncate /state/a.sqlite-wal  12 false',
      'writev TCP:[127.0.0.1:1883->127.0.0.1:56986] xy 2 false',
      'unlink /state/b  0 false',
    ],
  )
})

test('a sync stands where it ended, a write where it began', () => {
  assert.deepEqual(
    parse(
      `7  fsync(${file} <unfinished ...>`,
      `8  write(${socket}, "${hex('x')}", 1 <unfinished ...>`,
      `9  pwrite64(${file}, "${hex('y')}", 1, 5) = 1`,
      '8  <... write resumed>) = 1',
      '7  <... fsync resumed>) = 0',
    ).map((text) => text.split(' ')[0]),
    ['write', 'pwrite64', 'fsync'],
  )
})

test('what the end of the process interrupted has happened, unless it is a sync', () => {
  assert.deepEqual(
    parse(
      `7  fsync(${file} <unfinished ...>`,
      `8  write(${socket}, "${hex('x')}", 1 <unfinished ...>`,
      `9  write(${socket}, "${hex('y')}", 1) = ?`,
      '8  +++ killed by SIGKILL +++',
    ).map((text) => text.split(' ')[2]),
    ['x', 'y'],
  )
})
