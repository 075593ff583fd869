"""A day at the example exchange, against a real cell: what the guide promises, tried.

    INTERDICT_URL=http://127.0.0.1:8443 INTERDICT_KEY=… python3 day.py scenario.json

The scenario names transactions and addresses that the cell's store holds. It prints one line of JSON
with what happened, and ends with 1 where anything is not as it must be.
"""

import json
import os
import sys
import threading
import time

from exchange import Cell, Desk, Receiver, Refused, is_genuine, subscribe


def check(is_so, what):
    if not is_so:
        sys.exit(f"NOT SO: {what}")


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        story = json.load(file)
    cell = Cell(os.environ["INTERDICT_URL"], os.environ["INTERDICT_KEY"])
    desk = Desk(cell)
    told, came = [], threading.Event()

    def handle(event):
        told.append(event)
        came.set()

    receiver = Receiver(handle)
    webhooks = listen(cell, receiver)

    clean, dirty = story["clean"], story["dirty"]
    network, asset = story["network"], story["asset"]
    fine = desk.deposit("u-1", network, asset, clean["tx"], clean["to"], clean["amount"])
    check(fine["verdict"] == "allow", f"a deposit of clean money is credited: {fine}")
    check(desk.books.balance["u-1"][asset] == clean["amount"], "it is in the books")
    bad = desk.deposit("u-2", network, asset, dirty["tx"], dirty["to"], dirty["amount"])
    check(bad["verdict"] == "block", f"a deposit from a listed address is stopped: {bad}")
    check("u-2" not in desk.books.balance, "it is not credited")
    check(bad["id"] in desk.books.held, "it is held")

    good = desk.withdraw("u-1", network, asset, clean["to"], 1, "w-1")
    check(good["verdict"] == "allow" and desk.books.signed == ["w-1"], f"it is signed: {good}")
    stopped = desk.withdraw("u-1", network, asset, dirty["from"], 1, "w-2")
    check(stopped["verdict"] == "block", f"a withdrawal to a listed address is stopped: {stopped}")
    check(desk.books.signed == ["w-1"], "it is not signed")
    check(desk.withdraw("u-1", network, asset, dirty["from"], 1, "w-2") == stopped, "and once only")
    try:
        desk.withdraw("u-1", network, asset, dirty["from"], 2, "w-2")
        check(False, "another withdrawal under a used name is refused")
    except Refused as refused:
        check(refused.status == 409, str(refused))
    try:
        desk.deposit("u-1", network, asset, "0x12", clean["to"], 1)
        check(False, "what is no hash is refused")
    except Refused as refused:
        check(refused.problem["field"] == "/tx", str(refused))

    alerts = cell.get(f"/v1/transfers/{bad['id']}/alerts")["alerts"]
    check(len(alerts) == 1, f"the deposit raised an alert: {alerts}")
    if webhooks:
        check(came.wait(30), "the webhook tells of the alert")
        until = time.monotonic() + 30
        while time.monotonic() < until and not any(e["kind"] == "alert.raised" for e in told):
            time.sleep(0.1)
        check(any(event["kind"] == "alert.raised" for event in told), f"it came: {told}")
    signatures()
    case = desk.open_case(alerts[0])
    inside = cell.get(f"/v1/alerts/{alerts[0]['id']}")
    check(inside["state"] == "in_case" and inside["case"] == case["id"], f"the alert is in it: {inside}")
    receiver.close()
    print(json.dumps({"webhooks": webhooks, "told": [event["kind"] for event in told]}))


def listen(cell, receiver):
    """False where this cell sends no webhooks, which is said aloud."""
    try:
        subscribe(cell, receiver)
        return True
    except Refused as refused:
        if refused.status != 404:
            raise
        print("NOT TESTED: this cell has no /v1/webhooks", file=sys.stderr)
        return False


def signatures():
    """The check of signatures refuses what it must, and takes what it must."""
    body, secret, now = b'{"id":1}', "s3cret", 1_700_000_000
    # HMAC-SHA256 of `1700000000.{"id":1}` under `s3cret`, worked out with openssl.
    right = "ee0658aa4e37018df69c24227df01e0f680eb3b87c7f1f9bd936e283cfe01d9b"
    header = f"t={now},v1={right}"
    check(is_genuine(secret, header, body, now), "a right signature is taken")
    wrong = [
        (secret, header, b'{"id":2}', now),
        ("other", header, body, now),
        (secret, header, body, now + 301),
        (secret, f"t={now + 1},v1={right}", body, now),
        (secret, f"t={now}", body, now),
        (secret, "", body, now),
        (secret, "t=x,v1=y", body, now),
    ]
    for arguments in wrong:
        check(not is_genuine(*arguments), f"refused: {arguments}")


if __name__ == "__main__":
    main()
