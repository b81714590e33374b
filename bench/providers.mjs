// What a long table of providers costs: `make bench-providers`. Beside a gateway with a single provider stand one with a table of one, and one
// with a table of PROVIDERS: how long each takes to start, what beginning a login costs by each way of finding the provider, and what an
// everyday request costs, at a host and on a route with providers of their own too. The figure is processor time of workerd.
import { request } from "../tests/parts/http.mjs";
import { createTable } from "../tests/parts/providers.mjs";
import { createWorld } from "../tests/parts/world.mjs";
import { cpu, watchOthers } from "./processes.mjs";

const number = (name, value) => Number(process.env[name] ?? value);
const [PROVIDERS, ROUNDS, LOGINS, REQUESTS, STARTS] = [number("PROVIDERS", 200), number("ROUNDS", 6), number("LOGINS", 400), number("REQUESTS", 4000), number("STARTS", 5)];
/** Requests at the same time. */
const WIDTH = 8;
const NAVIGATION = { "sec-fetch-mode": "navigate", "sec-fetch-dest": "document", accept: "text/html" };

/** Further elements, each with a host and a domain, of which nobody logs in. */
const others = (count, port) =>
  Array.from({ length: count }, (_, n) => ({
    name: `tenant-${n}`,
    label: `Tenant ${n}`,
    issuer: `https://login.tenant-${n}.example/oauth2/default`,
    client_id: `client-${n}`,
    secret: "CORP_SECRET",
    hosts: [`tenant-${n}.localhost:${port}`],
    domains: [`tenant-${n}.example`],
  }));

async function table(size) {
  const world = await createTable(undefined, {
    origins: (port) => [`http://127.0.0.1:${port}`, `http://*.localhost:${port}`],
    providers: { corp: { hostile: true, domains: ["corp.example"], hosts: ["corp.localhost"] } },
    routes: [{ match: "/own/*", providers: ["corp"] }, { match: "/*" }],
  });
  if (size > 1) {
    // What was started stands last, so that no search finds it at once.
    world.gateway.vars.PROVIDERS = [...others(size - 1, world.gateway.port), ...world.table];
    await world.gateway.restart();
  }
  return world;
}

const single = await createWorld(undefined, { hostile: true });
const worlds = { "a single provider": single, "a table of one": await table(1), [`a table of ${PROVIDERS}`]: await table(PROVIDERS) };
const watched = watchOthers([process.pid, ...Object.values(worlds).map(({ gateway }) => gateway.pid)]);
try {
  const cases = [];
  for (const [name, world] of Object.entries(worlds)) {
    const { gateway } = world;
    const isTable = world !== single;
    const host = (label) => (label ? { host: `${label}.localhost:${gateway.port}` } : {});
    const login = (query, label) => ({ count: LOGINS, path: `/auth/login?return_to=/&${query}`, headers: { ...NAVIGATION, ...host(label) }, status: 302 });
    const browser = isTable ? await world.login("corp") : await world.login();
    const atHost = isTable ? await world.login(undefined, { host: "corp" }) : undefined;
    const get = (path, from, label) => ({ count: REQUESTS, path, headers: { cookie: from.sessionHeader, "sec-fetch-site": "same-origin", ...host(label) }, status: 200 });
    const add = (what, asked) => cases.push({ name, gateway, what, asked, rounds: [] });
    add("a login begins, by name", login(isTable ? "provider=corp" : ""));
    if (isTable) {
      add("a login begins, by domain", login("login_hint=ada@corp.example"));
      add("a login begins, by host", login("", "corp"));
      if (gateway.vars.PROVIDERS.length > 1) add("the page to choose", { ...login(""), status: 200 });
    }
    add("a request", get("/x", browser));
    if (isTable) {
      add("a request at a host of its own", get("/x", atHost, "corp"));
      add("a request on a route of its own", get("/own/x", browser));
    }
  }
  for (const one of cases) await take(one.gateway, { ...one.asked, count: Math.min(one.asked.count, 200) });
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const one of round % 2 === 0 ? cases : cases.toReversed()) one.rounds.push(await take(one.gateway, one.asked));
  }
  const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
  console.log(`microseconds of processor time, median of ${ROUNDS} rounds (least..most)`);
  for (const { what, name, rounds } of cases.toSorted((a, b) => a.what.localeCompare(b.what))) {
    const [least, most] = [Math.min(...rounds), Math.max(...rounds)].map(Math.round);
    console.log(`${what.padEnd(36)}${name.padEnd(24)}${String(Math.round(median(rounds))).padStart(7)} (${least}..${most})`);
  }
  console.log(`other processes kept ${watched().toFixed(1)} cores busy meanwhile`);
  for (const [name, { gateway }] of Object.entries(worlds)) {
    const times = [];
    for (let round = 0; round < STARTS; round += 1) {
      await gateway.stop();
      const began = performance.now();
      await gateway.start();
      times.push([performance.now() - began, cpu(gateway.pid) / 1000]);
    }
    const [time, used] = [0, 1].map((at) => Math.round(median(times.map((one) => one[at]))));
    console.log(`${"start-up, to the first 200".padEnd(36)}${name.padEnd(24)}${String(time).padStart(7)} ms, ${used} ms of processor time`);
  }
} finally {
  for (const world of Object.values(worlds)) await world.close();
}
process.exit(0);

/** Microseconds of processor time that one of so many requests costs. */
async function take(gateway, { count, path, headers, status }) {
  const before = cpu(gateway.pid);
  let left = count;
  await Promise.all(
    Array.from({ length: WIDTH }, async () => {
      while (left-- > 0) {
        const answer = await request(`${gateway.origin}${path}`, { headers });
        if (answer.status !== status) throw new Error(`${path} answered ${answer.status}: ${answer.text.slice(0, 300)}`);
      }
    }),
  );
  return (cpu(gateway.pid) - before) / count;
}
