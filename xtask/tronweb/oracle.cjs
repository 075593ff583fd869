// Questions on standard input, answers on standard output, both JSON: addresses
// and transactions as tronweb writes them. It asks no node.
const { TronWeb, utils } = require('tronweb')

const tron = new TronWeb({ fullHost: 'http://127.0.0.1:1' })

const build = async ({ kind, owner, to, amount, token, data, block }) => {
  const options = { blockHeader: block }
  const make = tron.transactionBuilder
  switch (kind) {
    case 'TransferContract':
      return make.sendTrx(to, amount, owner, options)
    case 'TransferAssetContract':
      return make.sendToken(to, amount, token, owner, options)
    case 'TriggerSmartContract': {
      const call = { txLocal: true, callValue: amount, rawParameter: data, feeLimit: 1000000, ...options }
      return (await make.triggerSmartContract(to, 'f(uint256)', call, [], owner)).transaction
    }
    case 'CreateSmartContract': {
      const made = { abi: [{ type: 'constructor', stateMutability: 'payable', payable: true, inputs: [] }], bytecode: '60', name: 'x', callValue: amount, feeLimit: 1000000, ...options }
      return make.createSmartContract(made, owner)
    }
    case 'WithdrawBalanceContract':
      return make.withdrawBlockRewards(owner, options)
    case 'AccountPermissionUpdateContract': {
      const held = { type: 0, permission_name: 'owner', threshold: 1, keys: [{ address: to, weight: 1 }] }
      const active = { type: 2, permission_name: 'active', threshold: 1, keys: [{ address: to, weight: 1 }],
        operations: '7fff1fc0033e0000000000000000000000000000000000000000000000000000' }
      return make.updateAccountPermissions(owner, held, undefined, [active], options)
    }
  }
  throw new Error(`no contract ${kind}`)
}

const main = async () => {
  const asked = JSON.parse(require('fs').readFileSync(0, 'utf8'))
  const addresses = asked.addresses.map((hex) => utils.address.fromHex(hex))
  const transactions = []
  for (const transaction of asked.transactions) {
    transactions.push(await build(transaction))
  }
  process.stdout.write(JSON.stringify({ addresses, transactions }))
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`)
  process.exit(1)
})
