"""A small exchange that asks Interdict about its customers' money.

It shows the four places where an exchange meets a cell, in the order of a day:

* a deposit shows up on a chain: `Desk.deposit` registers it and says whether to credit it;
* a customer asks to withdraw: `Desk.may_withdraw` asks before anything is signed;
* an alert comes by webhook: `Receiver` takes it, after it has checked who sent it;
* an alert is worth a case: `Desk.open_case` opens one from it.

Python 3.9 or later, the standard library alone. The exchange's own books are a dictionary here.
"""

import hashlib
import hmac
import http.client
import json
import threading
import time
import urllib.parse
import uuid
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TRY_AGAIN = {429, 502, 503, 504}


class Refused(Exception):
    """The cell refused a request: `problem` says which field, and why (RFC 9457)."""

    def __init__(self, status, problem):
        detail = problem.get("detail") or problem.get("title") or "no reason given"
        super().__init__(f"{status} {problem.get('field') or ''} {detail}".strip())
        self.status = status
        self.problem = problem


class Cell:
    """Interdict's API, as far as an exchange needs it."""

    def __init__(self, url, key, timeout_s=10, tries=6):
        self.url = urllib.parse.urlsplit(url)
        self.key = key
        self.timeout_s = timeout_s
        self.tries = tries

    def get(self, path):
        return self.ask("GET", path)

    def post(self, path, body, idempotency_key=None):
        return self.ask("POST", path, body, idempotency_key or str(uuid.uuid4()))

    def ask(self, method, path, body=None, idempotency_key=None):
        """Asks until it is answered: what is written carries one key, so that it is done once."""
        headers = {"Authorization": f"Bearer {self.key}", "Accept": "application/json"}
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        if idempotency_key:
            headers["Idempotency-Key"] = idempotency_key
        wait_s = 0.2
        for attempt in range(1, self.tries + 1):
            try:
                status, text, after = self._once(method, path, data, headers)
            except (OSError, http.client.HTTPException):
                if attempt == self.tries:
                    raise
                status, text, after = 503, b"", None
            if status not in TRY_AGAIN or attempt == self.tries:
                break
            time.sleep(max(float(after or 0), wait_s))
            wait_s = min(wait_s * 2, 5)
        answer = json.loads(text) if text else {}
        if status >= 400:
            raise Refused(status, answer if isinstance(answer, dict) else {})
        return answer

    def _once(self, method, path, data, headers):
        secure = self.url.scheme == "https"
        connect = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = connect(self.url.hostname, self.url.port, timeout=self.timeout_s)
        try:
            connection.request(method, path, body=data, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.headers.get("Retry-After")
        finally:
            connection.close()


@dataclass
class Books:
    """What the exchange owes its customers, and what it holds back."""

    balance: dict = field(default_factory=dict)
    held: dict = field(default_factory=dict)
    signed: list = field(default_factory=list)

    def credit(self, user, asset, amount):
        of_user = self.balance.setdefault(user, {})
        of_user[asset] = of_user.get(asset, 0) + amount


class Desk:
    """What the exchange does with a customer's money, and asks of the cell before it does it."""

    def __init__(self, cell, books=None):
        self.cell = cell
        self.books = books or Books()
        self.lock = threading.Lock()

    def deposit(self, user, network, asset, tx, address, amount):
        """A deposit is in a block. Credits it, or holds it back; gives what the cell said.

        While the cell does not have the block yet the deposit is held: `answered` is called again
        when the webhook tells of it, and `settle` asks for all that is held.
        """
        transfer = self.cell.post(
            "/v1/transfers",
            {
                "userId": user,
                "network": network,
                "asset": asset,
                "direction": "received",
                "tx": tx,
                "outputAddress": address,
                "assetAmount": str(amount),
            },
        )
        with self.lock:
            self.books.held[transfer["id"]] = (user, asset, amount)
        return self.answered(transfer)

    def answered(self, transfer):
        """Credits a deposit that may be credited. What is stopped or doubtful stays held."""
        if transfer["state"] == "answered" and transfer["verdict"] == "allow":
            with self.lock:
                held = self.books.held.pop(transfer["id"], None)
                if held:
                    self.books.credit(*held)
        return transfer

    def settle(self):
        """Asks again for everything that is held."""
        with self.lock:
            waiting = list(self.books.held)
        return [self.answered(self.cell.get(f"/v1/transfers/{name}")) for name in waiting]

    def may_withdraw(self, user, network, asset, address, amount, name):
        """Before a withdrawal is signed. `name` is the exchange's own: asked twice, answered once."""
        return self.cell.post(
            "/v1/withdrawal-attempts",
            {
                "userId": user,
                "network": network,
                "asset": asset,
                "address": address,
                "attemptIdentifier": name,
                "assetAmount": str(amount),
            },
        )

    def withdraw(self, user, network, asset, address, amount, name):
        """Signs only what nobody objects to. Without an answer nothing is signed."""
        decided = self.may_withdraw(user, network, asset, address, amount, name)
        if decided["verdict"] == "allow":
            with self.lock:
                self.books.signed.append(name)
        return decided

    def open_case(self, alert):
        """A case from an alert. The alert is in the case from then on."""
        case = self.cell.post("/v1/cases", {"title": alert["title"]})
        self.cell.post(f"/v1/alerts/{alert['id']}/case", {"case": case["id"]})
        return case


def is_genuine(secret, header, body, now=None, tolerance_s=300):
    """Whether a webhook was sent by who has the secret, and not long ago.

    `header` is `t=<unix seconds>,v1=<hex HMAC-SHA256 of "<t>.<body>">`.
    """
    parts = dict(part.split("=", 1) for part in header.split(",") if "=" in part)
    try:
        sent = int(parts["t"])
    except (KeyError, ValueError):
        return False
    if abs((time.time() if now is None else now) - sent) > tolerance_s:
        return False
    signed = f"{sent}.".encode() + body
    expected = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, parts.get("v1", ""))


class Receiver:
    """Takes webhooks. Each delivery is handled once, however often it is sent."""

    BODY_BYTES_MAX = 1 << 20

    def __init__(self, handle, host="127.0.0.1", port=0):
        self.handle = handle
        self.secret = None
        self.seen = set()
        self.lock = threading.Lock()
        self.server = ThreadingHTTPServer((host, port), self._handler())
        self.url = f"http://{host}:{self.server.server_port}/interdict"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def take(self, header, body):
        """The status to answer with: 2xx is taken, anything else is sent again later."""
        if self.secret is None:
            return 503
        if not is_genuine(self.secret, header or "", body):
            return 401
        event = json.loads(body)
        with self.lock:
            if event["id"] in self.seen:
                return 204
        self.handle(event)
        # Only now: what broke in the middle must be sent again.
        with self.lock:
            self.seen.add(event["id"])
        return 204

    def _handler(receiver):
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                length = int(self.headers.get("Content-Length") or 0)
                if length > receiver.BODY_BYTES_MAX:
                    self.send_error(413)
                    return
                body = self.rfile.read(length)
                self.send_response(receiver.take(self.headers.get("Interdict-Signature"), body))
                self.end_headers()

            def log_message(self, *_):
                """Bodies name customers' transfers: nothing of them goes to a log."""

        return Handler


def subscribe(cell, receiver, events=("alert.raised", "transfer.answered")):
    """Asks the cell to send events. The secret is shown once."""
    made = cell.post(
        "/v1/webhooks",
        {"url": receiver.url, "events": list(events), "description": "the example exchange"},
    )
    receiver.secret = made["secret"]
    return made
