import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseAllow } from "../../../builder/cli/parse-allow.ts";
import { parseSecrets } from "../../../builder/cli/parse-secret.ts";
import { parseSsh } from "../../../builder/cli/parse-ssh.ts";
import { UsageError } from "../../../builder/cli/usage-error.ts";
import type { Secret } from "../../../builder/options.ts";

const test = suite("--secret, --ssh and --allow");
const ENV = { TOKEN: "t", SSH_AUTH_SOCK: "/agent" };

const SECRETS: readonly (readonly [string, Readonly<Record<string, Secret>>])[] = [
  ["id=a,src=f", { a: { file: "f" } }],
  ["id=a,source=f", { a: { file: "f" } }],
  ["type=file,id=a,src=f", { a: { file: "f" } }],
  ["id=a,env=TOKEN", { a: { env: "TOKEN" } }],
  ["type=env,id=a,src=TOKEN", { a: { env: "TOKEN" } }],
  ["type=env,id=a,env=TOKEN", { a: { env: "TOKEN" } }],
  ["id=TOKEN", { TOKEN: { env: "TOKEN" } }],
  ["id=file", { file: { file: "file" } }],
  ["ID=a,SRC=f", { a: { file: "f" } }],
  ['id=a,"src=f,g"', { a: { file: "f,g" } }],
  ["id=a,src=f=g", { a: { file: "f=g" } }],
];

for (const [text, expected] of SECRETS) {
  test(`--secret ${text}`, () => assert.equal(parseSecrets([text], ENV), expected));
}

for (const text of ["", "src=f", "id=", "id", "id=a,size=3", "type=vault,id=a"]) {
  test(`--secret ${text} is refused`, () => assert.throws(() => parseSecrets([text], ENV), isUsageError));
}

test("several secrets are several, and the last of an id counts", () => {
  assert.equal(parseSecrets(["id=a,src=1", "id=b,src=2", "id=a,src=3"], ENV), { a: { file: "3" }, b: { file: "2" } });
});

const SSH: readonly (readonly [string, readonly string[]])[] = [
  ["default", ["/agent"]],
  ["default=/other", ["/other"]],
  ["github=k1,k2", ["k1", "k2"]],
];

for (const [text, paths] of SSH) {
  test(`--ssh ${text}`, () => assert.equal(parseSsh([text], ENV), { [text.split("=")[0] ?? ""]: { paths } }));
}

test("--ssh without an agent leaves it to the build to say so", () => {
  assert.equal(parseSsh(["default"], {}), { default: { paths: [] } });
});

test("--ssh =path is refused", () => assert.throws(() => parseSsh(["=path"], ENV), isUsageError));

test("--allow takes docker's entitlements", () => {
  const given = ["network.host", "security.insecure,device=x", "fs.read=/x"];
  assert.equal(parseAllow(given), ["network.host", "security.insecure"]);
  assert.throws(() => parseAllow(["network.hots"]), isUsageError);
});

function isUsageError(error: unknown): boolean {
  return error instanceof UsageError && error.code === "INVALID_VALUE";
}

test.run();
