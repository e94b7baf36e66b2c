import { createInterface } from 'node:readline/promises'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { engineOnPath } from './engine.ts'
import { recover } from './recovery.ts'

const program = new Command()

program
  .name('npm run recover --')
  .description(
    'Puts the state of a stack in order after an `up` that was killed: frees the stack, takes what was being made and is there into the state, and reads everything anew. Nothing is made, changed or deleted in the clouds. The next `pulumi up` goes on from there.',
  )
  .option('-s, --stack <name>', 'which stack; without it the one that is selected')
  .option('-y, --yes', 'the update that has the stack was killed: do not ask')
  .option('--debug', 'print the stack trace of an error')
  .showHelpAfterError('What there is: npm run recover -- --help')
  .addHelpText(
    'after',
    `
Examples:
  npm run recover -- --stack prod          then: pulumi up
  npm run recover -- --stack prod --yes    in CI, after a job that was killed

It needs what "pulumi up" needs: the backend, the passphrase or the key, the tokens. It may be run at any time, and again.

An update that runs is left alone where that can be told: one on this machine, by its process. Of one elsewhere nobody can
tell; you are asked, and --yes is the answer. Do not say yes while an update runs: it would lose its stack halfway.`,
  )
  .action(async ({ stack, yes }: { stack?: string; yes?: true }) => {
    await recover({
      engine: engineOnPath(stack, fileURLToPath(new URL('../..', import.meta.url))),
      environment: process.env,
      say: console.log,
      consent: async (question) => yes === true || (process.stdin.isTTY && (await asked(question))),
    })
    console.log(`Next: pulumi up${stack === undefined ? '' : ` --stack ${stack}`}`)
  })

async function asked(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} (yes/no) `)).trim())
  } finally {
    terminal.close()
  }
}

try {
  await program.parseAsync()
} catch (error) {
  console.error(program.opts().debug ? error : `\n${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}
