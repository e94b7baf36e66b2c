import { statement } from '../suite.ts'

statement({ 4: 'MQTT-3.12.4-1', 5: 'MQTT-3.12.4-1' }, 'answers PINGREQ with PINGRESP', async ({ login }) => {
  const wire = await login()
  wire.send('c000')
  const { bytes } = await wire.next()
  if (!bytes.equals(Buffer.from('d000', 'hex'))) throw new Error(`${bytes.toString('hex')} came`)
})
