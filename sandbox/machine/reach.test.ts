import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { debianArchives, reachSettings } from './reach.ts'

const debian = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_CODENAME=bookworm\n'
const ubuntu = 'ID=ubuntu\nID_LIKE=debian\nVERSION_CODENAME=noble\n'
const targets = `http://other.example/apt/ stable main
http://mirror.example/debian/ bookworm contrib
http://mirror.example/debian/ bookworm main
http://mirror.example/debian/ bookworm-updates main
http://safe.example/security/ bookworm-security main`

describe("the host's reach of the package archives", () => {
  test('is that of its own release', () => {
    assert.deepEqual(debianArchives(debian, targets), {
      mirror: 'http://mirror.example/debian/',
      security: 'http://safe.example/security/',
    })
  })

  test('is unknown where the host is not Debian or apt knows nothing', () => {
    const unknown = { mirror: '', security: '' }
    assert.deepEqual(debianArchives(ubuntu, targets.replaceAll('bookworm', 'noble')), unknown)
    assert.deepEqual(debianArchives(debian, ''), unknown)
    assert.deepEqual(debianArchives('', targets), unknown)
  })

  test('takes over how to connect, and nothing else of the settings of apt', () => {
    const dump = `APT::Architecture "amd64";
Acquire "";
Acquire::http "";
Acquire::http::Proxy "http://192.0.2.1:3128";
Acquire::https::Verify-Peer "true";
Acquire::Retries "3";
Acquire::httpsother "x";
DPkg::Post-Invoke:: "rm -f /var/cache/apt/archives/*.deb || true";
`
    assert.equal(
      reachSettings(dump),
      'Acquire::http::Proxy "http://192.0.2.1:3128";\nAcquire::https::Verify-Peer "true";\nAcquire::Retries "3";\n',
    )
  })
})
