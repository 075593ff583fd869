"""A Solana node for the tests: LiteSVM carries out random transactions, and this
answers for its blocks by JSON-RPC, as a node would.

    node.py <seed> <slots>

First line of output: the address. Several questions may be asked in one list. `truth`
is no method of a node: it gives what LiteSVM says every account holds in the end.
"""

import base64
import json
import random
import struct
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

from solders.account import Account
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.litesvm import LiteSVM
from solders.message import Message, MessageV0
from solders.pubkey import Pubkey
from solders.transaction import Transaction, VersionedTransaction
from solders.transaction_metadata import FailedTransactionMetadata

GENESIS = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d"
SYSTEM = Pubkey.from_string("11111111111111111111111111111111")
TOKEN = Pubkey.from_string("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA")
TOKEN_2022 = Pubkey.from_string("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb")
ATA = Pubkey.from_string("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL")
WRAPPED = Pubkey.from_string("So11111111111111111111111111111111111111112")
TABLES = Pubkey.from_string("AddressLookupTab1e1111111111111111111111111")
RENT = Pubkey.from_string("SysvarRent111111111111111111111111111111111")


def meta(key, signs=False, writes=True):
    return AccountMeta(key, signs, writes)


def pay(source, target, amount):
    data = struct.pack("<IQ", 2, amount)
    return Instruction(SYSTEM, data, [meta(source, True), meta(target)])


def create(payer, new, lamports, space, owner):
    data = struct.pack("<IQQ", 0, lamports, space) + bytes(owner)
    return Instruction(SYSTEM, data, [meta(payer, True), meta(new, True)])


def token_account(owner, mint, program):
    return Pubkey.find_program_address([bytes(owner), bytes(program), bytes(mint)], ATA)[0]


def create_token_account(payer, owner, mint, program):
    account = token_account(owner, mint, program)
    accounts = [meta(payer, True), meta(account), meta(owner, False, False), meta(mint, False, False),
                meta(SYSTEM, False, False), meta(program, False, False)]
    return Instruction(ATA, bytes([1]), accounts)


