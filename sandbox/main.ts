import { Command } from 'commander'
import { sandboxInstance } from './instance.ts'

const program = new Command()

program
  .name('npm run sandbox --')
  .description(
    'A cloud on this machine: the emulated Hetzner and Cloudflare APIs, a real Debian server, DNS and an ACME server, brought to the state of the Pulumi program by the genuine engine.',
  )
  .option('--debug', 'print the stack trace of an error')
  .enablePositionalOptions()
  .showHelpAfterError('What there is: npm run sandbox -- --help')
  .hook('preAction', () => {
    if (process.platform !== 'linux') {
      throw new Error(
        'The sandbox boots Debian under systemd-nspawn and needs Linux: use a Debian or Ubuntu virtual machine',
      )
    }
    if (process.getuid?.() !== 0) {
      throw new Error('The sandbox makes network devices, mounts and servers and needs root: run it with sudo')
    }
  })
  .addHelpText(
    'after',
    `
Examples:
  npm run sandbox                              stand it up, or bring it to what the checkout says now
  npm run sandbox -- status                    what stands, and whether it answers
  npm run sandbox -- logs --follow             the broker's journal
  npm run sandbox -- ssh                       a shell on the server, as CI would have it
  npm run sandbox -- pulumi preview            any command of the engine on the stack "sandbox"
  npm run sandbox -- down                      remove everything
  SKERRY_SANDBOX=1 npm run sandbox             a second one beside it (0 to 99)`,
  )

program
  .command('up')
  .description('stand the sandbox up, or bring it to what the checkout says now; also without a command')
  .action(async () => (await import('./commands/up.ts')).up(sandboxInstance()))

program
  .command('down')
  .description('remove everything that the sandbox made, in whatever state it is')
  .action(async () => (await import('./commands/down.ts')).down(sandboxInstance()))

program
  .command('recover')
  .description('put the state in order after an "up" that was killed; the next one goes on from there')
  .action(async () => (await import('./commands/recover.ts')).recover(sandboxInstance()))

program
  .command('status')
  .description('what stands, and whether it answers; exit code 1 when it does not')
  .option('--json', 'for programs')
  .action(async (options: { json?: true }) =>
    (await import('./commands/status.ts')).status(sandboxInstance(), options.json === true),
  )

program
  .command('logs')
  .description(
    'a log: "broker", "nginx", "acme", "release" or "cloud-init" on the server, "cloud" or "pulumi" of the sandbox',
  )
  .argument('[name]', 'which log', 'broker')
  .option('-f, --follow', 'go on as it grows')
  .action(async (name: string, options: { follow?: true }) =>
    (await import('./commands/logs.ts')).logs(sandboxInstance(), name, options.follow === true),
  )

program
  .command('ssh')
  .description('a shell or one command on the server as the deploy user, over SSH with the pinned host key')
  .argument('[command...]', 'what to run')
  .passThroughOptions()
  .action(async (command: string[]) => (await import('./commands/ssh.ts')).ssh(sandboxInstance(), command))

program
  .command('root')
  .description('one command on the server as root, past SSH: for looking at it and for tests')
  .argument('<command...>', 'what to run')
  .passThroughOptions()
  .action(async (command: string[]) => (await import('./commands/root.ts')).root(sandboxInstance(), command))

program
  .command('pulumi')
  .description('a command of the Pulumi engine on the stack "sandbox"')
  .argument('<arguments...>', 'its arguments')
  .passThroughOptions()
  .action(async (parameters: string[]) => (await import('./commands/pulumi.ts')).pulumi(sandboxInstance(), parameters))

try {
  await program.parseAsync(process.argv.length > 2 ? process.argv : [...process.argv, 'up'])
} catch (error) {
  console.error(program.opts().debug ? error : `\n${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}
