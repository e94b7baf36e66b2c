import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { differences } from './differences.ts'
import { checkInputs, diffInputs, previewUpdate, readInputs } from './lifecycle.ts'
import { conceal, isUnknown, reveal, secretNames, unknownValue } from './values.ts'

const found = (before: Parameters<typeof differences>[0], after: typeof before) =>
  Object.fromEntries(differences(before, after))

describe('differences', () => {
  test('are named by path, as the engine spells paths', () => {
    assert.deepEqual(
      found(
        {
          labels: { generation: '1', 'a.b': 'x' },
          rules: [{ port: '80' }, { port: '81' }],
          gone: 1,
          same: [1, { a: 2 }],
        },
        { labels: { generation: '2', 'a.b': 'y' }, rules: [{ port: '8080' }], come: true, same: [1, { a: 2 }] },
      ),
      {
        'labels.generation': 'update',
        'labels["a.b"]': 'update',
        'rules[0].port': 'update',
        'rules[1]': 'delete',
        gone: 'delete',
        come: 'add',
      },
    )
  })

  test('are none between absent and null, and in what the provider noted for itself', () => {
    assert.deepEqual(found({ a: null, __defaults: ['a'] }, { b: null, __defaults: ['b'] }), {})
  })

  test('are found where the new value is unknown yet, also where the old one reads the same', () => {
    assert.deepEqual(found({ a: 'x' }, { a: unknownValue }), { a: 'update' })
    assert.deepEqual(found({ a: [unknownValue] }, { a: [unknownValue] }), { 'a[0]': 'update' })
  })
})

describe('a resource', () => {
  const resource = {
    inputs: ['name', 'a', 'b', 'rules'],
    forceNew: ['b'],
    computed: ['out'],
    autoName: true,
    defaults: { a: 1 },
  }

  test('remembers what was filled in, and keeps a made name only as long as it was made', () => {
    const { inputs } = checkInputs(resource, 'thing', new Uint8Array([7]), {}, {})
    assert.deepEqual(inputs.__defaults, ['name', 'a'])
    assert.equal(checkInputs(resource, 'thing', new Uint8Array([8]), inputs, {}).inputs.name, inputs.name)
    const replacement = checkInputs(resource, 'thing', new Uint8Array([8]), {}, {})
    assert.notEqual(replacement.inputs.name, inputs.name)
    const given = checkInputs(resource, 'thing', new Uint8Array(), { name: 'given' }, {})
    assert.notEqual(given.inputs.name, 'given')
  })

  test('is replaced by a change anywhere below an input that forces it', () => {
    const { replaces, details } = diffInputs(resource, { b: { c: [1] } }, { b: { c: [2] } }, {})
    assert.deepEqual(replaces, ['b'])
    assert.deepEqual(details.get('b.c[0]'), { kind: 'update', replace: true, input: true })
  })

  test('keeps its computed outputs in the preview of an update, except those that the update may change', () => {
    const outputs = { a: 1, b: 2, out: 'x', other: 'y' }
    assert.deepEqual(previewUpdate({ inputs: ['a', 'b'], unstable: ['out'] }, { a: 5 }, outputs), {
      a: 5,
      out: unknownValue,
      other: 'y',
    })
  })

  test('takes over what was changed elsewhere, of what the program had given', () => {
    const read = readInputs(
      { inputs: ['a', 'b', 'secret'], writeOnly: ['secret'] },
      { a: 1, secret: 's' },
      { a: 2, b: 3, secret: 'hash' },
    )
    assert.deepEqual(read, { a: 2, secret: 's' })
    assert.deepEqual(readInputs({ inputs: ['a', 'b'] }, {}, { a: 2, b: 3, out: 4 }), { a: 2, b: 3 })
  })
})

describe('secret and unknown values', () => {
  test('are found at any depth', () => {
    const secret = conceal({ x: 'word' }, ['x']).x ?? null
    const marked = { deep: [{ a: secret }], plain: 'word' }
    assert.deepEqual(secretNames(marked), ['deep'])
    assert.deepEqual(reveal(marked), { deep: [{ a: 'word' }], plain: 'word' })
    assert.ok(isUnknown({ a: [{ b: unknownValue }] }))
    assert.ok(!isUnknown({ a: ['04da6b54'] }))
  })

  test('are marked once, and only where there is a value', () => {
    const once = conceal({ a: 1 }, ['a', 'b'])
    assert.deepEqual(conceal(once, ['a']), once)
    assert.ok(!('b' in once))
  })
})