class World:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.svm = LiteSVM().with_lamports(10**18)
        self.blocks = {}
        self.slot = 1000
        self.parent = (999, Hash.hash(b"before"))
        self.start = {}
        self.people = [self.key() for _ in range(12)]
        for person in self.people:
            self.svm.airdrop(person.pubkey(), 10**12)
        wrapped = bytes(36) + struct.pack("<QBB", 0, 9, 1) + bytes(36)
        self.svm.set_account(WRAPPED, Account(10**9, wrapped, TOKEN))
        self.mints = []
        self.wrapped = set()
        # Of each account its transactions, oldest first; of each signature its transaction; of each slot its signatures.
        self.listed, self.told, self.order = {}, {}, {}
        self.table = self.make_table()

    def key(self):
        return Keypair.from_seed(self.random.randbytes(32))

    def person(self):
        return self.random.choice(self.people)

    def make_table(self):
        key = self.key().pubkey()
        addresses = [self.key().pubkey() for _ in range(5)] + [p.pubkey() for p in self.people[:4]]
        head = struct.pack("<IQQB", 1, 2**64 - 1, 0, 0) + bytes([1]) + bytes(32) + bytes(2)
        data = head + b"".join(bytes(a) for a in addresses)
        self.svm.set_account(key, Account(10**9, data, TABLES))
        self.svm.warp_to_slot(self.slot)
        return AddressLookupTableAccount(key, addresses)

    # What a transaction may hold: instructions, and who signs beside the payer.

    def pays(self):
        source = self.person()
        targets = [self.person().pubkey(), self.key().pubkey(), self.random.choice(self.table.addresses)]
        count = self.random.randint(1, 3)
        return [pay(source.pubkey(), self.random.choice(targets), self.random.randint(10**6, 10**8))
                for _ in range(count)], source, []

    def overdrawn(self):
        source = self.person()
        return [pay(source.pubkey(), self.person().pubkey(), 5),
                pay(source.pubkey(), self.person().pubkey(), 10**17)], source, []

    def makes_mint(self):
        payer, mint = self.person(), self.key()
        has_fee = self.random.random() < 0.4
        program = TOKEN_2022 if has_fee else TOKEN
        space = 278 if has_fee else 82
        lamports = self.svm.minimum_balance_for_rent_exemption(space)
        steps = [create(payer.pubkey(), mint.pubkey(), lamports, space, program)]
        if has_fee:
            data = bytes([26, 0, 0, 0]) + struct.pack("<HQ", 300, 10**9)
            steps.append(Instruction(program, data, [meta(mint.pubkey())]))
        data = bytes([20, 6]) + bytes(payer.pubkey()) + bytes([1]) + bytes(payer.pubkey())
        steps.append(Instruction(program, data, [meta(mint.pubkey())]))
        holder = self.person().pubkey()
        steps.append(create_token_account(payer.pubkey(), holder, mint.pubkey(), program))
        data = bytes([7]) + struct.pack("<Q", self.random.randint(10**6, 10**12))
        accounts = [meta(mint.pubkey()), meta(token_account(holder, mint.pubkey(), program)), meta(payer.pubkey(), True)]
        steps.append(Instruction(program, data, accounts))
        self.mints.append((mint.pubkey(), program, payer, has_fee))
        return steps, payer, [mint]

    def held(self, key):
        account = self.svm.get_account(key)
        return struct.unpack("<Q", bytes(account.data)[64:72])[0] if account and len(account.data) >= 165 else 0

    def moves_token(self):
        if not self.mints:
            return self.makes_mint()
        mint, program, _, has_fee = self.random.choice(self.mints)
        holders = [p for p in self.people if self.held(token_account(p.pubkey(), mint, program))]
        if not holders:
            return self.pays()
        source, target = self.random.choice(holders), self.person().pubkey()
        here = token_account(source.pubkey(), mint, program)
        there = token_account(target, mint, program)
        amount = self.random.randint(1, self.held(here))
        steps = [create_token_account(source.pubkey(), target, mint, program)]
        how = self.random.randint(0, 2)
        if how == 0 and has_fee:
            fee = min((amount * 300 + 9999) // 10000, 10**9)
            data = bytes([26, 1]) + struct.pack("<QBQ", amount, 6, fee)
            accounts = [meta(here), meta(mint, False, False), meta(there), meta(source.pubkey(), True)]
        elif how == 1 or has_fee:
            data = bytes([12]) + struct.pack("<QB", amount, 6)
            accounts = [meta(here), meta(mint, False, False), meta(there), meta(source.pubkey(), True)]
        else:
            data = bytes([3]) + struct.pack("<Q", amount)
            accounts = [meta(here), meta(there), meta(source.pubkey(), True)]
        steps.append(Instruction(program, data, accounts))
        return steps, source, []

    def burns(self):
        if not self.mints:
            return self.makes_mint()
        mint, program, _, _ = self.random.choice(self.mints)
        holders = [p for p in self.people if self.held(token_account(p.pubkey(), mint, program))]
        if not holders:
            return self.pays()
        source = self.random.choice(holders)
        here = token_account(source.pubkey(), mint, program)
        amount = self.held(here) if self.random.random() < 0.3 else 1
        data = bytes([8]) + struct.pack("<Q", amount)
        steps = [Instruction(program, data, [meta(here), meta(mint), meta(source.pubkey(), True)])]
        if amount > 1 and program == TOKEN:
            accounts = [meta(here), meta(self.person().pubkey()), meta(source.pubkey(), True)]
            steps.append(Instruction(program, bytes([9]), accounts))
        return steps, source, []

    def freezes(self):
        if not self.mints:
            return self.makes_mint()
        mint, program, issuer, _ = self.random.choice(self.mints)
        holders = [p for p in self.people if self.held(token_account(p.pubkey(), mint, program))]
        if not holders:
            return self.pays()
        here = token_account(self.random.choice(holders).pubkey(), mint, program)
        accounts = [meta(here), meta(mint, False, False), meta(issuer.pubkey(), True)]
        return [Instruction(program, bytes([10]), accounts), Instruction(program, bytes([11]), accounts)], issuer, []

    def wraps(self):
        owner = self.person()
        here = token_account(owner.pubkey(), WRAPPED, TOKEN)
        steps = [create_token_account(owner.pubkey(), owner.pubkey(), WRAPPED, TOKEN),
                 pay(owner.pubkey(), here, self.random.randint(10**6, 10**8)),
                 Instruction(TOKEN, bytes([17]), [meta(here)])]
        other = self.person().pubkey()
        if self.random.random() < 0.6:
            there = token_account(other, WRAPPED, TOKEN)
            steps.append(create_token_account(owner.pubkey(), other, WRAPPED, TOKEN))
            data = bytes([3]) + struct.pack("<Q", self.random.randint(1, 10**6))
            steps.append(Instruction(TOKEN, data, [meta(here), meta(there), meta(owner.pubkey(), True)]))
        if self.random.random() < 0.5 and other != owner.pubkey():
            accounts = [meta(here), meta(self.person().pubkey()), meta(owner.pubkey(), True)]
            steps.append(Instruction(TOKEN, bytes([9]), accounts))
        return steps, owner, []

    def wraps_for_a_moment(self):
        """An account of wrapped SOL that neither balance shows: made, used, closed."""
        owner, account = self.person(), self.key()
        self.wrapped.add(str(account.pubkey()))
        there = token_account(owner.pubkey(), WRAPPED, TOKEN)
        steps = [create(owner.pubkey(), account.pubkey(), 2039280 + 5000, 165, TOKEN),
                 Instruction(TOKEN, bytes([1]), [meta(account.pubkey()), meta(WRAPPED, False, False),
                                                 meta(owner.pubkey(), False, False), meta(RENT, False, False)]),
                 create_token_account(owner.pubkey(), owner.pubkey(), WRAPPED, TOKEN),
                 Instruction(TOKEN, bytes([3]) + struct.pack("<Q", 2000),
                             [meta(account.pubkey()), meta(there), meta(owner.pubkey(), True)]),
                 Instruction(TOKEN, bytes([9]), [meta(account.pubkey()), meta(owner.pubkey()),
                                                 meta(owner.pubkey(), True)])]
        return steps, owner, [account]

    def gives_account_away(self):
        plain = [m for m in self.mints if m[1] == TOKEN]
        if not plain:
            return self.makes_mint()
        mint = self.random.choice(plain)[0]
        owner, account = self.person(), self.key()
        here = token_account(owner.pubkey(), mint, TOKEN)
        amount = self.held(here)
        steps = [create(owner.pubkey(), account.pubkey(), 2039280, 165, TOKEN),
                 Instruction(TOKEN, bytes([18]) + bytes(owner.pubkey()), [meta(account.pubkey()), meta(mint, False, False)])]
        if amount:
            steps.append(Instruction(TOKEN, bytes([3]) + struct.pack("<Q", (amount + 1) // 2),
                                     [meta(here), meta(account.pubkey()), meta(owner.pubkey(), True)]))
        steps.append(Instruction(TOKEN, bytes([6, 2, 1]) + bytes(self.person().pubkey()),
                                 [meta(account.pubkey()), meta(owner.pubkey(), True)]))
        return steps, owner, [account]

    def transaction(self):
        kinds = [self.pays, self.pays, self.overdrawn, self.makes_mint, self.moves_token, self.moves_token,
                 self.burns, self.freezes, self.wraps, self.wraps_for_a_moment, self.gives_account_away]
        steps, payer, signers = self.random.choice(kinds)()
        self.svm.expire_blockhash()
        latest = self.svm.latest_blockhash()
        if self.random.random() < 0.5:
            message = MessageV0.try_compile(payer.pubkey(), steps, [self.table], latest)
            return VersionedTransaction(message, [payer, *signers]), message
        message = Message.new_with_blockhash(steps, payer.pubkey(), latest)
        tx = VersionedTransaction.from_legacy(Transaction([payer, *signers], message, latest))
        return tx, message

    # A block, as a node tells it.

    def keys(self, message):
        keys, writable, readonly = list(message.account_keys), [], []
        for lookup in getattr(message, "address_table_lookups", []):
            writable += [self.table.addresses[i] for i in lookup.writable_indexes]
            readonly += [self.table.addresses[i] for i in lookup.readonly_indexes]
        return keys + writable + readonly, writable, readonly

    def balances(self, keys):
        lamports, tokens = [], []
        for at, key in enumerate(keys):
            account = self.svm.get_account(key)
            lamports.append(account.lamports if account else 0)
            if account and account.owner in (TOKEN, TOKEN_2022) and len(account.data) >= 165:
                data = bytes(account.data)
                # A mint with extensions is as long as an account, and says so here.
                if len(data) > 165 and data[165] != 2:
                    continue
                mint, owner = Pubkey(data[:32]), Pubkey(data[32:64])
                if mint == WRAPPED:
                    self.wrapped.add(str(key))
                amount = struct.unpack("<Q", data[64:72])[0]
                decimals = 9 if mint == WRAPPED else 6
                tokens.append({"accountIndex": at, "mint": str(mint), "owner": str(owner), "programId": str(account.owner),
                               "uiTokenAmount": {"amount": str(amount), "decimals": decimals}})
            self.start.setdefault(key, lamports[-1])
        return lamports, tokens

    def carry_out(self):
        tx, message = self.transaction()
        keys, writable, readonly = self.keys(message)
        pre, pre_tokens = self.balances(keys)
        result = self.svm.send_transaction(tx)
        failed = isinstance(result, FailedTransactionMetadata)
        post, post_tokens = self.balances(keys)
        signature = str(tx.signatures[0])
        for key in dict.fromkeys(str(key) for key in keys):
            self.listed.setdefault(key, []).append({
                "signature": signature, "slot": self.slot, "blockTime": 1_700_000_000 + self.slot, "memo": None,
                "err": {"InstructionError": [1, "Custom"]} if failed else None, "confirmationStatus": "finalized"})
        done = result.meta() if failed else result
        inner = []
        for index, group in enumerate(done.inner_instructions()):
            called = [{"programIdIndex": i.instruction().program_id_index, "accounts": list(i.instruction().accounts),
                       "data": encode(bytes(i.instruction().data)), "stackHeight": i.stack_height()} for i in group]
            if called:
                inner.append({"index": index, "instructions": called})
        fee = 5000 * len(tx.signatures)
        said = {
            "transaction": [base64.b64encode(bytes(tx)).decode(), "base64"],
            "version": 0 if writable or readonly or isinstance(message, MessageV0) else "legacy",
            "meta": {"err": {"InstructionError": [1, "Custom"]} if failed else None, "fee": fee,
                     "preBalances": pre, "postBalances": post, "preTokenBalances": pre_tokens,
                     "postTokenBalances": post_tokens, "innerInstructions": inner,
                     "loadedAddresses": {"writable": [str(k) for k in writable], "readonly": [str(k) for k in readonly]}},
        }
        self.told[signature] = {"slot": self.slot, "blockTime": 1_700_000_000 + self.slot, **said}
        self.order.setdefault(self.slot, []).append(signature)
        return said

    def block(self):
        self.slot += 1 + (self.random.random() < 0.2)
        transactions = [self.carry_out() for _ in range(self.random.randint(1, 12))]
        parent_slot, parent = self.parent
        own = Hash.hash(bytes(parent) + self.slot.to_bytes(8, "little"))
        self.blocks[self.slot] = {
            "blockHeight": len(self.blocks) + 1, "blockTime": 1_700_000_000 + self.slot, "blockhash": str(own),
            "previousBlockhash": str(parent), "parentSlot": parent_slot, "rewards": [], "transactions": transactions}
        self.parent = (self.slot, own)

    def truth(self):
        """Of each account its lamports before everything and after, and of each owner the tokens in the end."""
        lamports, tokens = {}, {}
        for key, before in self.start.items():
            account = self.svm.get_account(key)
            lamports[str(key)] = [before, account.lamports if account else 0]
        for row in self.balances(list(self.start))[1]:
            name = f"{row['owner']} {row['mint']}"
            tokens[name] = tokens.get(name, 0) + int(row["uiTokenAmount"]["amount"])
        return {"lamports": lamports, "tokens": tokens, "wrapped": sorted(self.wrapped)}

    def signatures(self, key, limit=1000, before=None, **_):
        rows = self.listed.get(key, [])[::-1]
        if before:
            at = [n for n, row in enumerate(rows) if row["signature"] == before]
            rows = rows[at[0] + 1:] if at else []
        return rows[:limit]

    def token_accounts(self, owner, program):
        rows = []
        for key in list(self.start):
            account = self.svm.get_account(key)
            if not account or str(account.owner) != program or len(account.data) < 165:
                continue
            data = bytes(account.data)
            if (len(data) > 165 and data[165] != 2) or str(Pubkey(data[32:64])) != owner:
                continue
            info = {"mint": str(Pubkey(data[:32])), "owner": owner, "state": "initialized", "isNative": False,
                    "tokenAmount": {"amount": str(struct.unpack("<Q", data[64:72])[0]), "decimals": 6}}
            rows.append({"pubkey": str(key), "account": {
                "lamports": account.lamports, "owner": program, "executable": False, "space": len(data),
                "data": {"program": "spl-token", "space": len(data), "parsed": {"type": "account", "info": info}}}})
        return {"context": {"slot": self.slot}, "value": rows}

    def answer(self, method, params):
        if method == "getSignaturesForAddress":
            return self.signatures(params[0], **params[1]), None
        if method == "getTransaction":
            return self.told.get(params[0]), None
        if method == "getTokenAccountsByOwner":
            return self.token_accounts(params[0], params[1]["programId"]), None
        if method == "getFirstAvailableBlock":
            return 0, None
        if method == "getBlockTime" and params[0] in self.blocks:
            return 1_700_000_000 + params[0], None
        if method == "getBlockTime":
            return None, (-32009, f"Slot {params[0]} was skipped, or missing in long-term storage")
        if method == "getGenesisHash":
            return GENESIS, None
        if method == "getSlot":
            return max(self.blocks), None
        if method == "getBlock":
            block = self.blocks.get(params[0])
            if block is None and params[0] > max(self.blocks):
                return None, (-32004, f"Block not available for slot {params[0]}")
            if block is None:
                return None, (-32007, f"Slot {params[0]} was skipped, or missing due to ledger jump to recent snapshot")
            if params[1]["transactionDetails"] == "signatures":
                return {**{name: value for name, value in block.items() if name != "transactions"},
                        "signatures": self.order[params[0]]}, None
            if params[1]["transactionDetails"] == "none":
                block = {name: value for name, value in block.items() if name != "transactions"}
            return block, None
        if method == "truth":
            return self.truth(), None
        return None, (-32601, "Method not found")


def encode(data):
    digits = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, rest = divmod(number, 58)
        text = digits[rest] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


def main():
    world = World(int(sys.argv[1]))
    for _ in range(int(sys.argv[2])):
        world.block()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            answer = [self.one(one) for one in asked] if isinstance(asked, list) else self.one(asked)
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def one(self, asked):
            result, error = world.answer(asked["method"], asked["params"])
            said = {"error": {"code": error[0], "message": error[1]}} if error else {"result": result}
            return {"jsonrpc": "2.0", "id": asked["id"], **said}

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
