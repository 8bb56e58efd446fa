import { readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { output, run, stepSpec } from "./sandbox-fixture.ts";

const network = suite("sandbox: the private network");

const own = { network: "private" } as const;

/** What this process holds open, and its threads. */
function held(): { readonly descriptors: number; readonly threads: number } {
  return {
    descriptors: readdirSync("/proc/self/fd").length,
    threads: readdirSync("/proc/self/task").length,
  };
}

network("a step has one interface beside lo, an address, and a way out", async () => {
  assert.is(await output("ls /sys/class/net | grep -v outside | tr '\\n' ' '", own), "eth0 lo ");
  assert.match(await output("ip -4 addr show eth0", own), /inet 192\.0\.0\.100\/24/);
  assert.match(await output("ip route", own), /default via 192\.0\.0\.101 dev eth0/);
});

network("what is not sent is not counted, and starts nothing", async () => {
  const ran = await run(stepSpec("true", own));
  assert.is(ran.usage.networkSentBytes, undefined);
  assert.equal(ran.networkBlocked, []);
  assert.is(ran.networkMissing, undefined);
});

network("a step cannot change its own way out", async () => {
  for (const command of ["ip link set eth0 down", "ip addr add 1.2.3.4/32 dev eth0", "ip route del default"]) {
    assert.not.equal((await run(stepSpec(command, own))).exitCode, 0, command);
  }
});

network("hundreds of steps leave no thread and no descriptor", async () => {
  const step = () => run(stepSpec("nc -w 1 169.254.169.254 80 < /dev/null", own));
  for (let count = 0; count < 5; count++) await step();
  const before = held();
  for (let count = 0; count < 200; count++) assert.is((await step()).exitCode, 1);
  // The last steps are still being taken down when they have been told of.
  const isBack = ({ descriptors, threads }: ReturnType<typeof held>) =>
    descriptors <= before.descriptors + 3 && threads <= before.threads + 3;
  for (let tries = 0; tries < 100 && !isBack(held()); tries++) await sleep(50);
  const after = held();
  assert.ok(after.descriptors <= before.descriptors + 3, `${after.descriptors} after ${before.descriptors}`);
  assert.ok(after.threads <= before.threads + 3, `${after.threads} after ${before.threads}`);
});

network("ends that are closed to every step are told", async () => {
  const ran = await run(stepSpec("nc -w 1 169.254.169.254 80 < /dev/null", own));
  assert.equal(ran.networkBlocked, ["169.254.169.254:80"]);
  assert.ok((ran.usage.networkSentBytes ?? 0) > 0);
});

network.run();
