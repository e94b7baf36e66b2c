import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { sandboxFiles } from '../files.ts'
import { type Instance, sandboxInstance } from '../instance.ts'
import { pulumiEnvironment } from './environment.ts'
import type { Engine } from './locate.ts'

/** A small Pulumi program with a state of its own, run by the real engine. */
export interface TestProgram {
  readonly directory: string
  readonly instance: Instance
  readonly environment: NodeJS.ProcessEnv
  write(source: string): Promise<void>
  pulumi(...parameters: string[]): Promise<{ exitCode: number | undefined; output: string }>
  close(): Promise<void>
}

const project = `name: trial
runtime:
  name: nodejs
  options: { typescript: false }
main: program/index.ts
`

export async function testProgram(engine: Engine): Promise<TestProgram> {
  const directory = await mkdtemp(join(tmpdir(), 'skerry-engine-test-'))
  const instance = { ...sandboxInstance(0), directory: join(directory, 'run') }
  const environment = await pulumiEnvironment({ instance, engine })
  // The runner of these tests tells its children to report to it.
  delete environment.NODE_TEST_CONTEXT
  await mkdir(join(directory, 'program'))
  await writeFile(join(directory, 'Pulumi.yaml'), project)
  await writeFile(join(directory, 'package.json'), '{"type":"module"}')
  await symlink(join(import.meta.dirname, '../../node_modules'), join(directory, 'node_modules'))
  await writeFile(sandboxFiles(instance).passphrase, 'a passphrase', { mode: 0o600 })
  return {
    directory,
    instance,
    environment,
    write: (source) => writeFile(join(directory, 'program', 'index.ts'), source),
    async pulumi(...parameters) {
      const { exitCode, all } = await execa(engine.pulumi, ['--non-interactive', ...parameters], {
        cwd: directory,
        env: environment,
        extendEnv: false,
        reject: false,
        all: true,
        stdin: 'ignore',
      })
      return { exitCode, output: all }
    },
    close: () => rm(directory, { recursive: true, force: true }),
  }
}
