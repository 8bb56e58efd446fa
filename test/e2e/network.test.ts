import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { baseImage } from "../helpers/base-images.ts";
import { TSBUILD } from "../helpers/cli.ts";
import { commandOutput, runCommand } from "../helpers/command.ts";
import { busyboxFlags, dockerfile, makeContext } from "../helpers/context.ts";
import { OrdinaryUser } from "../helpers/ordinary-user.ts";
import { Outside } from "../helpers/outside.ts";
import { makeTempDir } from "../helpers/temp.ts";

const network = suite("e2e: the private network of a RUN");

const outside = await Outside.start();
const store = makeTempDir("store");

network.after(() => outside.close());

interface Ran {
  readonly code: number;
  /** What the step wrote, without times. */
  readonly output: string;
  readonly stderr: string;
}

/** Builds an image of one RUN with `script`, and returns what it wrote. */
async function run(script: string, flags: readonly string[] = [], base = "busybox"): Promise<Ran> {
  const context = makeContext({ Dockerfile: dockerfile(`FROM ${base}`, "RUN <<EOF", script, "EOF") });
  const debian = ["--build-context", `debian=oci-layout://${await baseImage("debian")}:latest`];
  const images = [...(await busyboxFlags()), ...debian];
  const common = ["--store", store, "--progress", "plain", "--no-cache", ...images];
  const { code, stderr } = await outside.tsbuild(["build", ...common, ...flags, context]);
  const lines = stderr.split("\n").flatMap((line) => /^#\d+ \d+\.\d+ ?(.*)$/.exec(line)?.slice(1) ?? []);
  return { code, output: lines.join("\n"), stderr };
}

async function output(script: string, flags: readonly string[] = [], base = "busybox"): Promise<string> {
  const ran = await run(script, flags, base);
  assert.is(ran.code, 0, ran.stderr);
  return ran.output;
}

const get = (url: string) => `wget -q -O - ${url} 2>&1 || true`;

network("it reaches the outside by address and by name, over IPv4 and IPv6", async () => {
  const script = [get("http://10.77.1.1/"), get("http://a.test/"), get("http://alias.test/"), get("http://short/")];
  assert.equal((await output([...script, get("http://[2001:db8:77::1]/")].join("\n"))).split("\n"), [
    "hello from ::ffff:10.77.1.1",
    "hello from ::ffff:10.77.1.1",
    "hello from ::ffff:10.77.1.1",
    "hello from ::ffff:10.77.1.1",
    "hello from 2001:db8:77::1",
  ]);
});

const CLOSED = {
  "the machine's loopback": "http://127.0.0.1:8123/",
  "a name of the machine's loopback": "http://loop.test:8123/",
  "metadata services": "http://169.254.169.254/",
  "the unspecified address": "http://0.0.0.0:8123/",
  "a port that nobody listens to": "http://10.77.1.1:81/",
  "the machine's loopback in the clothes of IPv6": "http://[::ffff:127.0.0.1]:8123/",
  "the machine's loopback by NAT64": "http://[64:ff9b::7f00:1]:8123/",
} as const;

network(`closed, and refused at once: ${Object.keys(CLOSED).join(", ")}`, async () => {
  const started = performance.now();
  const lines = (await output(Object.values(CLOSED).map(get).join("\n"))).split("\n");
  assert.is(lines.length, Object.keys(CLOSED).length, lines.join());
  for (const line of lines) assert.match(line, /refused/);
  assert.ok(performance.now() - started < 20_000);
});

network("host-gateway is the machine's own address, and not its loopback", async () => {
  const script = [get("http://docker.host:8124/"), get("http://docker.host:8123/")].join("\n");
  const lines = (await output(script, ["--add-host", "docker.host:host-gateway"])).split("\n");
  assert.is(lines[0], "all addresses");
  assert.match(lines[1] ?? "", /refused/);
});

network("large transfers arrive whole, in both directions", async () => {
  const size = 50_000_000;
  const script = `
    wget -q -O - http://10.77.1.1/${size} | sha256sum
    wget -q -O /tmp/x http://10.77.1.1/${size}
    wget -q -O - --post-file /tmp/x http://10.77.1.1/`;
  const digest = createHash("sha256").update(Buffer.alloc(size, "0123456789abcdef")).digest("hex");
  assert.equal((await output(script)).split("\n"), [`${digest}  -`, digest]);
});

network("a connection that the step has ended still brings the answer", async () => {
  assert.is(await output("head -c 3000000 /dev/zero | nc 10.77.1.1 9000"), "counted 3000000");
});

network("a connection that the other end resets is reset", async () => {
  const script = `perl -e '
    use IO::Socket::INET;
    my $s = IO::Socket::INET->new("10.77.1.1:9002") or die "connect: $!";
    syswrite($s, "x"); my $n = sysread($s, my $b, 1); print defined $n ? "end\\n" : "$!\\n"'`;
  assert.is(await output(script, [], "debian"), "Connection reset by peer");
});

network("hundreds of connections at once", async () => {
  const script = `perl -e '
    use IO::Socket::INET; $SIG{PIPE} = "IGNORE";
    my @open = map { IO::Socket::INET->new("10.77.1.1:9000") or die "connect $_: $!" } 1..600;
    for my $i (0..599) { print {$open[$i]} "x" x $i; $open[$i]->shutdown(1) }
    my $right = grep { my $line = readline $open[$_]; $line eq "counted $_\\n" } 0..599;
    print "$right\\n"'`;
  assert.is(await output(script, [], "debian"), "600");
});

network("datagrams go and come, and word that nobody listens", async () => {
  const script = `perl -e '
    use IO::Socket::INET;
    for my $size (1, 1400, 9000, 60000) {
      my $s = IO::Socket::INET->new(Proto => "udp", PeerAddr => "10.77.0.2:9001") or die;
      $s->send("y" x $size); my $rin = ""; vec($rin, fileno($s), 1) = 1;
      select($rin, undef, undef, 5) or die "no answer"; $s->recv(my $b, 65536); print length($b), "\\n" }
    my $s = IO::Socket::INET->new(Proto => "udp", PeerAddr => "10.77.0.2:9999") or die;
    $s->send("y"); select(undef, undef, undef, 0.3); $s->send("y") or print "$!\\n"'`;
  assert.equal((await output(script, [], "debian")).split("\n"), ["1", "1400", "9000", "60000", "Connection refused"]);
});

network("answers that are too long for a datagram come by TCP", async () => {
  assert.match(await output("getent ahostsv4 big.test | grep -c STREAM", [], "debian"), /^200$/);
});

const RCODES = `perl -e '
    use IO::Socket::INET;
    my $name = "\\1a\\4test\\0"; my $in = "\\0\\1\\0\\1";
    my $head = sub { pack("n6", 7, @_, 0, 0, 0) };
    for ($head->(0x100, 1) . $name . $in, $head->(0x100, 1) . $name . "\\0\\377\\0\\1", $head->(0x100, 1) . $name . "\\0\\20\\0\\3",
         $head->(0x100, 0), $head->(0x100, 2) . ($name . $in) x 2, $head->(0x1000, 1) . $name . $in, $head->(0x100, 1) . "\\77a") {
      my $s = IO::Socket::INET->new(Proto => "udp", PeerAddr => "192.0.0.102:53"); $s->send($_);
      my $rin = ""; vec($rin, fileno($s), 1) = 1;
      if (!select($rin, undef, undef, 5)) { print "nothing\\n"; next }
      $s->recv(my $b, 512); print unpack("x3C", $b) & 15, "\\n" }
    my $s = IO::Socket::INET->new("192.0.0.102:53"); print $s pack("n", 12) . $head->(0x100, 0); $s->shutdown(1);
    local $/; print "by TCP ", unpack("x5C", <$s>) & 15, "\\n"'`;

network("queries of every kind are answered: forwarded, or told why not", async () => {
  const kinds = ["of A", "of any type", "of CHAOS", "no question", "two questions", "another operation", "malformed"];
  const codes = (await output(RCODES, [], "debian")).split("\n");
  assert.equal(
    kinds.map((kind, index) => `${kind}: ${codes[index]}`),
    [
      ...["of A: 0", "of any type: 0", "of CHAOS: 0", "no question: 1", "two questions: 1"],
      ...["another operation: 4", "malformed: 1"],
    ],
  );
  assert.is(codes.at(-1), "by TCP 1");
});

network("a nameserver that is link-local is asked by its interface", async () => {
  const file = join(makeTempDir("resolver"), "resolv.conf");
  writeFileSync(file, "nameserver fe80::2%wire\n");
  const context = makeContext({ Dockerfile: dockerfile("FROM busybox", "RUN wget -q -O - http://a.test/") });
  const build = [...TSBUILD, "build", "--store", store, "--no-cache", "--progress", "plain", ...(await busyboxFlags())];
  const script = `mount --bind "$1" /etc/resolv.conf && shift && exec "$@"`;
  const argv = outside.commandLine(["unshare", "--mount", "sh", "-c", script, "sh", file, ...build, context]);
  const { code, stderr } = await runCommand(argv, { env: { NO_COLOR: "1" } });
  assert.is(code, 0, stderr);
  assert.match(stderr, /hello from ::ffff:10\.77\.1\.1/);
});

network("bytes are counted for the step", async () => {
  const context = makeContext({
    Dockerfile: dockerfile("FROM busybox", "RUN wget -q -O /dev/null http://10.77.1.1/1000000"),
  });
  const [, name = ""] = (await busyboxFlags()).at(-1)?.split("=") ?? [];
  const program = `
    import { build } from ${JSON.stringify(import.meta.resolve("../../builder/index.ts"))};
    const buildContexts = { busybox: ${JSON.stringify(name)} };
    const onEvent = (event) => event.type === "usage" && console.log(event.usage.networkReceivedBytes);
    await build({ context: ${JSON.stringify(context)}, store: ${JSON.stringify(store)}, buildContexts, noCache: true, onEvent });`;
  const node = [process.execPath, "--import", import.meta.resolve("tsx"), "--input-type=module", "--eval", program];
  const received = Number(await commandOutput(outside.commandLine(node)));
  assert.ok(received > 1_000_000 && received < 1_100_000, `${received}`);
});

network("--net-bps slows both directions", async () => {
  const script = `
    now() { cut -d' ' -f1 /proc/uptime | tr -d . | sed 's/^0*//'; }
    a=$(now); wget -q -O /dev/null http://10.77.1.1/3000000
    b=$(now); head -c 3000000 /dev/zero | nc 10.77.1.1 9000 > /dev/null
    c=$(now); echo $((b - a)) $((c - b))`;
  const [free, slow] = [await output(script), await output(script, ["--net-bps", "2m"])];
  const [down = 0, up = 0] = slow.split(" ").map(Number);
  for (const hundredths of [down, up]) assert.ok(hundredths > 100 && hundredths < 1000, `${slow} against ${free}`);
});

network("--allow-net opens the names of the list and nothing else", async () => {
  const flags = ["--allow-net", "a.test:80,*.sub.a.test"];
  const script = [
    get("http://10.77.1.1/"),
    get("http://a.test/"),
    get("http://deep.sub.a.test/"),
    get("http://10.77.1.2/"),
    get("http://b.test/"),
    get("http://a.test:81/"),
  ].join("\n");
  outside.takeLookups();
  const { code, output, stderr } = await run(script, flags);
  assert.is(code, 0, stderr);
  const lines = output.split("\n");
  assert.match(lines[0] ?? "", /refused/);
  assert.is(lines[1], "hello from ::ffff:10.77.1.1");
  assert.is(lines[2], "hello from ::ffff:10.77.1.1");
  assert.match(lines[3] ?? "", /refused/);
  assert.match(lines[4] ?? "", /bad address/);
  assert.match(output, /^blocked by --allow-net: 10\.77\.1\.1:80$/m);
  assert.match(output, /^blocked by --allow-net: 10\.77\.1\.2:80$/m);
  assert.match(output, /^blocked by --allow-net: b\.test$/m);
  const asked = outside.takeLookups();
  assert.ok(asked.includes("a.test"));
  assert.not.ok(
    asked.some((name) => name.startsWith("b.test")),
    asked.join(),
  );
});

network("no other nameserver is reached past the list, and no name of another is told", async () => {
  const script = "nslookup secret.b.test 10.77.0.2 || true; nslookup secret.b.test || true";
  outside.takeLookups();
  await run(script, ["--allow-net", "a.test"]);
  assert.equal(
    outside.takeLookups().filter((name) => name.includes("secret")),
    [],
  );
});

network("a step that fails for what the list lacks says what to add", async () => {
  const { code, stderr } = await run("wget -q -O - http://b.test/", ["--allow-net", "a.test"]);
  assert.is(code, 1);
  assert.match(stderr, /hint: blocked by --allow-net: b\.test; if the step may reach it, add --allow-net b\.test/);
});

network("a name of --add-host is allowed by its name, and blocks by their bits", async () => {
  const script = [get("http://own.name/"), get("http://10.77.1.1/")].join("\n");
  const flags = ["--add-host", "own.name:10.77.1.2", "--allow-net", "own.name", "--allow-net", "10.77.1.0/31"];
  assert.equal((await output(script, flags)).split("\n"), [
    "hello from ::ffff:10.77.1.2",
    "hello from ::ffff:10.77.1.1",
  ]);
});

for (const [name, lines, flags, message] of [
  [
    "--allow-net with --network none",
    ["FROM busybox"],
    ["--allow-net", "a", "--network", "none"],
    /--allow-net does not go with --network none/,
  ],
  [
    "--net-bps with --network host",
    ["FROM busybox"],
    ["--net-bps", "1m", "--network", "host"],
    /--net-bps does not go with --network host/,
  ],
  [
    "--allow-net with a RUN --network=host",
    ["FROM busybox", "RUN --network=host true"],
    ["--allow-net", "a", "--allow", "network.host"],
    /--allow-net cannot be held in a step with the host's network/,
  ],
  [
    "--allow-net with a RUN --security=insecure",
    ["FROM busybox", "RUN --security=insecure true"],
    ["--allow-net", "a", "--allow", "security.insecure"],
    /--allow-net cannot be held in a step without a sandbox/,
  ],
] as const) {
  network(`refused before anything runs: ${name}`, async () => {
    const context = makeContext({ Dockerfile: dockerfile(...lines) });
    const args = ["build", "--store", store, ...(await busyboxFlags()), ...flags, context];
    const { code, stderr } = await outside.tsbuild(args);
    assert.is(code, 1);
    assert.match(stderr, message);
  });
}

network("with a veth pair, where /dev/net/tun cannot be opened, it is the same", async () => {
  const context = makeContext({
    Dockerfile: dockerfile(
      "FROM busybox",
      "RUN wget -q -O - http://a.test/ && wget -q -O - http://10.77.1.1/20000000 | sha256sum",
    ),
  });
  const script = `mount --bind /dev/null /dev/net/tun && exec "$@"`;
  const build = [...TSBUILD, "build", "--store", store, "--no-cache", "--progress", "plain", ...(await busyboxFlags())];
  const argv = outside.commandLine([
    "unshare",
    "--mount",
    "sh",
    "-c",
    script,
    "sh",
    ...build,
    "--network",
    "private",
    context,
  ]);
  const { code, stderr } = await runCommand(argv, { env: { NO_COLOR: "1" } });
  assert.is(code, 0, stderr);
  assert.match(stderr, /hello from ::ffff:10\.77\.1\.1/);
  const digest = createHash("sha256").update(Buffer.alloc(20_000_000, "0123456789abcdef")).digest("hex");
  assert.match(stderr, new RegExp(digest));
});

network("an ordinary user's steps have it too, with what they may not reach", async () => {
  const user = new OrdinaryUser();
  const script = [get("http://a.test/"), get("http://127.0.0.1:8123/"), get("http://169.254.169.254/")].join("; ");
  const context = user.contextOf(makeContext({ Dockerfile: dockerfile("FROM busybox", `RUN ${script}`) }));
  const base = `busybox=oci-layout://${user.pathOf(await baseImage("busybox"))}:latest`;
  const flags = ["--progress", "plain", "--network", "private", "--build-context", base];
  const argv = outside.commandLine(user.tsbuildLine("build", ...flags, context));
  const { code, stderr } = await runCommand(argv, { env: user.env });
  assert.is(code, 0, stderr);
  assert.match(stderr, /hello from ::ffff:10\.77\.1\.1/);
  assert.is(stderr.match(/Connection refused/g)?.length, 2, stderr);
});

network("whatever bytes a step sends, the builder goes on, and so does the network", async () => {
  const script = `perl -e '
    use Socket; srand(7);
    my ($raw, $n) = (undef, 0);
    socket($raw, AF_INET, SOCK_RAW, 255) or die "raw: $!";
    setsockopt($raw, 0, 3, 1) or die "IP_HDRINCL: $!";
    for my $i (1..20000) {
      my $length = 20 + int(rand(120));
      my $packet = pack("C*", map { int(rand(256)) } 1..$length);
      substr($packet, 0, 1) = chr(0x40 | (rand() < 0.7 ? 5 : int(rand(16))));
      substr($packet, 9, 1) = chr((1, 6, 17, int(rand(256)))[int(rand(4))]);
      substr($packet, 6, 2) = "\\0\\0" if rand() < 0.8;
      substr($packet, 12, 4) = inet_aton("192.0.0.100") if rand() < 0.9;
      my $to = rand() < 0.3 ? "192.0.0.102" : "10.77.1." . int(rand(4));
      substr($packet, 16, 4) = inet_aton($to);
      send($raw, $packet, 0, pack_sockaddr_in(0, inet_aton($to))) and $n++;
    }
    print $n > 5000 ? "sent\n" : "only $n\n"'
  getent ahostsv4 a.test | head -1 | cut -d" " -f1`;
  assert.equal((await output(script, [], "debian")).split("\n"), ["sent", "10.77.1.1"]);
});

network.run();
