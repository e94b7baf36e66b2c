import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { settings } from './fixtures.ts'
import { userMistake } from './users.ts'

const hash = settings.users.gateway ?? ''

describe('a user of the settings', () => {
  for (const name of ['gateway', 'a', 'gw-1.site_2@example', 'x'.repeat(64), 'administrator', 'skerry']) {
    it(`may be called ${name}`, () => assert.equal(userMistake(name, hash), undefined))
  }

  for (const name of ['', 'x'.repeat(65), 'a/b', '+', 'a#', '$SYS', 'a b', '-a', 'a\nb', 'ä']) {
    it(`may not be called ${JSON.stringify(name)}`, () => assert.match(userMistake(name, hash) ?? '', /is not 1 to 64/))
  }

  for (const name of ['admin', 'skerry-health', 'skerry-proxy', 'skerry-']) {
    it(`may not be ${name}, who has a certificate`, () => assert.match(userMistake(name, hash) ?? '', /is taken/))
  }

  for (const password of [
    'hunter2',
    '',
    '$2b$10$abcdefghijklmnopqrstuv',
    `${hash}\n`,
    ` ${hash}`,
    hash.replace('ln', 'n'),
  ]) {
    it(`needs a scrypt hash, not ${JSON.stringify(password.slice(0, 9))}…, and does not show it`, () => {
      const sentence = userMistake('gateway', password) ?? ''
      assert.match(sentence, /^the user "gateway" has something that is not a scrypt hash/)
      if (password) assert.ok(!sentence.includes(password))
    })
  }
})
