// The ways in: a passkey alone and beside a password, codes of a device, a provider; and who may come by them. The
// passkeys are of Chromium's own virtual authenticator.
import { createHmac, createHash } from "node:crypto";
import { createServer } from "node:http";
import { createServer as createSocket } from "node:net";
import { resolve } from "node:path";
import { Desk } from "./desk.mjs";
import { Provider } from "./provider.mjs";
import { must } from "./suite.mjs";
import { go, PASSWORD, signIn } from "./story.mjs";

function freePort() {
  return new Promise((done) => {
    const socket = createSocket().listen(0, "127.0.0.1", () => {
      const { port } = socket.address();
      socket.close(() => done(port));
    });
  });
}

/** The six digits of RFC 6238 for a secret in base 32. */
function digits(secret, at = Date.now()) {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret.replace(/[^A-Z2-7]/g, "")].map((c) => alphabet.indexOf(c).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => parseInt(byte, 2)));
  const count = Buffer.alloc(8);
  count.writeBigUInt64BE(BigInt(Math.floor(at / 30_000)));
  const mac = createHmac("sha1", key).update(count).digest();
  return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

async function out(page) {
  await page.click("nav .foot button:has-text('Sign out')");
  await page.waitForSelector("input[name=username]");
}

export function doors(world) {
  const { suite, watched, shots } = world;
  let desk, provider, page, secret, receiver;
  const heard = [];

  suite.check("6 a server that knows its address offers passkeys and a provider", async () => {
    provider = await Provider.start();
    const port = await freePort();
    const typed = `http://localhost:${port}`;
    const config = `[serve]\norigin = "${typed}"\npasskeys = true\n[webhooks]\nallow_private = true\n[oidc]\nissuer = "${provider.issuer}"\nclient_id = "cell"\nallow_private = true\n[oidc.roles]\n"cell-analysts" = "analyst"\n"cell-admins" = "administrator"\n`;
    desk = new Desk(resolve(world.binary), "doors", { config, typed, port });
    world.doors = desk;
    await desk.start();
    page = await watched.page(desk.origin, { others: [provider.issuer] });
    await page.goto(`${desk.origin}/#welcome=${desk.link}`);
    await page.fill("input[name=username]", "ada");
    await page.fill("input[name=password]", PASSWORD);
    await page.click("button.main");
    await page.waitForSelector("#main h1");
    await out(page);
    await page.waitForSelector("button:has-text('Sign in with a passkey')");
    await page.waitForSelector(`a:has-text('Sign in at ${new URL(provider.issuer).host}')`);
    const faults = await watched.axe(page);
    must(!faults.length, JSON.stringify(faults));
    if (shots) await page.screenshot({ path: `${shots}signin-ways.png` });
  });
  suite.check("6 a passkey is added on the page, signs in alone and beside a password, and is removed", async () => {
    const cdp = await page.context().newCDPSession(page);
    await cdp.send("WebAuthn.enable");
    const { authenticatorId } = await cdp.send("WebAuthn.addVirtualAuthenticator", { options: { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true } });
    // Nobody has one yet: the device says so, and the page says it in words.
    await cdp.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: true });
    await signIn(page, desk.origin, "ada");
    await go(page, desk.origin, "/me");
    await page.waitForSelector("text=You have none yet");
    await page.click("button:has-text('Add a passkey')");
    await page.fill("dialog input >> nth=0", "blue key 藍");
    await page.fill("dialog input[type=password]", "not her password");
    await page.click("dialog button.main");
    await page.waitForSelector("dialog [role=alert]");
    await page.fill("dialog input[type=password]", PASSWORD);
    await page.click("dialog button.main");
    await page.waitForSelector("td:has-text('blue key 藍')");
    if (shots) await page.screenshot({ path: `${shots}me-passkeys.png` });
    const { credentials } = await cdp.send("WebAuthn.getCredentials", { authenticatorId });
    must(credentials.length === 1 && credentials[0].rpId === "localhost", JSON.stringify(credentials));
    await out(page);
    await page.click("button:has-text('Sign in with a passkey')");
    await page.waitForSelector("#main h1");
    await out(page);
    await page.fill("input[name=username]", "ada");
    await page.fill("input[name=password]", PASSWORD);
    await page.click("button.main");
    await page.click("button:has-text('Use a passkey instead')");
    await page.waitForSelector("#main h1");
    // A device that does not recognise its owner signs nobody in.
    await out(page);
    await cdp.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: false });
    await page.click("button:has-text('Sign in with a passkey')");
    await page.waitForSelector("[role=alert]:has-text('passkey')", { timeout: 70_000 });
    await cdp.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: true });
    await page.click("button:has-text('Sign in with a passkey')");
    await page.waitForSelector("#main h1");
    await go(page, desk.origin, "/me");
    await page.click("td button:has-text('Remove')");
    await page.fill("dialog input[type=password]", PASSWORD);
    await page.click("dialog button.main");
    await page.waitForSelector("text=You have none yet");
    await out(page);
    await page.click("button:has-text('Sign in with a passkey')");
    await page.waitForSelector("[role=alert]");
    await cdp.detach();
  });
  suite.check("6 codes are set up on the page: a wrong one is refused there, a right one counts", async () => {
    await signIn(page, desk.origin, "ada");
    await go(page, desk.origin, "/me");
    await page.click("button:has-text('Set up codes')");
    await page.fill("dialog input[type=password]", PASSWORD);
    await page.click("dialog button.main");
    secret = (await page.textContent("form code")).trim();
    await page.fill("form input[inputmode=numeric]", "000000");
    await page.click("form button:has-text('Confirm')");
    await page.waitForSelector("form [role=alert]");
    // Confirmed with the code of the step before, so that the one of now still signs in.
    await page.fill("form input[inputmode=numeric]", digits(secret, Date.now() - 30_000));
    await page.click("form button:has-text('Confirm')");
    await page.waitForSelector(".chip:has-text('set up')");
    await out(page);
    await page.fill("input[name=username]", "ada");
    await page.fill("input[name=password]", PASSWORD);
    await page.click("button.main");
    await page.fill("input[name=code]", digits(secret));
    await page.click("button.main");
    await page.waitForSelector("#main h1");
    await go(page, desk.origin, "/me");
    await page.click("button:has-text('Do without codes')");
    await page.fill("dialog input[type=password]", PASSWORD);
    await page.click("dialog button.main");
    await page.waitForSelector("button:has-text('Set up codes')");
  });
  suite.check("6 a provider signs in whom its groups let in, and whom they do not reads why", async () => {
    await out(page);
    await page.click(`a:has-text('Sign in at')`);
    await page.waitForSelector("#main h1");
    await page.waitForSelector("header .who:has-text('grace')");
    await go(page, desk.origin, "/me");
    await page.waitForSelector("dd:has-text('analyst')");
    await out(page);
    provider.claims = { ...provider.claims, groups: ["staff"] };
    await page.click(`a:has-text('Sign in at')`);
    await page.waitForSelector("h1:has-text('Not signed in')");
    await page.waitForSelector("text=gives you a role here");
    if (shots) await page.screenshot({ path: `${shots}not-signed-in.png` });
    await page.click("a:has-text('Back to signing in')");
    await page.waitForSelector("input[name=username]");
  });
  suite.check("6 a session that ended is begun again by another, and what was open was not theirs", async () => {
    provider.claims = { ...provider.claims, groups: ["cell-analysts"] };
    await signIn(page, desk.origin, "ada");
    await go(page, desk.origin, "/cases");
    await page.click("button:has-text('New case')");
    await page.fill("dialog input >> nth=0", "what ada was writing");
    await page.context().clearCookies();
    await page.click("dialog button.main");
    await page.waitForSelector("text=Your session ended");
    const [other] = await Promise.all([page.context().waitForEvent("page"), page.click("a:has-text('in another window')")]);
    await other.waitForSelector("#main h1");
    await other.close();
    await page.click("button:has-text('I am signed in there')");
    await page.waitForSelector("header .who:has-text('grace')");
    must((await page.locator("dialog").count()) === 0, "grace sees what ada was writing");
  });
  suite.check("7 people, teams and links are looked after on the page", async () => {
    await out(page);
    await signIn(page, desk.origin, "ada");
    await go(page, desk.origin, "/admin?tab=teams");
    await page.click("button:has-text('Add a team')");
    await page.fill("dialog input", "east.investigations");
    await page.click("dialog button.main");
    await page.waitForSelector("td:has-text('east.investigations')");
    await go(page, desk.origin, "/admin");
    await page.click("button:has-text('Add somebody')");
    await page.fill("dialog input >> nth=0", "nina");
    await page.selectOption("dialog select", "viewer");
    await page.check("dialog label:has-text('east') input");
    await page.click("dialog button.main");
    const link = (await page.textContent("dialog code")).trim();
    await page.click("dialog [aria-label=Close]");
    await page.waitForSelector("tr:has-text('nina') .chip:has-text('no password yet')");
    const nina = await watched.page(desk.origin);
    await nina.goto(link);
    await nina.fill("input[name=password]", PASSWORD);
    await nina.click("button.main");
    await nina.waitForSelector("#main h1");
    // Locked: the session ends. Then a new link, by which a new password is chosen.
    await page.click("[aria-label='Lock nina']");
    await page.click("dialog button.main");
    await page.waitForSelector("tr:has-text('nina') .chip:has-text('locked')");
    await go(nina, desk.origin, "/cases");
    await nina.waitForSelector("text=Your session ended");
    await page.click("[aria-label='Unlock nina']");
    await page.click("dialog button.main");
    await page.waitForSelector("[aria-label='Lock nina']");
    await page.click("[aria-label='New link for nina']");
    await page.click("dialog button.main");
    const again = (await page.textContent("dialog code")).trim();
    must(again !== link, "the link is the same");
    await page.click("dialog [aria-label=Close]");
    await page.click("[aria-label='Change nina']");
    await page.selectOption("dialog select", "analyst");
    await page.click("dialog button.main");
    await page.waitForSelector("tr:has-text('nina'):has-text('Analyst'):has-text('east')");
    must(await page.isDisabled("[aria-label='Lock ada']"), "she may lock herself out");
    await nina.context().close();
  });
  suite.check("7 a key is made, shown once, works by its scopes, and is refused once revoked", async () => {
    await go(page, desk.origin, "/admin?tab=keys");
    await page.waitForSelector("text=No key yet");
    await page.click("button:has-text('Make a key')");
    await page.fill("dialog input >> nth=0", "exchange-1");
    await page.click("dialog button.main");
    await page.waitForSelector("dialog [role=alert]");
    await page.check("dialog label:has-text('alerts:') input");
    await page.click("dialog button.main");
    const key = (await page.textContent("dialog code")).trim();
    must(/^idk_/.test(key), key);
    await page.click("dialog [aria-label=Close]");
    await page.waitForSelector("dialog", { state: "detached" });
    must(!(await page.textContent("main")).includes(key), "the key is shown again");
    const status = async (path) => (await fetch(desk.origin + path, { headers: { authorization: `Bearer ${key}` } })).status;
    must((await status("/v1/alerts")) === 200 && (await status("/v1/cases")) === 403, "the scopes do not hold");
    await page.click("[aria-label='Revoke exchange-1']");
    await page.click("dialog button.main");
    await page.waitForSelector("td:has-text('revoked')");
    must((await status("/v1/alerts")) === 401, "a revoked key works");
  });
  suite.check("7 a webhook is added, its secret shown once, a test arrives signed, and what fails is told", async () => {
    receiver = createServer(async (asked, answer) => {
      let body = "";
      for await (const part of asked) body += part;
      heard.push({ headers: asked.headers, body });
      answer.writeHead(204).end();
    });
    await new Promise((done) => receiver.listen(0, "127.0.0.1", done));
    const at = `http://127.0.0.1:${receiver.address().port}/told`;
    await go(page, desk.origin, "/admin?tab=hooks");
    await page.waitForSelector("text=No webhook is set up");
    await page.click("button:has-text('Add a webhook')");
    await page.fill("dialog input >> nth=0", "ftp://nowhere");
    await page.click("dialog button.main");
    await page.waitForSelector("dialog [role=alert]");
    await page.fill("dialog input >> nth=0", at);
    await page.fill("dialog input >> nth=1", "alert.* case.*");
    await page.click("dialog button.main");
    const found = (await page.textContent("dialog code")).trim();
    must(found.length > 20, found);
    await page.click("dialog [aria-label=Close]");
    await page.click("button:has-text('Send a test')");
    await page.waitForSelector("td .chip:has-text('delivered')", { timeout: 20_000 });
    const [told] = heard.filter((one) => one.body.includes("webhook.test"));
    must(told && Object.keys(told.headers).some((name) => /signature/.test(name)), `heard ${JSON.stringify(heard)}`);
    await new Promise((done) => receiver.close(done));
    receiver.closeAllConnections();
    await page.click("button:has-text('Send a test')");
    await page.waitForSelector("td .chip:has-text('waiting')");
    await page.waitForSelector("text=/[1-9]\\d* failed since/", { timeout: 30_000 });
    if (shots) await page.screenshot({ path: `${shots}webhooks.png`, fullPage: true });
    const faults = await watched.axe(page);
    must(!faults.length, JSON.stringify(faults));
    await page.click("button:has-text('New secret')");
    await page.click("dialog button.main");
    must((await page.textContent("dialog code")).trim() !== found, "the secret is the same");
    await page.click("dialog [aria-label=Close]");
    await page.click("section button:has-text('Remove')");
    await page.click("dialog button.main");
    await page.waitForSelector("text=No webhook is set up");
    await page.context().close();
    provider.stop();
    await desk.end();
  });
}
